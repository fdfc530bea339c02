"""The cells of a store as one Dataset, and what they must have in common for that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.sweeps.encode import Variable, decode
from sgdsde.sweeps.failures import Failure, failure_of
from sgdsde.sweeps.grid import Grid, key
from sgdsde.sweeps.store import Store

if TYPE_CHECKING:
    import xarray

Array = NDArray[Any]
#: What takes the place of a cell that has failed, by kind of array; integers and bools become floats for it.
_MISSING = {"f": math.nan, "c": math.nan, "M": "NaT", "m": "NaT", "U": "", "S": b""}


class Structure:
    """What the first result has; every other must have the same, by name."""

    def __init__(self, label: str, variables: dict[str, Variable], grid: Grid) -> None:
        self.label = label
        self.parts = {name: _part(name, variable) for name, variable in variables.items()}
        used = {*variables, *(dim for variable in variables.values() for dim in variable.dims)}
        clash = sorted(used & set(grid.axes))
        if clash:
            raise ValueError(
                f"function must not return what is called as an axis of the grid is, got {', '.join(clash)}: rename it"
            )

    def check(self, label: str, variables: dict[str, Variable]) -> None:
        """Raise ValueError when a result is of another structure."""
        found = {name: _part(name, variable) for name, variable in variables.items()}
        for name in sorted({*self.parts, *found}):
            ours, theirs = self.parts.get(name, "nothing"), found.get(name, "nothing")
            if ours != theirs:
                raise ValueError(
                    f"function must return the same names and shapes in every cell: {name!r} is {ours} at "
                    f"{self.label}, and {theirs} at {label}"
                )


def _part(name: str, variable: Variable) -> str:
    kind = variable.values.dtype.kind
    what = "numbers" if kind in "iufc" else {"b": "bools", "U": "text", "S": "bytes"}.get(kind, "times")
    text = f"{what} of shape {variable.values.shape}"
    if variable.dims:
        text += f" by {', '.join(variable.dims)}"
    if _labels_a_dimension(name, variable):
        text += f", the coordinate {variable.values.tolist()}"
    return text


def _labels_a_dimension(name: str, variable: Variable) -> bool:
    return variable.coordinate and variable.dims == (name,)


def assemble(grid: Grid, store: Store, version: str) -> tuple[xarray.Dataset, list[Failure]]:
    """All cells of a grid, in its order, and those of them that have failed."""
    import xarray

    structure: Structure | None = None
    first: dict[str, Variable] = {}
    arrays: dict[str, Array] = {}
    failed: list[Failure] = []
    missing = np.zeros(grid.size, dtype=bool)
    for index in range(grid.size):
        row = store.kept(key(version, grid.text(index)), grid.label(index))
        if row.result is None or row.data is None:
            missing[index] = True
            failed.append(failure_of(row))
            continue
        variables = decode(row.result, row.data)
        if structure is None:
            structure, first = Structure(grid.label(index), variables, grid), variables
            for name, each in first.items():
                arrays[name] = np.zeros((grid.size, *each.values.shape), each.values.dtype)
        structure.check(grid.label(index), variables)
        for name, variable in variables.items():
            together = np.result_type(arrays[name], variable.values)
            if together != arrays[name].dtype:
                arrays[name] = arrays[name].astype(together)
            arrays[name][index] = variable.values

    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = dict(grid.coordinates())
    for name, variable in first.items():
        if _labels_a_dimension(name, variable):
            coordinates[name] = (name, variable.values, variable.attrs)
            continue
        whole = _with_gaps(arrays[name], missing).reshape((*grid.shape, *variable.values.shape))
        entry = ((*grid.axes, *variable.dims), whole, variable.attrs)
        (coordinates if variable.coordinate else data)[name] = entry
    return xarray.Dataset(data, coordinates), failed


def _with_gaps(values: Array, missing: NDArray[np.bool_]) -> Array:
    if not missing.any():
        return values
    if values.dtype.kind in "iub":
        values = values.astype(np.float64)
    values[missing] = _MISSING[values.dtype.kind]
    return values
