"""Moments of the steps of SGD and of its SDE on a posterior, for Galerkin's method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sgdsde.posterior.galerkin import Steps, normal_series, powers, product
from sgdsde.posterior.target import LogisticPosterior

Array = NDArray[np.float64]
#: F(ω): (…, 2) → (…, 2, 2).
Noise = Callable[[Array], Array]


def sgd_steps(posterior: LogisticPosterior, batch_size: int, rates: Array) -> Steps:
    """Moments of −K ĝ, with K = `rates` (2, 2) and ĝ the mean gradient of a batch drawn with replacement."""

    def steps(nodes: Array, inverse: Array, degree: int) -> Array:
        single = -posterior.gradients(nodes) @ (inverse @ rates / batch_size).T
        share = posterior.rows[0] / posterior.n_examples
        first, second = (powers(single[..., i], degree) for i in range(2))
        products = first.transpose(1, 0, 2) @ (second * share).transpose(1, 2, 0)
        doubled = np.ascontiguousarray(products.transpose(1, 2, 0))
        series, left = np.zeros_like(doubled), batch_size
        series[0, 0] = 1.0
        while left:  # the batch's sum has the power of the series of one example
            series = product(series, doubled) if left % 2 else series
            doubled, left = (product(doubled, doubled), left // 2) if left > 1 else (doubled, 0)
        series[0, 0] -= 1
        return series

    return steps


def sde_steps(posterior: LogisticPosterior, temperature: float, rates: Array, noise: Noise) -> Steps:
    """Generator of dω = −K∇L ds + √(T K F Kᵀ) dW, with `noise` F; E of a step over its length."""

    def steps(nodes: Array, inverse: Array, degree: int) -> Array:
        matrix = inverse @ rates
        drift = -posterior.mean_gradient(nodes) @ matrix.T
        spread = temperature * matrix @ noise(nodes) @ matrix.T
        return normal_series(drift, spread, degree)

    return steps


def euler_steps(posterior: LogisticPosterior, temperature: float, rates: Array, noise: Noise) -> Steps:
    """Moments of the same SDE's step by Euler and Maruyama's method over the time s = 1."""
    generator = sde_steps(posterior, temperature, rates, noise)

    def steps(nodes: Array, inverse: Array, degree: int) -> Array:
        exponent = generator(nodes, inverse, degree)
        term = np.zeros_like(exponent)
        term[0, 0] = 1.0
        total = term.copy()
        for order in range(1, degree + 1):
            term = product(term, exponent) / order
            total += term
        total[0, 0] -= 1
        return total

    return steps
