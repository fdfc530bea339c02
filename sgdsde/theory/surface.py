"""What theory asks of a landscape: its loss, two derivatives and F, as functions of arrays of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.regions import Region

Array = NDArray[np.float64]

#: x (...) → L'(x), F(x), for a landscape of one variable.
Line = Callable[[Array], tuple[Array, Array]]


class Surface(Protocol):
    """The part of `sgdsde.landscapes.Landscape` that theory uses."""

    @property
    def variables(self) -> Sequence[str]:
        """Names of the d components of ω."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """Numbers in its expressions, by name."""

    @property
    def dimension(self) -> int:
        """d."""

    def loss(self, w: ArrayLike) -> Array:
        """L: w (..., d) → (...)."""

    def gradient(self, w: ArrayLike) -> Array:
        """∇L: w (..., d) → (..., d)."""

    def hessian(self, w: ArrayLike) -> Array:
        """∇∇L: w (..., d) → (..., d, d)."""

    def noise_covariance(self, w: ArrayLike) -> Array:
        """F: w (..., d) → (..., d, d)."""

    def noise_factor(self, w: ArrayLike) -> Array:
        """A, F = A Aᵀ: w (..., d) → (..., d, k)."""

    def points(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check points, shape (..., d)."""

    def point(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check one point, shape (d,)."""

    def margin(self, region: Region, w: ArrayLike) -> Array:
        """Positive inside of a region, nan where it has no value: w (..., d) → (...)."""

    def holds(self, region: Region, w: ArrayLike) -> NDArray[np.bool_]:
        """Whether points are in a region: w (..., d) → (...)."""


def line_of(landscape: Surface) -> Line:
    """L' and F along the only variable; ValueError when there are more."""
    if landscape.dimension != 1:
        names = ", ".join(landscape.variables)
        raise ValueError(f"landscape must have one variable, got {landscape.dimension}: {names}")

    def line(x: Array) -> tuple[Array, Array]:
        return landscape.gradient(x[..., None])[..., 0], landscape.noise_covariance(x[..., None])[..., 0, 0]

    return line
