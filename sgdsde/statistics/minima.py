"""Polynomials through the lowest points of a curve, and where they are least: of all replicas, and of resamples."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: ln(error/least error) up to which points belong to the cubic's window; the least points of one, and least replicas.
DEPTH, LEAST, REPLICAS = 0.2, 5, 3
#: How much of the points' range the parabola may miss a point by, for the peak to be called resolved.
MISFIT = 0.15
#: Points of the line on which fits are minimised, and the least part of the resamples with a minimum inside a window.
FINE, INSIDE = 400, 0.975


class Minima(NamedTuple):
    """ln places of the fits' minima, of the mean and then of its resamples; NaN where a resample has no error at all.

    ``inside``: of nearly all resamples they are inside of the windows. ``smooth``: the parabola misses no point.
    """

    cubic: Array
    parabola: Array
    inside: bool
    smooth: bool
    curve: tuple[Array, Array]


def minima(x: Array, errors: Array, resamples: int, seed: int) -> Minima:
    """Of fits to ln mean errors. The same seed and number of replicas give the same resamples, whatever the curve."""
    logs, positive = resampled(errors, resamples, seed)
    parabola, cubic = _Fits(x, 0.0, 2), _Fits(x, DEPTH, 3)
    places = np.full((2, len(positive)), np.nan)
    (places[0, positive], inner), (places[1, positive], inside) = parabola.minima(logs), cubic.minima(logs)
    within = min(inner, inside) * positive.mean() >= INSIDE
    return Minima(places[1], places[0], bool(within), parabola.fits(logs[0]), cubic.curve(logs[0]))


def resampled(errors: Array, resamples: int, seed: int) -> tuple[Array, NDArray[np.bool_]]:
    """ln mean errors of all replicas, and then of resamples, without those that have no error somewhere; and of which.

    A resample may have drawn the replicas without an error alone.
    """
    rows = len(errors)
    shares = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=resamples) / rows
    means = np.vstack([errors.mean(axis=0)[None], shares @ errors])
    positive = np.asarray((means > 0).all(axis=1))
    return np.log(means[positive]), positive


def spread(values: Array, rows: int) -> float:
    """Standard error of what is first in `values`, from its resamples after it; ∞ where there is none."""
    rest = values[1:][np.isfinite(values[1:])]
    return float(rest.std()) * math.sqrt(rows / (rows - 1)) if len(rest) else math.inf


def student(dof: int, level: float) -> float:
    """Half an interval in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, (1 + level) / 2))


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
