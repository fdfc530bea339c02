"""Hessian and gradient noise, checked and taken to the eigenbasis of the Hessian: the input side of stationary.py."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]

#: Asymmetry, negative eigenvalue or noise along a flat mode taken for rounding, relative to the largest there is.
TOLERANCE = 1e-10
#: Relative difference of two computations of one eigenvalue.
ROUNDING = 1e-13


class Modes(NamedTuple):
    """Eigenvalues and eigenvectors of H, and F in that basis; F is zero along flat modes, their eigenvalue filled."""

    curvature: Array
    basis: Array
    noise: Array

    def rotate_back(self, matrix: Array) -> Array:
        """A matrix given in the eigenbasis, for the original parameters."""
        return self.basis @ matrix @ self.basis.T

    def rotate_back_symmetric(self, matrix: Array) -> Array:
        """As ``rotate_back``, with the asymmetry of rounding averaged away."""
        rotated = self.rotate_back(matrix)
        return (rotated + rotated.T) / 2


def modes_of(hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig) -> Modes:
    """Check that a stationary law can exist, and diagonalise; ValueError names what is wrong."""
    h, f = symmetric("hessian", hessian), symmetric("noise_covariance", noise_covariance)
    if h.shape != f.shape:
        raise ValueError(f"noise_covariance must have the shape {h.shape} of hessian, got {f.shape}")
    h = h + config.weight_decay * np.eye(len(h))
    spectrum = np.linalg.eigvalsh(f)
    strongest = float(np.abs(spectrum).max())
    if spectrum[0] < -TOLERANCE * strongest:
        raise ValueError(
            f"noise_covariance must be positive semidefinite, got one with the eigenvalue {spectrum[0]:.6g}"
        )
    curvature, basis = np.linalg.eigh(h)
    noise = basis.T @ f @ basis
    rounding = 10 * len(h) * float(np.finfo(np.float64).eps * np.abs(curvature).max())
    flat = np.abs(curvature) <= rounding
    noisy = (np.diagonal(noise) > TOLERANCE * strongest) & (config.batch_noise > 0)
    refused = (curvature < -rounding) | (flat & noisy)
    if refused.any():
        raise ValueError(
            "hessian must be positive definite wherever noise_covariance has noise, and nowhere negative, "
            f"got the eigenvalue {curvature[refused][0]:.6g} (the largest is {curvature[-1]:.6g})"
        )
    filled = curvature[-1] if curvature[-1] > rounding else 1 / config.kick  # any stable value: it has no noise
    return Modes(np.where(flat, filled, curvature), basis, noise * np.multiply.outer(~flat, ~flat))


def symmetric(name: str, value: ArrayLike) -> Array:
    """A finite symmetric (P, P) array from one, or from a number for P = 1."""
    matrix = real_array(name, value, "a symmetric (P, P) array of real numbers or a number")
    if matrix.ndim == 0:
        matrix = matrix.reshape(1, 1)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"{name} must be a symmetric (P, P) array or a number, got the shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite, got {value!r}")
    asymmetry = float(np.abs(matrix - matrix.T).max())
    if asymmetry > TOLERANCE * np.abs(matrix).max():
        raise ValueError(
            f"{name} must be symmetric to {TOLERANCE:g} of its largest entry, got |X − Xᵀ| = {asymmetry:.6g}"
        )
    return (matrix + matrix.T) / 2


def learning_rate_limit(largest_curvature: float, momentum: float) -> float:
    """2(1 + m)/λ_max."""
    return 2 * (1 + momentum) / largest_curvature if largest_curvature > 0 else math.inf


def check_stable(largest_curvature: float, config: SGDConfig) -> None:
    """ValueError when SGD with this learning rate has no stationary law."""
    limit = learning_rate_limit(largest_curvature, config.momentum) / (1 - config.dampening)
    if not config.learning_rate < limit * (1 - ROUNDING):  # eigenvalues of one matrix differ by rounding
        raise ValueError(
            f"learning_rate must be below the stability limit 2(1 + m)/λ_max = {limit:.6g} for SGD to have "
            f"a stationary law (m = {config.momentum:g}, λ_max = {largest_curvature:.6g}), got {config.learning_rate!r}"
        )
