"""Exact means and variances of SGD and of its SDE while ε(k) and B(k) change: for the claim ``schedules``."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.stats import binom

from sgdsde.config import SAMPLINGS, SGDConfig

Array = NDArray[np.float64]
Sizes = NDArray[np.int64]


def grown_batch_sizes(rates: Array, config: SGDConfig) -> Sizes:
    """B(k) that at the constant ε of ``config`` does what ``rates`` do at its constant B, at equal s = Σ ε/(1 − m).

    An update at ε spans several of the decayed run's; it gets their mean learning rate, weighted by s: T stays the same
    in the mean. Rounded to whole examples.
    """
    clock, area = (np.concatenate([[0.0], np.cumsum(rates**power)]) for power in (1, 2))
    updates = int(clock[-1] / config.learning_rate + 1e-6)
    edges = config.learning_rate * np.arange(updates + 1)
    mean_rate = np.diff(np.interp(edges, clock, area)) / config.learning_rate
    return np.asarray(np.rint(config.batch_size * config.learning_rate / mean_rate), dtype=np.int64)


def quadratic_sgd(
    rates: Array, sizes: Sizes, config: SGDConfig, curvature: float, noise: float, start: float
) -> tuple[Array, Array]:
    """Mean and variance of ω after 0, 1, … updates of heavy ball around a quadratic minimum."""
    m, mean, covariance = config.momentum, np.array([start, 0.0]), np.zeros((2, 2))
    means, variances = [start], [0.0]
    for rate, size in zip(rates.tolist(), sizes.tolist(), strict=True):
        c = SAMPLINGS[config.sampling].batch_noise(config.n_examples, size)
        step = np.array([[1 - rate * curvature, m], [-rate * curvature, m]])
        mean, covariance = step @ mean, step @ covariance @ step.T + rate**2 * c * noise
        means.append(mean[0])
        variances.append(covariance[0, 0])
    return np.array(means), np.array(variances)


def quadratic_sde(
    rates: Array, sizes: Sizes, config: SGDConfig, curvature: float, noise: float, start: float
) -> tuple[Array, Array]:
    """The same of dω = −hω ds + √(T(s) F) dW, whose T is constant within an update."""
    mean, variance = start, 0.0
    means, variances = [mean], [variance]
    for rate, size in zip(rates.tolist(), sizes.tolist(), strict=True):
        span = rate / (1 - config.momentum)
        temperature = span * SAMPLINGS[config.sampling].batch_noise(config.n_examples, size)
        decay = math.exp(-curvature * span)
        rest = temperature * noise / (2 * curvature)
        mean, variance = decay * mean, rest + decay**2 * (variance - rest)
        means.append(mean)
        variances.append(variance)
    return np.array(means), np.array(variances)


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
