"""Fits to the lowest points of a curve, and where they are least: of all replicas, and of resamples."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: ln(error/least error) up to which points belong to the skewed peak's window; least points of one, least replicas.
DEPTH, LEAST, REPLICAS = 0.2, 5, 3
#: How much of the points' range the parabola may miss a point by, for the peak to be called resolved.
MISFIT = 0.15
#: Points of the line on which fits are minimised, and of that which is drawn; the least part of the resamples with a
#: minimum inside a window.
FINE, DRAWN, INSIDE = 400, 80, 0.975
#: Skewness k of a peak, per octave, that is tried; 0 is a parabola.
SKEWNESS = np.concatenate([-np.geomspace(8, 0.1, 14), [0.0], np.geomspace(0.1, 8, 14)])


class Minima(NamedTuple):
    """ln places of the fits' minima, of the mean and then of its resamples; NaN where a resample has no error at all.

    ``inside``: of nearly all resamples they are inside of the windows. ``smooth``: the parabola misses no point.
    """

    skewed: Array
    parabola: Array
    inside: bool
    smooth: bool
    curve: tuple[Array, Array]


def minima(x: Array, errors: Array, resamples: int, seed: int) -> Minima:
    """Fits to ln mean errors. The same seed and number of replicas give the same resamples, whatever the curve."""
    logs, positive = resampled(errors, resamples, seed)
    parabola, skewed = _Fits(x, 0.0, np.zeros(1)), _Fits(x, DEPTH, SKEWNESS / math.log(2))
    places = np.full((2, len(positive)), np.nan)
    (places[0, positive], inner), (places[1, positive], inside) = parabola.minima(logs), skewed.minima(logs)
    within = min(inner, inside) * positive.mean() >= INSIDE
    return Minima(places[1], places[0], bool(within), parabola.fits(logs[0]), skewed.curve(logs[0]))


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
    """a + b u + c (e^(−ku) − 1 + ku)/k² through windows of consecutive points about the lowest, of the best k.

    c > 0, so that there is one minimum, at u = −ln(1 + kb/c)/k: with k of either sign from a parabola to a cliff on one
    side and a straight rise on the other. (Varian's linex, 1975.)
    """

    def __init__(self, x: Array, depth: float, skewness: Array) -> None:
        self.x, self.depth, self.skewness = x, depth, skewness
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

    def matrices(self, low: int, high: int) -> tuple[Array, Array]:
        """For each k its three functions at the window's points, (k, n, 3), and their pseudo-inverse."""
        if (low, high) not in self.known:
            u = self.x[low:high] - self.x[low:high].mean()
            functions = np.array([_functions(u, k) for k in self.skewness])
            self.known[low, high] = functions, np.linalg.pinv(functions)
        return self.known[low, high]

    def best(self, rows: Array, low: int, high: int) -> tuple[Array, Array]:
        """For rows of values in one window their coefficients, (rows, 3), and k; NaN where nothing has a minimum."""
        functions, inverse = self.matrices(low, high)
        found = np.einsum("kin,rn->kri", inverse, rows)
        rest = ((np.einsum("kni,kri->krn", functions, found) - rows) ** 2).sum(axis=2)
        rest[found[..., 2] <= 0] = np.inf
        at, every = rest.argmin(axis=0), np.arange(len(rows))
        coefficients = np.where(np.isfinite(rest[at, every])[:, None], found[at, every], np.nan)
        return coefficients, self.skewness[at]

    def minima(self, values: Array) -> tuple[Array, float]:
        """Where the fits to rows of values are least, and the part of them that are so inside of their windows."""
        windows = [self.window(y) for y in values]
        found, inside = np.empty(len(values)), 0
        for low, high in set(windows):
            mine = np.array([window == (low, high) for window in windows])
            rows, x = values[mine][:, low:high], self.x[low:high]
            (_, b, c), k = (each := self.best(rows, low, high))[0].T, each[1]
            with np.errstate(divide="ignore", invalid="ignore"):
                at = x.mean() + np.where(k, -np.log1p(k * b / c) / np.where(k, k, 1), -b / c)
            within = (x[0] < at) & (at < x[-1])
            ends = np.where(rows[:, 0] <= rows[:, -1], x[0], x[-1])
            found[mine], inside = np.where(within, at, ends), inside + int(within.sum())
        return found, inside / len(values)

    def line(self, y: Array, points: int | None = None) -> tuple[Array, Array]:
        """The fit in its window, on a fine line or at the points: where there is none, the points themselves."""
        low, high = self.window(y)
        x = self.x[low:high]
        fine = x if points is None else np.linspace(x[0], x[-1], points)
        (coefficients,), (k,) = self.best(y[None, low:high], low, high)
        fit = _functions(fine - x.mean(), k) @ coefficients
        return fine, fit if np.isfinite(fit).all() else np.interp(fine, x, y[low:high])

    def fits(self, y: Array) -> bool:
        low, high = self.window(y)
        return bool(np.abs(y[low:high] - self.line(y)[1]).max() < MISFIT * np.ptp(y[low:high]))

    def curve(self, y: Array) -> tuple[Array, Array]:
        x, fit = self.line(y, DRAWN)
        return np.exp(x), np.exp(fit)


def _functions(u: Array, k: float) -> Array:
    """1, u and (e^(−ku) − 1 + ku)/k², (n, 3)."""
    return np.stack([np.ones_like(u), u, (np.expm1(-k * u) + k * u) / k**2 if k else u**2 / 2], axis=1)
