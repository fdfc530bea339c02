"""Where a measured curve is lowest, such as the test error against the batch size, with an honest interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real, real_array
from sgdsde.layout import one_line

Array = NDArray[np.float64]

#: ln(error/least error) up to which points belong to the cubic's window, and the least points of a window.
DEPTH, LEAST = 0.2, 5
#: How much of the points' range the parabola may miss a point by, for the peak to be called resolved.
MISFIT = 0.15
#: The cubic's bias is taken for at most so many times its distance from the parabola.
BIAS = 4.0
#: Points of the line on which fits are minimised, and the least part of the resamples with a minimum inside a window.
FINE, INSIDE = 400, 0.975


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
        The cubic fit to ln error in its window, for drawing: places and errors.
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
        At least five, positive and increasing, such as batch sizes.
    errors : array_like, (replicas, points)
        What is to be least, positive: 1 − accuracy, or a loss. At least three replicas; a row may share its data and
        seeds between points, and is resampled as a whole.
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
    fitted in ln place: by a cubic to the points with at most 22 % more error than the best (five at least), whose
    minimum is the estimate, and by a parabola to the best five. The interval has the bootstrap's error of the cubic's
    minimum, with Student's t, and four times its distance from the parabola's, added in squares, as the cubic's bias.
    The peak counts as resolved if that lies within the bracket, the bracket has two ends, 97.5 % of resamples have
    their minima inside the windows, and the parabola misses no point by more than 15 % of their range; a cliff, a
    plateau or an optimum at the end of the grid are not.

    Over synthetic curves on octaves of B, with 3 to 30 replicas and noise of 1 to 3 % (tests/statistics/), intervals
    for 95 % cover 96 to 100 % of parabolas, smooth skewed peaks and cliffs, 94 to 99 % of plateaus as wholes, and 79 to
    96 % where the curvature jumps fourfold at the optimum itself, which no fit between an octave's points can see. The
    estimate has no bias on a parabola, and one of 0.1 octaves where the curvature falls e-fold in two octaves.

    Examples
    --------
    >>> B = 2.0 ** np.arange(1, 9)
    >>> noise = np.random.default_rng(0).normal(0, 0.02, (10, 8))
    >>> found = optimum(B, 0.1 * np.exp(0.04 * np.log2(B / 20) ** 2 + noise))
    >>> found.resolved, found.interval[0] < 20 < found.interval[1]
    (True, True)
    """
    x, e, rows = _checked(places, errors, level)
    count = integer("resamples", resamples, 100)
    from scipy.special import stdtrit

    shares = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=count) / rows
    logs = np.log(np.vstack([e.mean(axis=0)[None], shares @ e]))
    parabola, cubic = _Fits(x, 0.0, 2), _Fits(x, DEPTH, 3)
    (first, inner), (third, inside) = parabola.minima(logs), cubic.minima(logs)
    low, high = _bracket(x, e, level)
    spread = third[1:].std() * math.sqrt(rows / (rows - 1))
    half = math.hypot(float(stdtrit(rows - 1, (1 + level) / 2)) * spread, BIAS * (third[0] - first[0]))
    ends = third[0] - half, third[0] + half
    bounded = -math.inf < low < ends[0] and ends[1] < high < math.inf
    resolved = bounded and min(inner, inside) >= INSIDE and parabola.fits(logs[0])
    bracket = (float(np.exp(low)), float(np.exp(high)))
    return Optimum(
        float(np.exp(third[0])),
        (float(np.exp(ends[0])), float(np.exp(ends[1]))) if resolved else bracket,
        bracket,
        bool(resolved),
        cubic.curve(logs[0]),
    )


class _Fits:
    """Polynomials in x through windows of consecutive points about the lowest."""

    def __init__(self, x: Array, depth: float, degree: int) -> None:
        self.x, self.depth, self.degree = x, depth, degree
        self.known: dict[tuple[int, int], tuple[Array, Array]] = {}

    def window(self, y: Array) -> tuple[int, int]:
        low = high = int(y.argmin())
        limit = y[low] + self.depth
        while low > 0 and y[low - 1] <= limit:
            low -= 1
        while high < len(y) - 1 and y[high + 1] <= limit:
            high += 1
        while high - low + 1 < LEAST:  # towards the lower side
            down = y[low - 1] if low > 0 else np.inf
            up = y[high + 1] if high < len(y) - 1 else np.inf
            low, high = (low - 1, high) if down <= up else (low, high + 1)
        return low, high + 1

    def line(self, low: int, high: int) -> tuple[Array, Array]:
        """A fine line over the window, and the matrix from values to the fit on it."""
        if (low, high) not in self.known:
            x = self.x[low:high]
            fine, centre = np.linspace(x[0], x[-1], FINE), x.mean()
            to = np.vander(fine - centre, self.degree + 1) @ np.linalg.pinv(np.vander(x - centre, self.degree + 1))
            self.known[low, high] = fine, to
        return self.known[low, high]

    def minima(self, values: Array) -> tuple[Array, float]:
        """Where the fits to rows of values are least, and the part of them that are so inside of their windows."""
        found, inside = np.empty(len(values)), 0
        for k, y in enumerate(values):
            low, high = self.window(y)
            fine, to = self.line(low, high)
            at = int((to @ y[low:high]).argmin())
            found[k], inside = fine[at], inside + (0 < at < FINE - 1)
        return found, inside / len(values)

    def fits(self, y: Array) -> bool:
        low, high = self.window(y)
        x, y = self.x[low:high] - self.x[low:high].mean(), y[low:high]
        rest = y - np.polyval(np.polyfit(x, y, self.degree), x)
        return bool(np.abs(rest).max() < MISFIT * np.ptp(y))

    def curve(self, y: Array) -> tuple[Array, Array]:
        low, high = self.window(y)
        fine, to = self.line(low, high)
        return np.exp(fine), np.exp(to @ y[low:high])


def _bracket(x: Array, errors: Array, level: float) -> tuple[float, float]:
    """Logarithms of the nearest points on either side of the best that are significantly worse."""
    from scipy.special import stdtrit

    rows, points = errors.shape
    best = int(errors.mean(axis=0).argmin())
    limit = float(stdtrit(rows - 1, 1 - (1 - level) / 2 / (points - 1)))
    more = errors - errors[:, [best]]
    worse = more.mean(axis=0) > limit * more.std(axis=0, ddof=1) / math.sqrt(rows)
    left, right = np.flatnonzero(worse[:best]), best + np.flatnonzero(worse[best:])
    return float(x[left[-1]]) if len(left) else -math.inf, float(x[right[0]]) if len(right) else math.inf


def _checked(places: ArrayLike, errors: ArrayLike, level: float) -> tuple[Array, Array, int]:
    at, e = real_array("places", places), real_array("errors", errors)
    if at.ndim != 1 or len(at) < LEAST or not (at > 0).all() or not (np.diff(at) > 0).all():
        raise ValueError(f"places must be at least {LEAST} positive increasing numbers, got {at.tolist()}")
    if e.ndim != 2 or e.shape[1] != len(at) or len(e) < 3:
        raise ValueError(f"errors must have the shape (replicas, {len(at)}) with at least 3 replicas, got {e.shape}")
    if not (np.isfinite(e).all() and (e >= 0).all() and (e.mean(axis=0) > 0).all()):
        raise ValueError("errors must be finite, not negative, and at each place positive for some replica")
    level = real("level", level, above=0, below=1)
    return np.log(at), e, len(e)
