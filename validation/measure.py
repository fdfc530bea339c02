"""From what was simulated to a check, the same way in every claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.check import Check

if TYPE_CHECKING:
    from sgdsde import Ensemble
    from sgdsde.exits import Exits
    from sgdsde.plotting import Series
    from sgdsde.statistics import Estimate, OptimumLaw, Order

Array = NDArray[np.float64]
#: Standard errors on each side in a 95 % interval.
TWO_SIDED = 1.96


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """Mean over replicas or data sets, (n,), and its standard error from their scatter.

    >>> mean_and_error([1.0, 2.0, 3.0])
    (2.0, 0.577...)
    """
    from sgdsde.statistics import mean

    found = mean(values)
    return float(found.value), float(found.standard_error)


def whole(ensemble: Ensemble) -> Ensemble:
    """The ensemble, or RuntimeError when a path diverged: what is left would be a biased sample."""
    if ensemble.diverged:
        raise RuntimeError(f"{ensemble.diverged} of {ensemble.paths} paths diverged in {ensemble.label}")
    return ensemble


def covariance_check(
    label: str,
    ensemble: Ensemble,
    predicted: float,
    rivals: Mapping[str, float],
    *,
    entry: tuple[int, int] = (0, 0),
    unit: float = 1.0,
    rounding: float = 0.0,
) -> Check:
    """An entry of the ensemble's covariance, times ``unit``, against what is predicted for that product."""
    covariance, (i, j) = whole(ensemble).covariance, entry
    # What a covariance could have been at most, by Cauchy and Schwarz: its own value may be near zero.
    scale = None if i == j else unit * math.sqrt(covariance[i, i] * covariance[j, j])
    measured = float(covariance[i, j]) * unit
    error = float(ensemble.standard_error.covariance[entry]) * unit
    return Check(label, predicted, measured, error, rivals, rounding, scale)


def exits_of(ensemble: Ensemble) -> Exits:
    """Where and when the paths of a run with ``stop`` ended; RuntimeError when a path diverged."""
    exits = whole(ensemble).exits
    if exits is None:
        raise RuntimeError(f"{ensemble.label} was run without stop")
    return exits


def exit_time(ensemble: Ensemble, unit: float = 1.0) -> Estimate:
    """Mean exit time in updates, times ``unit``; ValueError where paths were left inside."""
    from sgdsde.statistics import Estimate

    found = exits_of(ensemble).mean_time(method="sample_mean")
    return Estimate(unit * found.mean, unit * found.standard_error)


def series(
    label: str,
    x: ArrayLike,
    checks: Sequence[Check],
    line_x: ArrayLike | None = None,
    line_y: ArrayLike | None = None,
    unit: ArrayLike = 1.0,
    *,
    logs: bool = False,
) -> Series:
    """Checks as points of a picture at ``x``, in a ``unit``, with what they are held against and its line.

    Checks of ``logs`` are drawn as the numbers whose logarithms they are.
    """
    from sgdsde.plotting import Series

    measured, error, predicted = (
        np.array([getattr(check, name) for check in checks]) / unit
        for name in ("measured", "standard_error", "predicted")
    )
    if logs:
        measured, predicted = np.exp(measured), np.exp(predicted)
        error = measured * error
    return Series(label, x, measured, error, predicted, line_x, line_y)


def order_check(label: str, predicted: float, order: Order, rivals: Mapping[str, float]) -> Check:
    """A measured order of convergence, whose standard error is a quarter of the width of its 95 % interval."""
    return Check(label, predicted, order.slope, half_width(order) / TWO_SIDED, rivals)


def half_width(order: Order) -> float:
    """Half of the 95 % interval."""
    return (order.interval[1] - order.interval[0]) / 2


def mean_check(
    label: str,
    values: ArrayLike,
    rivals: Mapping[str, float] | None = None,
    *,
    predicted: float = 0.0,
    scale: float | None = 1.0,
) -> Check:
    """A mean over replicas or data sets, (n,), with the error that follows from their scatter."""
    value, error = mean_and_error(values)
    return Check(label, predicted, value, error, rivals or {}, scale=scale, dof=np.size(values) - 1)


#: The standard error of an exponent of which the measurement says nothing: more than any law's.
UNKNOWN = 10.0


def exponent_check(
    label: str,
    predicted: float,
    law: OptimumLaw,
    rivals: Mapping[str, float],
    *,
    most: float = UNKNOWN,
    scale: float | None = None,
) -> Check:
    """How a best place moves; where nothing is known of one on a side, the error is `most`, as wide as the grid is."""
    return Check(label, predicted, law.exponent, min(law.standard_error, most), rivals, scale=scale, dof=law.dof)
