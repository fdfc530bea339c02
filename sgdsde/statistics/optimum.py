"""Where a measured curve is lowest, such as the test error against the batch size, with an honest interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.minima import LEAST, REPLICAS, minima, spread, student

Array = NDArray[np.float64]

#: The bias is taken for at most so many times its distance from the parabola.
BIAS = 4.0


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where a curve is lowest.

    Attributes
    ----------
    place : float
        The estimate; the best point of the grid where the fit has no minimum.
    interval : (float, float)
        Where the optimum is, at the level that was asked for: of the fit where it is resolved, else the `bracket`.
    bracket : (float, float)
        Between points that are significantly worse than the best; 0 or ∞ where there is none on a side. It assumes that
        the curve falls to its optimum and rises from there, and nothing else: on a plateau, the plateau.
    resolved : bool
        Whether the interval is finer than the bracket.
    curve : (points, values)
        The fit to ln error in its window, for drawing: places and errors.
    """

    place: float
    interval: tuple[float, float]
    bracket: tuple[float, float]
    resolved: bool
    curve: tuple[Array, Array] = field(repr=False)

    __repr__ = one_line


def optimum(
    places: ArrayLike, errors: ArrayLike, *, level: float = 0.95, resamples: int = 500, seed: int = 0
) -> Optimum:
    """Where replicas' mean error is least, with an interval that stays honest on plateaus and cliffs.

    Parameters
    ----------
    places : array_like, (points,)
        At least two, positive and increasing, such as batch sizes; of fewer than five, there is a bracket only.
    errors : array_like, (replicas, points)
        What is to be least, positive: 1 − accuracy, or a loss. Two replicas make a bracket, three a fit; a row may
        share its data and seeds between points, and is resampled as a whole.
    level : float
        Of the interval.
    resamples, seed : int
        Of the bootstrap over replicas.

    Returns
    -------
    Optimum

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    The bracket is from paired t tests of each point against the best, Bonferroni-corrected. Within it ln error is
    fitted in ln place: by a skewed peak, a + b u + c (e^(−ku) − 1 + ku)/k², to the points with at most 22 % more error
    than the best (five at least), whose minimum is the estimate, and by a parabola to the best five. The interval has
    the bootstrap's error of that minimum, with Student's t, and four times its distance from the parabola's, added in
    squares, as the bias. The peak counts as resolved if that lies within the bracket, the bracket has two ends, 97.5 %
    of resamples have their minima inside the windows (one without an error at some place counts as outside), and the
    parabola misses no point by more than 15 % of their range; a cliff, a plateau or an optimum at the end of the grid
    are not.

    Over synthetic curves on octaves of B, with 3 to 30 replicas and noise of 1 to 3 % (tests/statistics/), intervals
    for 95 % cover 95 % and more of parabolas, smooth skewed peaks and cliffs, and of plateaus as wholes, and about 80 %
    where the curvature jumps fourfold at the optimum itself, which no fit between an octave's points can see. Without
    noise, on half octaves, the place is within 0.1 octaves of the optimum of all of them but that last, 0.4.

    Examples
    --------
    >>> B = 2.0 ** np.arange(1, 9)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, (10, 8))
    >>> found = optimum(B, 0.1 * np.exp(0.04 * np.log2(B / 20) ** 2 + noise))
    >>> found.resolved, found.interval[0] < 20 < found.interval[1]
    (True, True)
    """
    x, e = _checked(places, errors, level)
    low, high = _bracket(x, e, level)
    bracket, best = (float(np.exp(low)), float(np.exp(high))), int(e.mean(axis=0).argmin())
    if len(e) < REPLICAS or len(x) < LEAST:
        return Optimum(float(np.exp(x[best])), bracket, bracket, False, (np.exp(x), e.mean(axis=0)))
    found = minima(x, e, integer("resamples", resamples, 100), seed)
    third, first = float(found.skewed[0]), float(found.parabola[0])
    half = math.hypot(student(len(e) - 1, level) * spread(found.skewed, len(e)), BIAS * (third - first))
    ends = third - half, third + half
    bounded = -math.inf < low < ends[0] and ends[1] < high < math.inf
    resolved = bounded and found.inside and found.smooth
    interval = (float(np.exp(ends[0])), float(np.exp(ends[1]))) if resolved else bracket
    return Optimum(float(np.exp(third)), interval, bracket, resolved, found.curve)


def _bracket(x: Array, errors: Array, level: float) -> tuple[float, float]:
    """Logarithms of the nearest points on either side of the best that are significantly worse."""
    rows, points = errors.shape
    best = int(errors.mean(axis=0).argmin())
    limit = student(rows - 1, 1 - (1 - level) / (points - 1))
    more = errors - errors[:, [best]]
    worse = more.mean(axis=0) > limit * more.std(axis=0, ddof=1) / math.sqrt(rows)
    left, right = np.flatnonzero(worse[:best]), best + np.flatnonzero(worse[best:])
    return float(x[left[-1]]) if len(left) else -math.inf, float(x[right[0]]) if len(right) else math.inf


def _checked(places: ArrayLike, errors: ArrayLike, level: float) -> tuple[Array, Array]:
    at, e = real_array("places", places), real_array("errors", errors)
    if at.ndim != 1 or len(at) < 2 or not (at > 0).all() or not (np.diff(at) > 0).all():
        raise ValueError(f"places must be at least 2 positive increasing numbers, got {at.tolist()}")
    if e.ndim != 2 or e.shape[1] != len(at) or len(e) < 2:
        raise ValueError(f"errors must have the shape (replicas, {len(at)}) with at least 2 replicas, got {e.shape}")
    if not (np.isfinite(e).all() and (e >= 0).all() and (e.mean(axis=0) > 0).all()):
        raise ValueError("errors must be finite, not negative, and at each place positive for some replica")
    real("level", level, above=0, below=1)
    return np.log(at), e
