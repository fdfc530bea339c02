"""How the place where a curve is lowest moves from curve to curve: B_opt ∝ ε^α, with the error of α."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.minima import FINE, INSIDE, LEAST, REPLICAS, resampled, spread, student
from sgdsde.statistics.optimum import Optimum, optimum

Array = NDArray[np.float64]
#: In octaves, or in the grid's largest step: the width of smoothing, and a narrower one to compare with.
WIDTHS = 0.75, 0.5
#: ln(error/least error) from which on errors are alike: how deep a curve falls says nothing of its optimum.
CAP = 0.4


@dataclass(frozen=True, eq=False)
class OptimumLaw:
    """α of (place of the least error) ∝ (variable)^α.

    Attributes
    ----------
    exponent : float
        α, by least squares on the logarithms of the places.
    standard_error : float
        Of Student's t with `dof` degrees of freedom; ∞ where nothing is known of some optimum on a side.
    interval : (float, float)
        At the level that was asked for.
    located : bool
        Whether each smoothed curve is least inside of its grid; else the error is that of the brackets.
    optima : tuple of Optimum
        Of each curve.
    dof : int
        Replicas − 1.
    """

    exponent: float
    standard_error: float
    interval: tuple[float, float]
    located: bool
    optima: tuple[Optimum, ...]
    dof: int

    __repr__ = one_line


def optimum_law(
    variable: ArrayLike,
    places: Sequence[ArrayLike],
    errors: Sequence[ArrayLike],
    *,
    level: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> OptimumLaw:
    """The exponent with which the place of the least error grows.

    Parameters
    ----------
    variable : array_like, (curves,)
        At least two different positive numbers, such as learning rates.
    places, errors : sequence of array_like
        Of each curve, as :func:`optimum` takes them; row r is the same replica in all curves.
    level, resamples, seed
        As there.

    Returns
    -------
    OptimumLaw

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    That places follow a power law says that curves are shifts of one another in ln place, at least about the optimum.
    Their shift is known better than the places are: of each curve, ln error, cut at 49 % above the least, is smoothed
    by a local parabola (Gaussian weights of 0.75 octaves), and α is the slope of the smoothed curves' minima. These are
    biased on skewed peaks, by as much in all curves of one shape, so that α is not. The standard error is that of a
    bootstrap of replicas, all curves together, and the distance of α from that with weights of 0.5 octaves, in squares.
    Where a smoothed curve is least at an end, or there are too few points or replicas, α's interval is all that the
    brackets of :func:`optimum` allow.

    Over synthetic peaks and cliffs (tests/statistics/) intervals for 95 % cover 93 % and more. If the shape changes α
    is off and its error does not say so: by 0.07 where a parabola on the steep side has become a straight line in two
    octaves of the optimum, by 0.01 where all slopes have grown by 1.7.

    Examples
    --------
    >>> B = 2.0 ** np.arange(1, 9)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, (2, 10, 8))
    >>> curves = [0.1 * np.exp(0.04 * np.log2(B / best) ** 2 + n) for best, n in zip((10, 40), noise)]
    >>> found = optimum_law([0.1, 0.4], [B, B], curves)
    >>> found.located, found.interval[0] < 1 < found.interval[1]
    (True, True)
    """
    values = real_array("variable", variable)
    if values.ndim != 1 or len(set(values.tolist())) < max(2, len(values)) or not (values > 0).all():
        raise ValueError(f"variable must be at least two different positive numbers, got {values.tolist()}")
    if not len(values) == len(places) == len(errors):
        raise ValueError(f"places and errors must be {len(values)} curves, got {len(places)} and {len(errors)}")
    of_each = [np.asarray(each, dtype=float) for each in errors]
    rows = {len(each) for each in of_each}
    if len(rows) > 1:
        raise ValueError(f"errors must have the same replicas in all curves, got {sorted(rows)} of them")
    found = tuple(
        optimum(x, e, level=level, resamples=resamples, seed=seed) for x, e in zip(places, of_each, strict=True)
    )
    replicas, away = rows.pop(), np.log(values) - np.log(values).mean()
    weights = away / (away @ away)
    t = student(replicas - 1, level)
    if replicas >= REPLICAS and min(each.shape[1] for each in of_each) >= LEAST:
        logs = [resampled(e, integer("resamples", resamples, 100), seed) for e in of_each]
        smooth = [_Smooth(np.log(np.asarray(x, dtype=float)), *each) for x, each in zip(places, logs, strict=True)]
        if all(each.inside >= INSIDE for each in smooth):
            alpha, other = (weights @ np.array([each.minima[k] for each in smooth]) for k in range(2))
            error = math.hypot(spread(alpha, replicas), float(alpha[0] - other[0]))
            exponent = float(alpha[0])
            return OptimumLaw(exponent, error, (exponent - t * error, exponent + t * error), True, found, replicas - 1)
    with np.errstate(divide="ignore"):
        brackets = np.log([each.bracket for each in found])
    low, high = (
        sum(float(w * ends[side if w > 0 else 1 - side]) for w, ends in zip(weights, brackets, strict=True) if w)
        for side in (0, 1)
    )
    exponent = float(weights @ np.log([each.place for each in found]))
    return OptimumLaw(exponent, (high - low) / 2 / t, (low, high), False, found, replicas - 1)


class _Smooth:
    """Where a smoothed curve is least, in ln place, at either width: of the mean and its resamples, NaN without one."""

    def __init__(self, x: Array, logs: Array, positive: NDArray[np.bool_]) -> None:
        cut = np.minimum(logs, logs.min(axis=1, keepdims=True) + CAP)
        fine = np.linspace(x[0], x[-1], FINE)
        self.minima = np.full((len(WIDTHS), len(positive)), np.nan)
        for row, width in zip(self.minima, WIDTHS, strict=True):
            at = (_smoother(x, fine, width * max(math.log(2), float(np.diff(x).max()))) @ cut.T).argmin(axis=0)
            row[positive] = fine[at]
            if width == WIDTHS[0]:
                self.inside = float(((at > 0) & (at < FINE - 1)).sum() / len(positive))


def _smoother(x: Array, fine: Array, width: float) -> Array:
    """The matrix from values at x to local parabolas' on a fine line."""
    away = (x - fine[:, None]) / width
    design = away[..., None] ** np.arange(3)
    weighted = np.exp(-0.5 * away**2)[..., None] * design
    normal = np.einsum("pij,pik->pjk", design, weighted)
    return np.asarray(np.linalg.solve(normal, weighted.transpose(0, 2, 1))[:, 0])
