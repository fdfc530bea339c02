"""Stationary laws of Markov chains in the plane from the moments of their steps, by Galerkin's method."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Largest total degree of the polynomials, Gauss–Hermite nodes a side, and how often the normal law is centred anew.
DEGREE, NODES, ROUNDS = 8, 24, 3
#: The normal law is made wider than the law that is sought, whose tails are not normal.
WIDER = 1.15

#: Nodes (n, 2) ↦ E[d₁ʲ d₂ᵏ]/(j! k!) of the step d that a sampler takes from there, (degree + 1, degree + 1, n); less 1
#: at j = k = 0. The second argument (2, 2) multiplies d, and the third is the degree.
Steps = Callable[[Array, Array, int], Array]


def stationary_law(steps: Steps, mean: Array, covariance: Array, degree: int = DEGREE) -> tuple[Array, Array]:
    """Mean (2,) and covariance (2, 2) of the stationary law of a chain whose steps have these moments, or of an SDE.

    Under it E[f(ω + d) − f(ω)] = 0 for every f. The density is a normal one times a polynomial of this degree, and f
    runs over the polynomials of this degree; the normal law's moments are then set to those found, `ROUNDS` times.

    Parameters
    ----------
    steps : callable
        Moments of a step at given nodes; see `sgdsde.posterior.steps`.
    mean, covariance : (2,), (2, 2)
        Of the normal law to begin with.
    degree : int
        Largest total degree.
    """
    for _ in range(ROUNDS):
        axes = np.asarray(WIDER * np.linalg.cholesky(covariance), dtype=np.float64)
        mean, covariance = _solved(steps, mean, axes, degree)
    return mean, covariance


def _solved(steps: Steps, centre: Array, axes: Array, degree: int) -> tuple[Array, Array]:
    line, weights = (np.asarray(part, dtype=np.float64) for part in hermegauss(NODES))
    x, y = (each.ravel() for each in np.meshgrid(line, line, indexing="ij"))
    mass = np.outer(weights, weights).ravel() / weights.sum() ** 2
    moments = steps(
        centre + np.stack((x, y), axis=1) @ axes.T, np.asarray(np.linalg.inv(axes), dtype=np.float64), degree
    )
    along = [_hermite(values, degree) for values in (x, y)]
    pairs = [(a, b) for a in range(degree + 1) for b in range(degree + 1 - a)]
    basis = np.array([along[0][a] * along[1][b] for a, b in pairs])
    # He_a(x + d) = Σ_j binom(a, j) He_{a−j}(x) dʲ, here for polynomials of unit norm.
    changes = np.array(
        [
            sum(
                np.sqrt(_falling(a, j) * _falling(b, k)) * along[0][a - j] * along[1][b - k] * moments[j, k]
                for j in range(a + 1)
                for k in range(b + 1)
            )
            for a, b in pairs
        ]
    )
    system = (changes * mass) @ basis.T
    coefficients = np.concatenate(([1.0], np.linalg.solve(system[1:, 1:], -system[1:, 0])))
    at = dict(zip(pairs, coefficients, strict=True))
    first = np.array([at[1, 0], at[0, 1]])
    second = np.array([[1 + np.sqrt(2) * at[2, 0], at[1, 1]], [at[1, 1], 1 + np.sqrt(2) * at[0, 2]]])
    return centre + axes @ first, axes @ (second - np.outer(first, first)) @ axes.T


def normal_series(mean: Array, covariance: Array, degree: int) -> Array:
    """The series m·t + ½ tᵀS t, the logarithm of that of a normal law's moments over factorials."""
    series = np.zeros((degree + 1, degree + 1, len(mean)))
    series[1, 0], series[0, 1] = mean.T
    series[2, 0], series[0, 2] = covariance[:, 0, 0] / 2, covariance[:, 1, 1] / 2
    series[1, 1] = covariance[:, 0, 1]
    return series


def product(left: Array, right: Array) -> Array:
    """Product of two power series in two variables, cut beyond the total degree."""
    degree = len(left) - 1
    result = np.zeros_like(left)
    for j in range(degree + 1):
        for k in range(degree + 1 - j):
            if right[j, k].any():
                result[j:, k:] += left[: degree + 1 - j, : degree + 1 - k] * right[j, k]
    return result


def powers(values: Array, degree: int) -> Array:
    """xʲ/j! for j to the degree, along a new first axis."""
    found = [np.ones_like(values)]
    for power in range(1, degree + 1):
        found.append(found[-1] * values / power)
    return np.array(found)


def _hermite(x: Array, degree: int) -> list[Array]:
    """Hermite polynomials of unit norm under the standard normal law."""
    found = [np.ones_like(x), x]
    for n in range(1, degree):
        found.append((x * found[n] - np.sqrt(n) * found[n - 1]) / np.sqrt(n + 1))
    return found


def _falling(n: int, k: int) -> float:
    """n!/(n − k)!."""
    return float(factorial(n) // factorial(n - k))
