"""Estimates against predictions, as a table with standard errors and with what the comparison could have seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real, real_array
from sgdsde.statistics.estimates import Estimate
from sgdsde.statistics.table import Comparison, Row


class MomentsLike(Protocol):
    """Anything with a mean (d,) and a covariance (d, d)."""

    @property
    def mean(self) -> ArrayLike: ...  # noqa: D102
    @property
    def covariance(self) -> ArrayLike: ...  # noqa: D102


class EnsembleLike(MomentsLike, Protocol):
    """What :func:`compare` needs of an ensemble."""

    @property
    def standard_error(self) -> MomentsLike: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def parameters(self) -> Sequence[str]: ...  # noqa: D102


def check(estimate: Estimate, predicted: ArrayLike, name: str, *, source: str = "") -> Comparison:
    """Compare one estimate with its prediction, entry by entry.

    Parameters
    ----------
    estimate : Estimate
        A number or an array with standard errors.
    predicted : array_like
        Of the same shape, or a number for every entry.
    name : str
        The quantity; entries of an array are called ``name[i, j]``.
    source : str
        Where the estimate comes from.

    Returns
    -------
    Comparison, one row per entry.

    Raises
    ------
    ValueError
        When the shape of ``predicted`` does not fit.

    Examples
    --------
    >>> check(Estimate(1.02, 0.01), 1.0, "var x").within(4), check(Estimate(1.02, 0.01), 1.0, "var x").within(1)
    (True, False)
    """
    value, error = real_array("value", estimate.value), real_array("standard_error", estimate.standard_error)
    expected = _fitting("predicted", predicted, value.shape)
    return Comparison(
        tuple(
            Row.of(
                f"{name}[{', '.join(map(str, i))}]" if i else name,
                source,
                float(value[i]),
                float(error[i]),
                float(expected[i]),
            )
            for i in np.ndindex(value.shape)
        )
    )


def compare(
    *ensembles: EnsembleLike,
    predicted: ArrayLike | None = None,
    predicted_mean: ArrayLike | None = None,
    predicted_skewness: ArrayLike | None = None,
    predicted_kurtosis: ArrayLike | None = None,
    predicted_occupancy: Mapping[str, float] | None = None,
    names: Sequence[str] | None = None,
    stationary: bool = True,
) -> Comparison:
    """Compare the moments of ensembles with a prediction, or with those of the first ensemble.

    Parameters
    ----------
    *ensembles : Ensemble
        Or anything with ``mean`` (d,), ``covariance`` (d, d), the same two in ``standard_error``, ``label`` and
        ``parameters``.
    predicted : array_like, (d, d), or a number for d = 1
        Predicted covariance.
    predicted_mean : array_like, (d,), or a number for every component
        Predicted mean.
    predicted_skewness, predicted_kurtosis : array_like, (d,), or a number for every component
        Predicted skewness and excess kurtosis, of ensembles with ``observe=Observe(moments=4)``.
    predicted_occupancy : mapping of str to float
        Predicted share of time in regions, of ensembles with ``observe=Observe(occupancy={…})`` that name them.
    names : sequence of str
        What to call each ensemble in the column ``source``; their labels otherwise.
    stationary : bool
        Whether the prediction is of a stationary law. Then an ensemble whose averages begin before its start is
        forgotten (ten relaxation times, where it knows them) gets no z, and a note says so; nor does one that was run
        with ``stop``. False: of the very updates that are averaged.

    Returns
    -------
    Comparison
        For each ensemble what is predicted: d means, d(d + 1)/2 variances and covariances, d skewnesses and kurtoses,
        the shares of time. Without any prediction all that the ensembles have in common against the first ensemble's,
        standard errors added in quadrature (independent ensembles).

    Raises
    ------
    ValueError
        When there is nothing to compare with, something is no ensemble or did not observe what is predicted, or a shape
        or the number of names does not fit.

    Examples
    --------
    >>> from types import SimpleNamespace as Space
    >>> error = Space(mean=[0.1], covariance=[[0.01]])
    >>> sgd = Space(mean=[0.05], covariance=[[1.02]], standard_error=error, label="SGD", parameters=("x",))
    >>> print(compare(sgd, predicted=1.0, predicted_mean=0.0))
    quantity  source  value  predicted   ratio  standard_error      z  detectable
    mean x    SGD      0.05          0       –             0.1  +0.50           –
    var x     SGD      1.02          1  1.0200            0.01  +2.00        0.04
    """
    for place, ensemble in enumerate(ensembles, 1):
        _check_ensemble(place, ensemble)
    labels = [ensemble.label for ensemble in ensembles] if names is None else list(names)
    if len(labels) != len(ensembles):
        raise ValueError(f"names must name each of the {len(ensembles)} ensembles, got {len(labels)} names")
    predictions: dict[str, Any] = {
        "predicted": predicted, "predicted_mean": predicted_mean, "predicted_skewness": predicted_skewness,
        "predicted_kurtosis": predicted_kurtosis, "predicted_occupancy": predicted_occupancy,
    }  # fmt: skip
    given = any(value is not None for value in predictions.values())
    if len(ensembles) < (1 if given else 2):
        raise ValueError("ensembles must be at least one with a prediction, at least two without")
    tables = [_moments(ensemble) for ensemble in ensembles]
    rows: list[Row] = []
    if not given:
        reference = tables[0]
        for ensemble, label, table in zip(ensembles[1:], labels[1:], tables[1:], strict=True):
            if tuple(ensemble.parameters) != tuple(ensembles[0].parameters):
                raise ValueError(
                    f"ensembles must have the parameters of the first, {ensembles[0].parameters}: {label!r} has not"
                )
            for name, (value, error) in table.items():
                if name not in reference:  # the first did not observe it
                    continue
                expected, uncertainty = reference[name]
                rows.append(Row.of(name, f"{label} / {labels[0]}", value, math.hypot(error, uncertainty), expected))
        return Comparison(tuple(rows))
    parts = []
    for ensemble, label, table in zip(ensembles, labels, tables, strict=True):
        expected_moments = _predictions(ensemble, predictions)
        _check_observed(label, table, expected_moments)
        part = Comparison(tuple(Row.of(name, label, *table[name], value) for name, value in expected_moments.items()))
        why_not = (_ending(ensemble, label) or _too_short(ensemble, label)) if stationary else ""
        parts.append(part.unjudged(why_not) if why_not else part)
    return sum(parts[1:], parts[0])


def sigmas_for(tests: int, level: float = 0.05) -> float:
    """Number of σ that the largest of ``tests`` independent Gaussian |z| exceeds with probability ``level`` (Šidák).

    Parameters
    ----------
    tests : int
        At least 1.
    level : float
        In (0, 1): the chance that a right prediction fails any of the tests.

    Returns
    -------
    float, to be given to :meth:`Comparison.within`.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Notes
    -----
    Šidák (1967), two-sided: a test at 1 − (1 − level)^(1/tests). Conservative when the tests are correlated.

    Examples
    --------
    >>> round(sigmas_for(1, 0.05), 4), round(sigmas_for(100, 0.05), 4)
    (1.96, 3.474)
    """
    tests, level = integer("tests", tests, 1), real("level", level, above=0, below=1)
    from scipy.special import ndtri  # here: it costs more than everything else that this room imports

    return float(-ndtri(-math.expm1(math.log1p(-level) / tests) / 2))


def _check_ensemble(place: int, ensemble: object) -> None:
    missing = [
        name for name in ("mean", "covariance", "standard_error", "label", "parameters") if _lacks(ensemble, name)
    ]
    if missing:
        raise ValueError(
            f"ensembles must be what simulate_sde, simulate_sgd or integrate return, or have mean, covariance, "
            f"standard_error, label and parameters; argument {place}, of type {type(ensemble).__name__}, has no "
            f"{missing[0]}"
        )


def _lacks(ensemble: object, name: str) -> bool:
    """Whether it has no such attribute, or a method in its place, as an xarray.Dataset has."""
    return callable(getattr(ensemble, name, len))


def _ending(ensemble: EnsembleLike, label: str) -> str:
    """Why a run whose paths end cannot be judged by a stationary law; empty where none may."""
    if getattr(ensemble, "exits", None) is None:
        return ""
    return f"{label} has paths that end (stop): its moments are of their last states, so that there is no z"


def _too_short(ensemble: EnsembleLike, label: str) -> str:
    """Why this run cannot be judged by a stationary law; empty where it can, or where that is not known."""
    burn_in, needed = getattr(ensemble, "burn_in", math.nan), getattr(ensemble, "settled_after", math.nan)
    if not burn_in < needed:
        return ""
    enough = f"{math.ceil(needed)} updates" if math.isfinite(needed) else "without end: a direction is flat"
    return (
        f"{label} has averages from burn_in = {burn_in}, and ten relaxation times are {enough}: too short for a "
        f"stationary law, so that there is no z"
    )


def _moments(ensemble: EnsembleLike) -> dict[str, tuple[float, float]]:
    """Value and standard error of each mean, variance and covariance, by name."""
    errors = ensemble.standard_error
    means = zip(real_array("mean", ensemble.mean), real_array("standard_error.mean", errors.mean), strict=True)
    table = {f"mean {p}": (float(v), float(e)) for p, (v, e) in zip(ensemble.parameters, means, strict=True)}
    covariance, error = (
        real_array("covariance", ensemble.covariance),
        real_array("standard_error.covariance", errors.covariance),
    )
    table |= {name: (float(covariance[i]), float(error[i])) for name, i in _entries(ensemble.parameters).items()}
    return table | _observed(ensemble)


def _observed(ensemble: EnsembleLike) -> dict[str, tuple[float, float]]:
    """The same of each skewness, kurtosis and share of time, where these were observed."""
    observations = getattr(ensemble, "observations", None)
    moments, shares = getattr(observations, "moments", None), getattr(observations, "occupancy", None) or {}
    table = {}
    for word in ("skewness", "kurtosis") if moments is not None else ():
        estimate = getattr(moments, word)
        for parameter, value, error in zip(ensemble.parameters, estimate.value, estimate.standard_error, strict=True):
            table[f"{word} {parameter}"] = (float(value), float(error))
    return table | {f"occupancy {name}": (float(one.value), float(one.standard_error)) for name, one in shares.items()}


def _check_observed(label: str, table: Mapping[str, object], expected: Mapping[str, object]) -> None:
    missing = next((name for name in expected if name not in table), None)
    if missing is not None:
        raise ValueError(
            f"{label!r} has no {missing!r}: simulate it with observe=Observe(…), moments=4 for skewness and kurtosis, "
            f"occupancy={{…}} for the occupancy of regions"
        )


def _predictions(ensemble: EnsembleLike, given: Mapping[str, Any]) -> dict[str, float]:
    """Predicted moments, under the names of ``_moments``."""
    d = len(ensemble.parameters)
    predicted, predicted_mean, predicted_occupancy = (
        given[name] for name in ("predicted", "predicted_mean", "predicted_occupancy")
    )
    expected: dict[str, float] = {}
    if predicted_mean is not None:
        expected |= {
            f"mean {p}": float(m)
            for p, m in zip(ensemble.parameters, _fitting("predicted_mean", predicted_mean, (d,)), strict=True)
        }
    if predicted is not None:
        if np.ndim(predicted) == 0 and d > 1:
            raise ValueError(f"predicted must have the shape {(d, d)}, got a number")
        matrix = _fitting("predicted", predicted, (d, d))
        expected |= {name: float(matrix[i]) for name, i in _entries(ensemble.parameters).items()}
    for word in ("skewness", "kurtosis"):
        if (value := given[f"predicted_{word}"]) is not None:
            each = zip(ensemble.parameters, _fitting(f"predicted_{word}", value, (d,)), strict=True)
            expected |= {f"{word} {p}": float(v) for p, v in each}
    if predicted_occupancy is not None:
        if not isinstance(predicted_occupancy, Mapping) or not predicted_occupancy:
            raise ValueError(f"predicted_occupancy must map names of regions to numbers, got {predicted_occupancy!r}")
        shares = {f"occupancy {n}": real(f"predicted_occupancy[{n!r}]", v) for n, v in predicted_occupancy.items()}
        expected |= shares
    return expected


def _entries(parameters: Sequence[str]) -> dict[str, tuple[int, int]]:
    pairs = [(i, j) for i in range(len(parameters)) for j in range(i, len(parameters))]
    return {f"var {parameters[i]}" if i == j else f"cov {parameters[i]}, {parameters[j]}": (i, j) for i, j in pairs}


def _fitting(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = real_array(name, value)
    if array.ndim and array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    return np.broadcast_to(array, shape)
