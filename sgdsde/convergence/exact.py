"""Expectations E[φ(ω_s)] without sampling, each route for the equations that it can solve to rounding.

A route is a function φ → E[φ(ω_s)], where φ takes points (n, d) and returns (n,). ω_0 is given, and p_0 = 0 where there
is a momentum. All work is done when the route is called. `kolmogorov` has one route more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.landscapes import Landscape

Array = NDArray[np.float64]
Function: TypeAlias = Callable[[Array], Array]
Route: TypeAlias = Callable[[Function], float]

#: Standard deviations at which a normal variable is cut off, and spacing of its grid in one, two and three dimensions.
#: The trapezoidal rule converges as exp(−2πr/spacing) for a function that is analytic within r of the real axis.
_CUT, _SPACING = 12.0, {1: 0.01, 2: 0.1, 3: 0.25}


def along_noise(solution: Function, noises: int, time: float) -> Route:
    """For ω_s = solution(W_s): the integral over W_s.

    Parameters
    ----------
    solution : callable
        W_s (n, k) → ω_s (n, d).
    noises : int
        k, at most 3.
    time : float
        s.

    Examples
    --------
    >>> square = lambda w: w[:, 0] ** 2
    >>> round(along_noise(lambda noise: np.exp(noise), 1, 0.5)(square) / math.exp(1), 12)
    1.0
    """
    return lambda function: _normal(lambda z: function(solution(math.sqrt(time) * z)), noises)


def by_moments(
    landscape: Landscape, w0: Sequence[float], temperature: float, time: float, friction: float | None = None
) -> Route:
    """For quadratic L, F with entries of degree 2 in ω, and φ of degree 2: the moments' own linear equation.

    Parameters
    ----------
    landscape, w0, temperature, time
        ω_0, T and s of dω = −∇L ds + √(T F) dW.
    friction : float, optional
        γ > 0: dω = p ds, dp = −(γp + ∇L) ds + √(γT F) dW instead.

    Raises
    ------
    ValueError
        When called, where φ, L or an entry of F is not a polynomial of degree 2.

    Notes
    -----
    With y = (1, ω) or (1, ω, p) and S = E[y yᵀ]: dS/ds = B S + S Bᵀ + Σ_ij C_ij S_ij, solved by a matrix exponential.

    Examples
    --------
    >>> route = by_moments(Landscape("x**2/2", "x", noise_covariance="2 + x**2"), [1.0], temperature=1.0, time=100.0)
    >>> round(route(lambda w: w[:, 0] ** 2), 12)
    2.0
    """

    def expectation(function: Function) -> float:
        d = landscape.dimension
        moments = second_moments(landscape, w0, temperature, time, friction)[: d + 1, : d + 1]
        return float((_coefficients(function, d) * moments).sum())

    return expectation


def by_gaussian(
    landscape: Landscape, w0: Sequence[float], temperature: float, time: float, friction: float | None = None
) -> Route:
    """For quadratic L and constant F, d ≤ 3, and any φ: the integral over a Gaussian. Arguments as in `by_moments`.

    Raises
    ------
    ValueError
        When called, where L is not quadratic or F not constant.

    Examples
    --------
    >>> route = by_gaussian(Landscape("x**2/2", "x"), [0.0], temperature=2.0, time=100.0)
    >>> round(route(lambda w: np.cos(w[:, 0])) * math.sqrt(math.e), 12)
    1.0
    """

    def expectation(function: Function) -> float:
        d = landscape.dimension
        if np.abs(_coefficients(landscape.noise_covariance, d)[1:]).max() > 1e-12:
            raise ValueError("F must be constant for ω to be Gaussian")
        moments = second_moments(landscape, w0, temperature, time, friction)
        mean = moments[0, 1 : d + 1]
        root = np.linalg.cholesky(moments[1 : d + 1, 1 : d + 1] - np.outer(mean, mean))
        return _normal(lambda z: function(mean + z @ root.T), d)

    return expectation


def second_moments(
    landscape: Landscape, w0: Sequence[float], temperature: float, time: float, friction: float | None = None
) -> Array:
    """E[y yᵀ] at the end, y = (1, ω) or (1, ω, p); see `by_moments`.

    >>> second_moments(Landscape("x**2/2", "x"), [3.0], temperature=2.0, time=100.0).round(9) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    from scipy.linalg import expm

    d = landscape.dimension
    size = 1 + d if friction is None else 1 + 2 * d
    drift, begin = np.zeros((size, size)), np.zeros(size)
    begin[: d + 1] = 1.0, *w0
    kicked = slice(size - d, size)  # what the noise acts on
    loss = _coefficients(landscape.loss, d)
    drift[kicked, : d + 1] = -2 * loss[1:]
    if friction is not None:
        drift[1 : d + 1, kicked] = np.eye(d)
        drift[kicked, kicked] = -friction * np.eye(d)
    noise = np.zeros((size,) * 4)
    strength = temperature * (1.0 if friction is None else friction)
    noise[kicked, kicked, : d + 1, : d + 1] = strength * _coefficients(landscape.noise_covariance, d).transpose(
        2, 3, 0, 1
    )
    square = size * size
    generator = np.kron(drift, np.eye(size)) + np.kron(np.eye(size), drift) + noise.reshape(square, square)
    return np.asarray(expm(generator * time) @ np.outer(begin, begin).ravel()).reshape(size, size)


def _coefficients(function: Callable[[Array], Array], d: int) -> Array:
    """C (d + 1, d + 1, …), symmetric in the first two, with function(ω) = Σ_ij y_i y_j C_ij and y = (1, ω)."""
    unit = np.eye(d)
    pairs = unit[:, None] + unit
    zero, plus, minus = function(np.zeros((1, d)))[0], function(unit), function(-unit)
    found = np.zeros((d + 1, d + 1, *zero.shape))
    found[0, 0] = zero
    found[0, 1:] = found[1:, 0] = (plus - minus) / 4
    found[1:, 1:] = (function(pairs.reshape(-1, d)).reshape(d, d, *zero.shape) - plus[:, None] - plus + zero) / 2
    probe = np.linspace(0.3, 1.7, d)
    y = np.array([1.0, *probe])
    if not np.allclose(function(probe[None])[0], np.einsum("i,j,ij...->...", y, y, found), rtol=1e-9, atol=1e-12):
        raise ValueError("φ, L and the entries of F must be polynomials of degree 2 in ω for their moments to close")
    return found


def _normal(function: Function, dimension: int) -> float:
    """E of a function of independent standard normal variables (n, dimension) → (n,)."""
    axis = np.arange(-_CUT, _CUT + _SPACING[dimension] / 2, _SPACING[dimension])
    grid = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    weight = np.exp(-(grid**2).sum(axis=1) / 2)
    return float(weight @ function(grid) / weight.sum())
