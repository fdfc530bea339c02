"""Points of a landscape, as users hand them in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import as_array
from sgdsde.layout import in_short


def checked_points(w: ArrayLike, dimension: int, columns: str, argument: str) -> NDArray[np.float64]:
    """Points (..., d) of real finite numbers; a bare number is accepted when d = 1. `columns` says what they hold.

    Raises
    ------
    ValueError
        When the last axis is not d long, or a value is not a finite real number.
    """
    try:
        array = as_array(w)
        array = array.astype(np.float64, casting="unsafe" if array.dtype == object else "same_kind", copy=False)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last: tensors without numbers
        raise ValueError(f"{argument} must be an array of real numbers, got {in_short(w)}") from None
    if array.ndim == 0 and dimension == 1:
        array = array[None]
    if array.ndim == 0 or array.shape[-1] != dimension:
        raise ValueError(
            f"{argument} must have shape (..., {dimension}), one column for each of {columns}; got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{argument} must be finite, got {array[~np.isfinite(array)][0]!r} among its values")
    return array


def checked_point(w: ArrayLike, dimension: int, columns: str, argument: str) -> NDArray[np.float64]:
    """One point (d,); ValueError as of `checked_points`, and when there are more."""
    found = checked_points(w, dimension, columns, argument)
    if found.shape != (dimension,):
        raise ValueError(f"{argument} must have shape {(dimension,)}, got {found.shape}")
    return found
