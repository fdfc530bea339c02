"""Results of a cell as text and bytes, and back: JSON that says what there is, and raw little-endian arrays.

Nothing is pickled, and nothing that is read is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray

#: The name of a result that has none.
UNNAMED = "result"
LARGEST = 900_000_000  # bytes; SQLite keeps no more than 10⁹ in a value
_DTYPE = re.compile(r"[<|](b1|[iu][1248]|f[248]|c8|c16|[US]\d+|[mM]8\[\w+\])")


@dataclass(frozen=True, eq=False)
class Variable:
    """One array of a result.

    Attributes
    ----------
    dims : tuple of str
        Its dimensions, beside those of the grid.
    values : ndarray
    attrs : dict
        Plain values, such as units.
    coordinate : bool
        Whether it is a coordinate of the result.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: dict[str, Any]
    coordinate: bool = False


def encode(result: Any) -> tuple[str, bytes]:
    """What a cell's function has returned, as (JSON, bytes).

    Parameters
    ----------
    result : number, text, array, mapping of these, xarray.DataArray or xarray.Dataset
        Arrays of numbers, bools, text or times.

    Raises
    ------
    ValueError
        When it is something else, or larger than 900 MB.

    Examples
    --------
    >>> text, data = encode({"mean": 0.5, "ends": [1, 2]})
    >>> decode(text, data)["ends"].values, len(data)
    (array([1, 2]), 24)
    """
    entries, blocks, place = [], [], 0
    for name, variable in _variables(result).items():
        values = variable.values
        # Strings and bools have no byte order; for the others "<" is little-endian whatever the machine.
        stored = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        if not _DTYPE.fullmatch(stored.dtype.str):
            raise ValueError(
                f"the result {name!r} must hold numbers, bools, text or times of at most 64 bits, got {_shown(values)}"
            )
        block = stored.tobytes()
        entries.append({
            "name": name, "dims": list(variable.dims), "dtype": stored.dtype.str, "shape": list(values.shape),
            "attrs": variable.attrs, "coordinate": variable.coordinate,
        })  # fmt: skip
        blocks.append(block)
        place += len(block)
    if place > LARGEST:
        raise ValueError(f"the result must have at most {LARGEST} bytes, got {place}")
    return json.dumps(entries, separators=(",", ":")), b"".join(blocks)


def decode(text: str, data: bytes) -> dict[str, Variable]:
    """The variables of a result; what is not as :func:`encode` writes it raises ValueError."""
    found, place = {}, 0
    for entry in json.loads(text):
        if not _DTYPE.fullmatch(entry["dtype"]):
            raise ValueError(f"the store holds an array of the unknown type {entry['dtype']!r}")
        dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(data, dtype, count, place).reshape(shape)
        place += values.nbytes
        found[entry["name"]] = Variable(tuple(entry["dims"]), values, entry["attrs"], entry["coordinate"])
    if place != len(data):
        raise ValueError(f"the store holds {len(data)} bytes of a result that should have {place}")
    return found


def _variables(result: Any) -> dict[str, Variable]:
    if isinstance(result, Mapping) and not _is_xarray(result):
        if not result or not all(isinstance(name, str) and name for name in result):
            raise ValueError(f"a result that is a mapping must have names, got {list(result)!r}")
        return {name: _array(name, value) for name, value in result.items()}
    if not _is_xarray(result):
        return {UNNAMED: _array(UNNAMED, result)}
    if hasattr(result, "data_vars"):
        return _of_dataset(result)
    return _of_dataset(result.to_dataset(name=result.name or UNNAMED))


def _of_dataset(dataset: xarray.Dataset) -> dict[str, Variable]:
    found = {}
    for name, each in {**dataset.data_vars, **dataset.coords}.items():
        text = str(name)
        attrs = {str(word): _plain_attribute(text, value) for word, value in each.attrs.items()}
        dims = tuple(str(dim) for dim in each.dims)
        found[text] = Variable(dims, _checked(text, each.values), attrs, name in dataset.coords)
    if not dataset.data_vars:
        raise ValueError("a result that is a Dataset must have a variable, got none")
    return found


def _array(name: str, value: Any) -> Variable:
    if _is_xarray(value):
        raise ValueError(f"the result {name!r} must be a number or an array, got xarray's: return one Dataset instead")
    values = _checked(name, value)
    return Variable(tuple(f"{name}_{axis}" for axis in range(values.ndim)), values, {})


def _checked(name: str, value: Any) -> NDArray[Any]:
    try:
        values = np.asarray(value)
    except ValueError:
        raise ValueError(f"the result {name!r} must be a rectangular array, got {value!r}") from None
    if values.dtype.kind == "O":
        raise ValueError(f"the result {name!r} must be a number or an array of numbers, got {_shown(value)}")
    return values


def _is_xarray(value: Any) -> bool:
    # Without importing xarray, which costs a second where nobody uses it.
    return type(value).__module__.split(".")[0] == "xarray" and hasattr(value, "dims")


def _plain_attribute(name: str, value: Any) -> Any:
    value = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(f"attributes of the result {name!r} must be plain values, got {_shown(value)}") from None
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
