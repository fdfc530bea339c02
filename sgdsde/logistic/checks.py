"""Checked arguments of logistic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import positive, real_array

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def checked_inputs(name: str, value: ArrayLike, features: int | None = None) -> Array:
    """X of shape (N, P), finite."""
    wanted = f"an array of shape (n, {'P' if features is None else features})"
    array = real_array(name, value, f"{wanted} of real numbers")
    if array.ndim != 2 or not array.size or features not in (None, array.shape[1]):
        raise ValueError(f"{name} must be {wanted}, got the shape {array.shape}")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, got {array[row, column]} at [{row}, {column}]")
    return array


def checked_labels(name: str, value: ArrayLike, rows: int, classes: int | None = None) -> Labels:
    """y of shape (N,), whole numbers from 0; below `classes`, or else each class from 0 to the largest occurs."""
    wanted = f"{rows} class numbers 0, 1, …, one for each row of the inputs"
    array = np.asarray(value)
    if array.shape != (rows,):
        raise ValueError(f"{name} must be {wanted}, got the shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be {wanted}, got {array.dtype} such as {array[0]!r}")
    bad = ~(array >= 0) | ~(array < (rows if classes is None else classes)) | (array != np.floor(array))
    if bad.any():
        limit = "" if classes is None else f" below {classes}"
        raise ValueError(f"{name} must be {wanted}{limit}, got {array[bad][0]!s} at [{int(np.argmax(bad))}]")
    labels = array.astype(np.int64)
    if classes is None:
        present = np.unique(labels)
        if len(present) < 2:
            raise ValueError(f"{name} must hold two classes or more, got {present[0]} only")
        absent = np.setdiff1d(np.arange(present[-1]), present)
        if len(absent):
            raise ValueError(f"{name} must hold every class from 0 to {present[-1]}, got none of {absent[0]}")
    return labels


def checked_penalty(name: str, value: object) -> float:
    """λ, a positive number."""
    return positive(name, value, ", as without it separable data have no minimum and the prior has no density")


def checked_penalties(name: str, values: ArrayLike) -> Array:
    """Several λ, in one dimension."""
    array = np.asarray(values)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a sequence of positive numbers, got {values!r}")
    return np.array([checked_penalty(name, float(each)) for each in array])
