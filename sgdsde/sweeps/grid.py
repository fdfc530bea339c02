"""The grid of a sweep: names and their values, its cells, and the key of each cell."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: What an axis of a grid may hold: None, bool, int, float, str, or tuples of these.
Value: TypeAlias = Any
Cell: TypeAlias = dict[str, Value]


@dataclass(frozen=True, eq=False)
class Grid:
    """The product of its axes; the last name runs fastest.

    Attributes
    ----------
    axes : dict of str to tuple
        The values of each name.
    fixed : dict
        Arguments that are the same in every cell.
    """

    axes: dict[str, tuple[Value, ...]]
    fixed: Cell

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each name."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def cell(self, index: int) -> Cell:
        """The arguments of the cell of this number, in C order, fixed ones included."""
        found: Cell = {}
        for name, values in reversed(self.axes.items()):
            index, k = divmod(index, len(values))
            found[name] = values[k]
        return {**{name: found[name] for name in self.axes}, **self.fixed}

    def label(self, index: int) -> str:
        """The cell as a reader would name it: ``learning_rate=0.1, batch_size=4``."""
        cell = self.cell(index)
        return ", ".join(f"{name}={cell[name]!r}" for name in self.axes)

    def text(self, index: int) -> str:
        """The cell's arguments as JSON, by name: the same whatever the order of the axes."""
        pieces: dict[str, str] = dict(self._fixed_texts)
        for name, values in reversed(self._texts.items()):
            index, k = divmod(index, len(values))
            pieces[name] = values[k]
        return "{" + ",".join(f"{json.dumps(name)}:{pieces[name]}" for name in self._order) + "}"

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        return {name: [as_text(value) for value in values] for name, values in self.axes.items()}

    @cached_property
    def _fixed_texts(self) -> dict[str, str]:
        return {name: as_text(value) for name, value in self.fixed.items()}

    @cached_property
    def _order(self) -> list[str]:
        return sorted([*self.axes, *self.fixed])

    def coordinates(self) -> dict[str, NDArray[Any]]:
        """Each axis as an array: of numbers, bools or text where all values are such, else of objects."""
        return {name: _coordinate(values) for name, values in self.axes.items()}


def grid_of(grid: Mapping[str, Iterable[Value]], fixed: Mapping[str, Value] | None = None) -> Grid:
    """Check what a user has given.

    Raises
    ------
    ValueError
        When a name is not an identifier, an axis is empty or repeats a value, or a value is not plain.

    Examples
    --------
    >>> found = grid_of({"x": [1, 2.5], "how": ("sde", "sgd")}, {"seed": 0})
    >>> found.shape, found.cell(3), found.text(1)
    ((2, 2), {'x': 2.5, 'how': 'sgd', 'seed': 0}, '{"how":"sgd","seed":0,"x":1}')
    """
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid must map one name or more to values, got {grid!r}")
    axes = {}
    for name, values in grid.items():
        _check_name("grid", name)
        whole = isinstance(values, (str, bytes, Mapping, set)) or not isinstance(values, Iterable)
        if whole or len(getattr(values, "shape", (0,))) != 1:
            raise ValueError(f"grid[{name!r}] must be a sequence of values, got {values!r}")
        axes[name] = tuple(plain(f"grid[{name!r}]", value) for value in values)
        if not axes[name]:
            raise ValueError(f"grid[{name!r}] must hold one value or more, got none")
        seen: set[Value] = set()
        for value in axes[name]:
            if value in seen:
                raise ValueError(f"grid[{name!r}] must hold different values, got {value!r} twice")
            seen.add(value)
    held = {}
    for name, value in (fixed or {}).items():
        _check_name("fixed", name)
        if name in axes:
            raise ValueError(f"fixed[{name!r}] is an axis of the grid too: give it once")
        held[name] = plain(f"fixed[{name!r}]", value)
    return Grid(axes, held)


def plain(where: str, value: Value) -> Value:
    """A value as Python's own: NumPy's scalars and lists become numbers and tuples.

    >>> plain("x", np.float64(0.5)), plain("x", [1, "a", None])
    (0.5, (1, 'a', None))
    """
    if isinstance(value, (np.bool_, np.integer, np.floating, np.str_)):
        value = value.item()
    if isinstance(value, (tuple, list)):
        return tuple(plain(where, each) for each in value)
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"{where} must not be NaN, which is equal to nothing")
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise ValueError(f"{where} must be None, a bool, a number, text or a tuple of these, got {value!r}")


def as_text(value: Value) -> str:
    """Plain values as JSON in which 1, 1.0 and true differ; infinities are ``{"float": "inf"}``.

    >>> as_text((1, 1.0, True, float("-inf")))
    '[1,1.0,true,{"float":"-inf"}]'
    """
    return json.dumps(_writable(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> Any:
    """What :func:`as_text` or :meth:`Grid.text` has written.

    >>> from_text('{"x":[1,{"float":"inf"}]}')
    {'x': (1, inf)}
    """
    return _read(json.loads(text))


def key(version: str, text: str) -> bytes:
    """The key of a cell: SHA-256 of the code version and the cell's arguments, 32 bytes."""
    return hashlib.sha256(f"{version}\n{text}".encode()).digest()


def _writable(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_writable(each) for each in value]
    return {"float": repr(value)} if isinstance(value, float) and math.isinf(value) else value


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(each) for each in value)
    if isinstance(value, dict):
        return float(value["float"]) if set(value) == {"float"} else {name: _read(value[name]) for name in value}
    return value


def _check_name(where: str, name: object) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{where} must name arguments of the function, got {name!r}")


def _coordinate(values: Sequence[Value]) -> NDArray[Any]:
    kinds = {type(value) for value in values}
    if kinds in ({bool}, {str}):
        return np.array(values)
    if kinds <= {int, float} and all(abs(value) < 2**53 for value in values if type(value) is int):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        found[k] = value
    return found
