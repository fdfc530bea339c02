"""What theory asks of a landscape: its loss, two derivatives and F, as functions of arrays of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: x (...) → L'(x), F(x), for a landscape of one variable.
Line = Callable[[Array], tuple[Array, Array]]


class Surface(Protocol):
    """The part of `sgdsde.landscapes.Landscape` that theory uses."""

    variables: Sequence[str]

    @property
    def dimension(self) -> int:
        """d."""

    def loss(self, w: ArrayLike) -> Array:
        """L: w (..., d) → (...)."""

    def gradient(self, w: ArrayLike) -> Array:
        """∇L: w (..., d) → (..., d)."""

    def hessian(self, w: ArrayLike) -> Array:
        """∇∇L: w (..., d) → (..., d, d)."""

    def covariance(self, w: ArrayLike) -> Array:
        """F: w (..., d) → (..., d, d)."""

    def points(self, w: ArrayLike, argument: str = "w") -> Array:
        """Check points, shape (..., d)."""


def line_of(landscape: Surface) -> Line:
    """L' and F along the only variable; ValueError when there are more."""
    if landscape.dimension != 1:
        names = ", ".join(landscape.variables)
        raise ValueError(f"landscape must have one variable, got {landscape.dimension}: {names}")

    def line(x: Array) -> tuple[Array, Array]:
        return landscape.gradient(x[..., None])[..., 0], landscape.covariance(x[..., None])[..., 0, 0]

    return line


def positive(argument: str, value: Any) -> float:
    """`value` as a float; ValueError unless it is a positive finite number."""
    found = number(argument, value)
    if not found > 0:
        raise ValueError(f"{argument} must be positive, got {value!r}")
    return found


def number(argument: str, value: Any) -> float:
    """`value` as a float; ValueError unless it is a finite number, or an array that holds just one."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.size != 1 or not np.isfinite(array).all():
        raise ValueError(f"{argument} must be a finite number, got {value!r}")
    return float(array.ravel()[0])


def point(landscape: Surface, value: ArrayLike, argument: str) -> Array:
    """`value` as one point (d,) of the landscape; ValueError when it is not."""
    found = landscape.points(value, argument)
    if found.shape != (landscape.dimension,):
        raise ValueError(f"{argument} must have shape {(landscape.dimension,)}, got {found.shape}")
    return found
