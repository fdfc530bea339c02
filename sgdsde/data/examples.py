"""The one check of examples that users hand in: inputs and targets as lists, arrays or tensors of any library."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import as_array

#: Class numbers are below this: what is larger is no number of a class, and would make as many outputs.
MOST_CLASSES = 1 << 31


def checked_inputs(name: str, value: object) -> NDArray[Any]:
    """Finite real numbers (N, …), N ≥ 1, in their own type; a float is float32 or float64.

    >>> checked_inputs("x", [[1, 2], [3, 4]]).dtype.name
    'int64'
    """
    array = _numbers(name, value, "inputs (N, …), a row for each example")
    if not array.ndim or not array.size:
        raise ValueError(f"{name} must hold a row of numbers for each of N ≥ 1 examples, got {array.shape}")
    return _finite(name, array)


def checked_targets(name: str, value: object, examples: int) -> NDArray[Any]:
    """Finite real numbers for each of N examples, (N, …): whole numbers as int64, others as float32 or float64.

    >>> checked_targets("y", [[0.5], [2.0]], 2).shape, checked_targets("y", [1, 2], 2).dtype.name
    ((2, 1), 'int64')
    """
    array = _numbers(name, value, "targets (N, …), a row or a number for each example")
    if not array.size or array.shape[:1] != (examples,):
        raise ValueError(f"{name} must be a target for each of {examples} examples, got {array.shape}")
    if array.dtype.kind == "f":
        return _finite(name, array)
    if (beyond := array > np.iinfo(np.int64).max).any():
        raise ValueError(f"{name} must be whole numbers of 64 bits, got {_first(array, beyond)}")
    return array.astype(np.int64, copy=False)


def checked_real_targets(name: str, value: object, examples: int) -> NDArray[np.floating[Any]]:
    """Finite real numbers as `checked_targets` has them, but no whole ones, which are numbers of classes elsewhere.

    >>> checked_real_targets("y", [1, 2], 2)
    Traceback (most recent call last):
    ValueError: y must be real numbers, such as y.astype(float), got int64; of class numbers the loss is 'cross_entropy'
    """
    array = checked_targets(name, value, examples)
    if array.dtype.kind != "f":
        raise ValueError(
            f"{name} must be real numbers, such as y.astype(float), got {array.dtype}; of class numbers the loss is "
            "'cross_entropy'"
        )
    return array


def checked_labels(name: str, value: object, examples: int) -> NDArray[np.int64]:
    """A class number 0, 1, … for each of N examples, (N,); (N, 1) and whole floats are taken too.

    >>> checked_labels("y", [[0.0], [2.0]], 2)
    array([0, 2])
    """
    array = _numbers(name, value, "class numbers 0, 1, …, one for each example")
    if array.shape not in ((examples,), (examples, 1)):
        raise ValueError(f"{name} must be one class number for each of {examples} examples, got {array.shape}")
    array = array if array.ndim == 1 else array.reshape(-1)
    good = (array >= 0) & (array < MOST_CLASSES) & (array == np.floor(array))
    if not good.all():
        fractions = np.isfinite(array).all() and (array != np.floor(array)).any()
        hint = "; for real numbers there is loss='mse'" if fractions else ""
        raise ValueError(f"{name} must be class numbers 0, 1, …, got {_first(array, ~good)}{hint}")
    return array.astype(np.int64, copy=False)


def representable(name: str, array: NDArray[Any], dtype: str) -> None:
    """ValueError where a number that is finite here is not so in `dtype`."""
    if array.dtype.kind == "f" and np.finfo(dtype).max < np.finfo(array.dtype).max:
        beyond = np.abs(array) > np.finfo(dtype).max
        if beyond.any():
            raise ValueError(f"{name} must be finite in {dtype}, got {_first(array, beyond)}")


def _finite(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Without NaN and ∞; a float is float32 or float64."""
    if array.dtype.kind == "f" and array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {_first(array, ~np.isfinite(array))}")
    return array


def _numbers(name: str, value: object, wanted: str) -> NDArray[Any]:
    """`value` as an array of real numbers."""
    kind = type(value).__name__
    try:
        array = as_array(value)
    except (TypeError, ValueError, RuntimeError) as error:  # NotImplementedError too: tensors without numbers
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{name} must be {wanted}, got a {kind} that is no array of numbers: {reason}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be {wanted}, real numbers, got a {kind} of {array.dtype}")
    if isinstance(value, np.ma.MaskedArray) and (masked := int(np.ma.getmaskarray(value).sum())):
        raise ValueError(f"{name} must be {wanted}, none of them masked, got {masked} that are")
    return array


def _first(array: NDArray[Any], bad: NDArray[np.bool_]) -> str:
    """The first bad number and its place."""
    place = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return f"{array[place]} at [{', '.join(str(int(k)) for k in place)}]"
