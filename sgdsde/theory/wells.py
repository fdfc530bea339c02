"""Minima and saddles as expansions of second order: the checks and sums under kramers.py and occupancy.py."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.theory.panels import cut
from sgdsde.theory.surface import Surface, line_of

Array = NDArray[np.float64]

_SETTLED = 1e-6  # largest slope at a minimum or a saddle, as a displacement
_FLAT = 1e-9  # least curvature there, relative to the largest
_ALIKE = 1e-9  # relative difference of covariances that are the same
_BETWEEN = 17  # points on the way at which that is looked at


def climb(landscape: Surface, low: Array, high: Array) -> float:
    """T times the increase of I, where e^{−I} is the Boltzmann factor: 2ΔL/σ², or ∫ 2L'/F with one variable."""
    if landscape.dimension == 1:
        ends = sorted([float(low[0]), float(high[0])])
        if ends[0] == ends[1]:
            return 0.0
        rise = np.diff(cut(line_of(landscape), 1.0, ends, change=math.inf).exponent_at(np.array(ends)))
        return float(rise[0]) * (1 if low[0] < high[0] else -1)
    noise = landscape.noise_covariance(low + np.linspace(0, 1, _BETWEEN)[:, None] * (high - low))
    strength = float(noise[0, 0, 0])
    if not (strength > 0 and np.abs(noise - strength * np.eye(landscape.dimension)).max() <= _ALIKE * strength):
        raise ValueError(
            f"landscape must have the covariance F = σ²·I, the same everywhere, with {landscape.dimension} variables; "
            f"it is {noise[0].tolist()} at {listed(low)} and {noise[-1].tolist()} at {listed(high)}"
        )
    return float(2 * (landscape.loss(high) - landscape.loss(low)) / strength)


def log_noise(landscape: Surface, w: Array) -> float:
    """ln F with one variable; with more it is the same everywhere, and left out."""
    if landscape.dimension > 1:
        return 0.0
    noise = float(landscape.noise_covariance(w)[0, 0])
    if not 0 < noise < math.inf:
        raise ValueError(f"landscape must have a positive covariance F, got {noise:g} at {listed(w)}")
    return math.log(noise)


def minimum_at(landscape: Surface, value: ArrayLike, argument: str) -> Array:
    """`value` as a point; ValueError unless it is a minimum, curved in every direction."""
    w = _stationary(landscape, value, argument)
    curvatures = curvatures_at(landscape, w)
    if not curvatures[0] > _FLAT * curvatures[-1]:
        raise ValueError(
            f"{argument} must have positive curvature in every direction, got {listed(curvatures)} at {listed(w)}"
        )
    return w


def saddle_at(landscape: Surface, value: ArrayLike, minimum: Array) -> Array:
    """`value` as a point; ValueError unless it is a saddle above the minimum, with just one negative curvature."""
    w = _stationary(landscape, value, "saddle")
    curvatures = curvatures_at(landscape, w)
    flat = np.abs(curvatures).min() <= _FLAT * np.abs(curvatures).max()
    if (curvatures < 0).sum() != 1 or flat:
        raise ValueError(
            f"saddle must have one negative curvature, the others positive, got {listed(curvatures)} at {listed(w)}"
        )
    barrier = float(landscape.loss(w) - landscape.loss(minimum))
    if not barrier > 0:
        raise ValueError(f"saddle must be higher than the minimum, got a barrier of {barrier:g}")
    return w


def _stationary(landscape: Surface, value: ArrayLike, argument: str) -> Array:
    w = landscape.point(value, argument)
    slope, largest = landscape.gradient(w), float(np.abs(curvatures_at(landscape, w)).max())
    if not np.abs(slope).max() <= _SETTLED * largest * (1 + np.abs(w).max()):
        raise ValueError(f"{argument} must be a point without slope; the gradient at {listed(w)} is {listed(slope)}")
    return w


def curvatures_at(landscape: Surface, w: Array) -> Array:
    """Eigenvalues of the Hessian, increasing."""
    hessian = landscape.hessian(w)
    if not np.isfinite(hessian).all():
        raise ValueError(f"landscape must have a finite Hessian at {listed(w)}")
    return np.asarray(np.linalg.eigvalsh(hessian))


def listed(values: Iterable[float]) -> str:
    """Numbers in parentheses, for messages."""
    return f"({', '.join(f'{value:.6g}' for value in values)})"


def exponential(logarithm: float) -> float:
    """e to that power, inf where floats end."""
    return math.exp(logarithm) if logarithm < 709 else math.inf
