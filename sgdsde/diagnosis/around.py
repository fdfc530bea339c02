"""How the curvature and the noise of a landscape change around a minimum, in the modes of its Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.diagnosis.place import Surroundings

Array = NDArray[np.float64]

#: A small step, relative to 1 + |ω|; what differences are rounding, relative to what is differentiated.
SMALL, ROUNDING = 1e-4, 1e-5


def surroundings(land: Any, config: SGDConfig, at: Array, basis: Array) -> Surroundings:
    """The surroundings of a landscape's minimum `at` (d,), whose modes are the columns of `basis` (d, d)."""
    size, step = land.dimension, SMALL * (1 + float(np.abs(at).max()))
    decay = config.weight_decay * np.eye(size)

    def turned(matrices: Array) -> Array:
        return np.asarray(basis.T @ matrices @ basis)

    def beside(covariance: Array) -> Array:
        """One standard deviation from the minimum, along the axes and against them, (2d, d)."""
        away = (basis @ _root(covariance)).T
        return np.asarray(at + np.concatenate([away, -away]))

    def steepest(covariance: Array) -> Array:
        found = land.hessian(beside(covariance))
        return np.array([[np.linalg.eigvalsh(found[np.isfinite(found).all(axis=(1, 2))]).max() + config.weight_decay]])

    def means(covariance: Array) -> tuple[Array, Array]:
        points = beside(size * covariance)  # exact for polynomials up to the third degree
        return turned(land.hessian(points).mean(axis=0)) + decay, turned(land.noise_covariance(points).mean(axis=0))

    def slope(function: Any) -> Array:
        """(d, ...) by modes."""
        ahead, behind = (function(at + sign * step * basis.T) for sign in (1, -1))
        return _clean((ahead - behind) / (2 * step), ahead)

    factors = np.einsum("ai,lak->lik", basis, slope(land.noise_factor))

    def changing(covariance: Array) -> Array:
        moved = np.einsum("lik,le->eik", factors, _root(covariance))
        return np.asarray(np.einsum("eik,ejk->ij", moved, moved))

    return Surroundings(
        means, changing, steepest, np.moveaxis(turned(slope(land.hessian)), 0, -1),
        np.moveaxis(turned(slope(land.noise_covariance)), 0, -1), _trace_curvature(land, at, basis, step),
    )  # fmt: skip


def _root(covariance: Array) -> Array:
    """Columns whose outer products add up to it."""
    values, axes = np.linalg.eigh(covariance)
    return np.asarray(axes * np.sqrt(np.maximum(values, 0)))


def _trace_curvature(land: Any, at: Array, basis: Array, step: float) -> Array:
    """The Hessian of Tr F, by differences."""
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    corners = at + step * np.array([a * u + b * v for u in basis.T for v in basis.T for a, b in signs])
    traces = np.trace(land.noise_covariance(corners), axis1=1, axis2=2).reshape(len(at), len(at), 4)
    return _clean(traces @ np.array([1.0, -1.0, -1.0, 1.0]) / (4 * step**2), traces)


def _clean(differences: Array, values: Array) -> Array:
    """Without what is rounding."""
    return np.where(np.abs(differences) <= ROUNDING * max(1.0, float(np.abs(values).max())), 0.0, differences)
