"""Roots of covariances given as arrays, singular ones too, and the checks of what users hand in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import as_real, real_array

Array = NDArray[np.float64]

#: Asymmetry and negative eigenvalues taken for rounding, relative to the largest there is.
TOLERANCE = 1e-10


def symmetric(name: str, value: object, dimension: int | None = None) -> Array:
    """A finite symmetric (d, d) array; ValueError names what is wrong."""
    wanted = f"a symmetric {'(d, d)' if dimension is None else (dimension, dimension)} array"
    matrix = real_array(name, value, f"{wanted} of real numbers")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"{name} must be {wanted}, got the shape {matrix.shape}")
    if dimension is not None and len(matrix) != dimension:
        raise ValueError(f"{name} must be {wanted} as the others are, got the shape {matrix.shape}")
    check_finite(name, matrix)
    apart = np.abs(matrix - matrix.T)
    if apart.max() > TOLERANCE * np.abs(matrix).max():
        i, j = np.unravel_index(apart.argmax(), apart.shape)
        raise ValueError(
            f"{name} must be symmetric to {TOLERANCE:g} of its largest entry, got {name}[{i}, {j}] = "
            f"{matrix[i, j]:.6g} and {name}[{j}, {i}] = {matrix[j, i]:.6g}"
        )
    return (matrix + matrix.T) / 2


def check_finite(name: str, array: Array) -> None:
    """ValueError names the first entry that is not."""
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"{name} must be finite, got {array[tuple(where)]} at {where.tolist()}")


def vector(name: str, value: object, dimension: int) -> Array:
    """A finite (d,) array, from that or from one number; ValueError names what is wrong."""
    array = real_array(name, value, f"a number or an array of shape {(dimension,)}")
    if array.shape not in ((), (dimension,)):
        raise ValueError(f"{name} must be a number or an array of shape {(dimension,)}, got the shape {array.shape}")
    check_finite(name, array)
    return np.broadcast_to(array, (dimension,)).copy()


def root_of(noise_covariance: object, noise_factor: object, dimension: int) -> Array:
    """A (d, k) with F = A Aᵀ, from F or A as users give them; ValueError names what is wrong.

    The factor of F is its lower triangular one, of Cholesky, which is that of the same F given as text: seeds then mean
    the same paths.
    """
    if noise_factor is not None:
        if noise_covariance is not None:
            raise ValueError("give noise_covariance or noise_factor, not both")
        array = real_array("noise_factor", noise_factor, f"an array of shape ({dimension}, k)")
        if array.ndim != 2 or len(array) != dimension or not array.shape[1]:
            raise ValueError(f"noise_factor must have the shape ({dimension}, k), got {array.shape}")
        check_finite("noise_factor", array)
        return array.copy()
    number = 1.0 if noise_covariance is None else as_real(noise_covariance)
    if number is not None:
        if number < 0:
            raise ValueError(f"noise_covariance must not be negative, got {noise_covariance!r}")
        return np.asarray(np.sqrt(number) * np.eye(dimension))
    return _cholesky(symmetric("noise_covariance", noise_covariance, dimension))


def _cholesky(noise_covariance: Array) -> Array:
    """The lower triangular root; of a singular matrix from a QR of its symmetric root, whose rounding it shares."""
    try:
        return np.asarray(np.linalg.cholesky(noise_covariance), np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(noise_covariance)
    largest = np.abs(values).max()
    if values[0] < -TOLERANCE * largest:
        raise ValueError(f"noise_covariance must be positive semidefinite; its least eigenvalue is {values[0]:.6g}")
    rounding = len(values) * np.finfo(np.float64).eps * largest
    upper: Any = np.linalg.qr(np.sqrt(np.where(values > rounding, values, 0.0))[:, None] * vectors.T, mode="r")
    return np.asarray((upper * np.where(np.diag(upper) < 0, -1.0, 1.0)[:, None]).T)
