"""Invertible maps ω = φ(θ) of the parameters, with the derivatives that Hessians and densities take along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import real_array
from sgdsde.layout import one_line

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


class Coordinates(Protocol):
    """An invertible map ω = φ(θ) with J = ∂φ/∂θ; u = ln|det J| is what the log of a carried density gains."""

    def forward(self, theta: Array) -> Array:
        """ω, (…, D)."""
        ...

    def inverse(self, omega: Array) -> Array:
        """θ, (…, D)."""
        ...

    def jacobian(self, theta: Array) -> Array:
        """J, (D, D), at one θ."""
        ...

    def log_volume(self, theta: Array) -> Array:
        """u, (…), of θ (…, D)."""
        ...

    def volume_derivatives(self, theta: Array) -> tuple[Array, Array]:
        """∇u, (D,), and ∇∇u, (D, D), at one θ."""
        ...

    def bend(self, theta: Array, gradient: Array) -> Array:
        """Σ_i g_i ∇∇φ_i, (D, D), at one θ: what the Hessian gains away from a minimum."""
        ...

    def turning(self, theta: Array, direction: Array) -> Array:
        """Σ_k d_k ∂J/∂θ_k, (D, D), at one θ: how J changes along a direction in θ."""
        ...


@dataclass(frozen=True, eq=False)
class LinearMap:
    """ω = Jθ.

    Parameters
    ----------
    matrix : array_like, (D, D)
        J.

    Raises
    ------
    ValueError
        When it is not square and finite, or has no inverse.

    Examples
    --------
    >>> float(LinearMap([[2.0, 0.0], [0.0, 3.0]]).log_volume(np.zeros(2)).round(4))
    1.7918
    """

    matrix: Array

    __repr__ = one_line

    def __post_init__(self) -> None:
        matrix = real_array("matrix", self.matrix)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
            raise ValueError(f"matrix must be square and finite, got the shape {matrix.shape}")
        if np.linalg.matrix_rank(matrix) < len(matrix):
            raise ValueError(f"matrix must have an inverse, got rank {np.linalg.matrix_rank(matrix)} of {len(matrix)}")
        object.__setattr__(self, "matrix", matrix)

    def forward(self, theta: Array) -> Array:
        """Jθ."""
        return np.asarray(theta @ self.matrix.T)

    def inverse(self, omega: Array) -> Array:
        """J⁻¹ω."""
        return np.asarray(np.linalg.solve(self.matrix, np.asarray(omega)[..., None])[..., 0])

    def jacobian(self, theta: Array) -> Array:
        """J, at every θ the same."""
        return self.matrix

    def log_volume(self, theta: Array) -> Array:
        """ln|det J|, at every θ the same."""
        return np.full(np.shape(theta)[:-1], np.linalg.slogdet(self.matrix)[1])

    def volume_derivatives(self, theta: Array) -> tuple[Array, Array]:
        """0."""
        return np.zeros(len(self.matrix)), np.zeros_like(self.matrix)

    def bend(self, theta: Array, gradient: Array) -> Array:
        """0."""
        return np.zeros_like(self.matrix)

    def turning(self, theta: Array, direction: Array) -> Array:
        """0."""
        return np.zeros_like(self.matrix)


@dataclass(frozen=True)
class ComponentwiseMap:
    """ω_i = f(θ_i), with the same increasing f for all weights.

    Parameters
    ----------
    function, inverse_function : callable
        f and f⁻¹, elementwise on arrays.
    derivatives : three callables
        f′ > 0, f″ and f‴.

    Examples
    --------
    >>> map = sinh_map()
    >>> map.inverse(map.forward(np.array([0.5, -2.0]))).round(12)
    array([ 0.5, -2. ])
    """

    function: Function
    inverse_function: Function
    derivatives: tuple[Function, Function, Function]

    __repr__ = one_line

    def forward(self, theta: Array) -> Array:
        """f(θ_i)."""
        return self.function(np.asarray(theta))

    def inverse(self, omega: Array) -> Array:
        """f⁻¹(ω_i)."""
        return self.inverse_function(np.asarray(omega))

    def jacobian(self, theta: Array) -> Array:
        """Diag f′(θ_i)."""
        return np.diag(self.derivatives[0](theta))

    def log_volume(self, theta: Array) -> Array:
        """Σ ln f′(θ_i)."""
        return np.asarray(np.log(self.derivatives[0](np.asarray(theta))).sum(axis=-1))

    def volume_derivatives(self, theta: Array) -> tuple[Array, Array]:
        """f″/f′, and diag f‴/f′ − (f″/f′)²."""
        first, second, third = (derivative(theta) for derivative in self.derivatives)
        return second / first, np.diag(third / first - (second / first) ** 2)

    def bend(self, theta: Array, gradient: Array) -> Array:
        """Diag g_i f″(θ_i)."""
        return np.diag(gradient * self.derivatives[1](theta))

    def turning(self, theta: Array, direction: Array) -> Array:
        """Diag d_i f″(θ_i)."""
        return np.diag(direction * self.derivatives[1](theta))


def sinh_map() -> ComponentwiseMap:
    """ω = sinh θ, of each weight: θ is ω where it is small and a logarithm of it where it is large."""
    return ComponentwiseMap(np.sinh, np.arcsinh, (np.cosh, np.sinh, np.cosh))


def cubic_map() -> ComponentwiseMap:
    """ω = θ + θ³/3, of each weight."""

    def inverse(omega: Array) -> Array:
        # Of the cubic's solution by hyperbolic functions; the plain one in radicals cancels near 0.
        return np.asarray(2 * np.sinh(np.arcsinh(1.5 * omega) / 3))

    return ComponentwiseMap(
        lambda x: x + x**3 / 3, inverse, (lambda x: 1 + x**2, lambda x: 2 * x, lambda x: np.full_like(x, 2.0))
    )
