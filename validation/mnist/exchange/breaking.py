"""The factor from which on ε and B may not be multiplied together, and how it grows with N."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sgdsde.statistics import Estimate, jackknife
from validation.mnist.descents import Array
from validation.mnist.three_factors.analysis import slopes


def breaking(factors: Sequence[float], apart: Array, margin: float) -> float:
    """The factor at which |apart| first leaves the margin: linear in ln factor; NaN where it does not.

    >>> round(breaking([1, 2, 4, 8], np.array([0.0, 0.0, -0.05, -0.15]), 0.1), 3)
    5.657
    """
    away = np.abs(apart)
    (beyond,) = np.nonzero(away > margin)
    if not len(beyond) or not beyond[0]:
        return float("nan")
    k = int(beyond[0])
    share = (margin - away[k - 1]) / (away[k] - away[k - 1])
    low, high = np.log(factors[k - 1]), np.log(factors[k])
    return float(np.exp(low + share * (high - low)))


def broken_at(factors: Sequence[float], apart: Array, margin: float) -> Estimate:
    """The same of the mean of replicas, (replica, factor), with a jackknife error; NaN where a sample has none."""
    log = _jackknifed(apart, lambda mean: float(np.log(breaking(factors, mean, margin))))
    value = np.exp(log.value)
    return Estimate(float(value), float(value * log.standard_error))


def growth(factors: Sequence[float], apart: Array, margin: float, sizes: Sequence[int]) -> Estimate:
    """d ln factor / d ln N, of apart (replica, N, factor)."""
    x = np.log(sizes)

    def slope(mean: Array) -> float:
        logs = np.log([breaking(factors, each, margin) for each in mean])
        return float(slopes(x, logs[:, None])[0])

    return _jackknifed(apart, slope)


def _jackknifed(apart: Array, function: Callable[[Array], float]) -> Estimate:
    with np.errstate(invalid="ignore"):
        return jackknife(apart, function)
