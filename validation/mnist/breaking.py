"""The factor from which on ε and B may not be multiplied together, and how it grows with N."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sgdsde.statistics import Estimate, jackknife, slopes, where_reached
from validation.mnist.descents import Array


def breaking(factors: Sequence[float], apart: Array, margin: float) -> float:
    """The factor at which |apart| first leaves the margin: linear in ln factor; NaN where it does not.

    >>> round(breaking([1, 2, 4, 8], np.array([0.0, 0.0, -0.05, -0.15]), 0.1), 3)
    5.657
    """
    return float(np.exp(where_reached(np.abs(apart)[None], np.log(factors)[None], margin)[0]))


def broken_at(factors: Sequence[float], apart: Array, margin: float) -> Estimate:
    """The same of the mean of replicas, (replica, factor), with a jackknife error; NaN where a sample has none."""
    log = _jackknifed(apart, lambda mean: float(np.log(breaking(factors, mean, margin))))
    value = np.exp(log.value)
    return Estimate(float(value), float(value * log.standard_error))


def growth(factors: Sequence[float], apart: Array, margin: float, sizes: Sequence[int]) -> Estimate:
    """d ln factor / d ln N, of apart (replica, N, factor)."""

    def slope(mean: Array) -> float:
        logs = np.log([breaking(factors, each, margin) for each in mean])
        return float(slopes(np.log(sizes), logs[:, None])[0])

    return _jackknifed(apart, slope)


def _jackknifed(apart: Array, function: Callable[[Array], float]) -> Estimate:
    with np.errstate(invalid="ignore"):
        return jackknife(apart, function)
