"""The action of polygons, and coordinates in which it has no units: the arithmetic under quasi_potential.py."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.theory.surface import Surface

Array = NDArray[np.float64]

NOISE_STEP = 1e-5  # for derivatives of F, of the distance from start to end


@dataclass(frozen=True, eq=False)
class Frame:
    """Coordinates z, ω = origin + C z, in which F = I at the origin; what depends on units in ω does not show in z.

    Attributes
    ----------
    landscape : Surface
    origin : (d,)
    axes : (d, d)
        C, F(origin) = C Cᵀ.
    reach : float
        Distance from start to end.
    """

    landscape: Surface
    origin: Array
    axes: Array
    reach: float

    @functools.cached_property
    def inverse(self) -> Array:
        """C⁻¹ (d, d)."""
        return np.asarray(np.linalg.inv(self.axes))

    def points(self, z: Array) -> Array:
        """Points ω (..., d)."""
        return np.asarray(self.origin + z @ self.axes.T)

    def noise(self, z: Array) -> Array:
        """F in these coordinates: (..., d) → (..., d, d)."""
        return np.asarray(self.inverse @ self.landscape.noise_covariance(self.points(z)) @ self.inverse.T)

    def segments(self, step: Array, middle: Array) -> tuple[Array, Array, Array]:
        """Actions of segments and their derivatives with respect to step and middle: (..., d) → (...), 2 × (..., d).

        |Δ| |∇L| + Δ·∇L in the metric F⁻¹; not finite where F is not positive definite.
        """
        d = step.shape[-1]
        ways = np.eye(d) * NOISE_STEP * self.reach
        ways = np.concatenate([np.zeros((1, d)), ways, -ways]).reshape(2 * d + 1, *(1,) * (middle.ndim - 1), d)
        noise = self.noise(middle + ways)
        change = np.moveaxis(noise[1 : d + 1] - noise[d + 1 :], 0, -3) / (2 * NOISE_STEP * self.reach)
        at = self.points(middle)
        slope = self.landscape.gradient(at) @ self.inverse.T
        bend = self.inverse @ self.landscape.hessian(at) @ self.axes
        sound = np.isfinite(noise[0]).all(axis=(-2, -1)) & np.isfinite(slope).all(axis=-1)
        sound &= np.linalg.eigvalsh(np.where(sound[..., None, None], noise[0], 0.0))[..., 0] > 0
        solved = np.linalg.solve(
            np.where(sound[..., None, None], noise[0], np.eye(d)), np.stack([step, slope], axis=-1)
        )
        u, p = solved[..., 0], solved[..., 1]
        length, steep = (np.sqrt(np.einsum("...i,...i->...", *pair)) for pair in ((step, u), (slope, p)))
        steep = np.maximum(steep, 1e-300)
        ratio = (steep / length)[..., None]

        def changed(x: Array, y: Array) -> Array:
            return np.asarray(np.einsum("...i,...kij,...j->...k", x, change, y))

        value = np.where(sound, length * steep + np.einsum("...i,...i->...", u, slope), np.inf)
        by_middle = (
            (np.einsum("...ji,...j->...i", bend, p) - changed(p, p) / 2) / ratio
            - changed(u, u) / 2 * ratio
            + np.einsum("...ji,...j->...i", bend, u)
            - changed(u, p)
        )
        return value, ratio * u + p, by_middle

    def actions(self, z: Array) -> Array:
        """The action of each segment of a path z (n + 1, d): (n,), inf where F is not positive definite."""
        return self.segments(np.diff(z, axis=0), (z[1:] + z[:-1]) / 2)[0]
