"""Exact means and variances of SGD with signs for examples while ε(k) and B(k) change: for the claim ``schedules``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.stats import binom

Array = NDArray[np.float64]
Sizes = NDArray[np.int64]


def signs_sgd(
    drift: Callable[[Array], Array],
    factor: Callable[[Array], Array],
    rates: Array,
    sizes: Sizes,
    unit: float,
    start: float,
    *,
    reach: float,
    points: int = 128,
) -> tuple[Array, Array]:
    """Mean and variance of SGD without momentum whose examples are as many +unit as −unit, drawn with replacement.

    A batch's mean then is binomial: an update takes a smooth function to its average over B + 1 points, here as a
    matrix on Chebyshev points of [−reach, reach], which no path may leave. Spectrally exact, whatever F(ω).
    """
    x = reach * chebyshev.chebpts1(points)
    to_coefficients = np.linalg.inv(chebyshev.chebvander(x / reach, points - 1))
    updates: dict[tuple[float, int], Array] = {}
    row = chebyshev.chebvander(np.array([start / reach]), points - 1) @ to_coefficients
    means, seconds = [start], [start**2]
    for rate, size in zip(rates.tolist(), sizes.tolist(), strict=True):
        if (rate, size) not in updates:
            picks = np.arange(size + 1)
            noise = unit * (2 * picks / size - 1)
            ends = (x - rate * drift(x))[:, None] - rate * np.multiply.outer(factor(x), noise)
            if np.abs(ends).max() > reach:
                raise ValueError(f"reach must be at least {np.abs(ends).max():.3g}, got {reach}")
            basis = chebyshev.chebvander(ends / reach, points - 1)
            updates[rate, size] = np.einsum("xbn,b->xn", basis, binom.pmf(picks, size, 0.5)) @ to_coefficients
        row = row @ updates[rate, size]
        means.append((row @ x).item())
        seconds.append((row @ x**2).item())
    return np.array(means), np.array(seconds) - np.array(means) ** 2
