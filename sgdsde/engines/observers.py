"""What engines gather beside the mean and covariance of each path, in memory that does not grow with the updates."""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.codegen import Block

Array = NDArray[np.float64]

#: Most bytes of the counts that a share of the paths has on tensors, by kind of device; a path takes 8 for each cell.
COUNTS = {"cpu": 2**26, "cuda": 2**30}

_NAMES = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Axis:
    """Cells of one component: equal ones [low, …, high), with one more below (the first) and one above (the last).

    Attributes
    ----------
    component : int
    low, high : float
    bins : int
        Cells between them.
    """

    component: int
    low: float
    high: float
    bins: int

    @property
    def scale(self) -> float:
        """Cells in a unit of the component."""
        return self.bins / (self.high - self.low)

    @property
    def cells(self) -> int:
        """Number of cells, those below and above included."""
        return self.bins + 2

    @property
    def numbers(self) -> tuple[float, float, float]:
        """What a kernel is told: low, scale, bins."""
        return self.low, self.scale, float(self.bins)


@dataclass(frozen=True)
class Observers:
    """What is gathered at the end of every update after the burn-in.

    Attributes
    ----------
    fourth : bool
        Third and fourth powers of the deviations of each component.
    regions : Block or None
        Of the observed components, under their names in the program: 1 where they are in a region, else 0. Its names
        are of no other block.
    constants : tuple of float
        Values of the constants of `regions`.
    histograms : tuple of tuple of Axis
        Each of one axis or of two.
    """

    fourth: bool = False
    regions: Block | None = None
    constants: tuple[float, ...] = ()
    histograms: tuple[tuple[Axis, ...], ...] = ()

    @property
    def named(self) -> int:
        """Number of regions."""
        return len(self.regions.outputs) if self.regions else 0

    @property
    def cells(self) -> int:
        """Number of cells of all histograms."""
        return sum(math.prod(axis.cells for axis in axes) for axes in self.histograms)

    @property
    def any(self) -> bool:
        """Whether there is anything to gather."""
        return bool(self.fourth or self.named or self.histograms)

    def sums(self, dimension: int) -> int:
        """Number of sums for each path: d of third powers, d of fourth powers, one for each region."""
        return 2 * dimension * self.fourth + self.named

    def numbers(self) -> list[float]:
        """What a kernel is told: of each axis its three numbers, then the constants of the regions."""
        axes = [axis for each in self.histograms for axis in each]
        return [*(number for axis in axes for number in axis.numbers), *self.constants]

    def function(self, functions: dict[str, Callable[..., Any]]) -> Callable[..., tuple[Any, ...]]:
        """(observed components) → 1 or 0 for each region."""
        if self.regions is None:
            return lambda *state: ()
        return functools.partial(self.regions.function(functions), *self.constants)


def membership(margins: Block, alternatives: Sequence[Sequence[Sequence[int]]]) -> Block:
    """A block of margins as one of regions: 1 where, for one alternative, all its margins are positive, else 0.

    A margin without a value is not positive. `alternatives` are, for each region, places among the block's outputs.
    """
    own = {name: f"o_{name}" for name, _ in (*margins.constants, *margins.lines)}

    def renamed(code: str) -> str:
        return _NAMES.sub(lambda match: own.get(match[0], match[0]), code)

    outputs = [renamed(code) for code in margins.outputs]

    def inside(region: Sequence[Sequence[int]]) -> str:
        tests = [" & ".join(f"({outputs[place]} > 0.0)" for place in each) for each in region]
        return f"where({' | '.join(f'({test})' for test in tests)}, 1.0, 0.0)"

    return replace(
        margins,
        constants=tuple((own[name], renamed(code)) for name, code in margins.constants),
        lines=tuple((own[name], renamed(code)) for name, code in margins.lines),
        outputs=tuple(map(inside, alternatives)),
    )


@dataclass(frozen=True, eq=False)
class Tally:
    """Histograms of many paths: what is needed of each path's counts for their mean and its error over paths.

    Attributes
    ----------
    paths : int
        That stayed finite; the others are not in the sums.
    total, squares : (numbers,)
        Sums over paths of a path's count of updates, and of its square: exact below 2⁵³, in whatever order. Of every
        cell, and then for each histogram of what is below and above on each axis, and of all that is outside.
    """

    paths: int
    total: Array
    squares: Array

    @classmethod
    def of(cls, observers: Observers, counts: NDArray[np.int64], finite: NDArray[np.bool_]) -> Tally:
        """Sums over the finite paths of their counts (cells, paths), and of the squares of these."""
        kept = (counts if finite.all() else counts[:, finite]).astype(np.float64)
        parts = [kept, *_outside(observers, kept)]
        total, squares = zip(*((part.sum(axis=1), np.einsum("cp,cp->c", part, part)) for part in parts), strict=True)
        return cls(int(finite.sum()), np.concatenate(total), np.concatenate(squares))

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.paths + other.paths, self.total + other.total, self.squares + other.squares)


def _outside(observers: Observers, counts: Array) -> list[Array]:
    """For each histogram (2 axes + 1, paths): what is below and above on each axis, and all that is outside."""
    found, before = [], 0
    for axes in observers.histograms:
        every = tuple(range(len(axes)))
        size = math.prod(axis.cells for axis in axes)
        own = counts[before : before + size].reshape(*(axis.cells for axis in axes), counts.shape[1])
        ends = [own.take([end], axis=i).sum(axis=every) for i in every for end in (0, -1)]
        inner = own[(slice(1, -1),) * len(axes)]
        found.append(np.stack([*ends, own.sum(axis=every) - inner.sum(axis=every)]))
        before += size
    return found


@dataclass(frozen=True, eq=False)
class Observed:
    """What observers found.

    Attributes
    ----------
    third, fourth : (paths, d), or (paths, 0) when they were not asked for
        Central moments of each path about its own mean, divisor the number of observed updates.
    inside : (paths, regions)
        Share of the observed updates.
    tally : Tally
    """

    third: Array
    fourth: Array
    inside: Array
    tally: Tally

    @classmethod
    def from_sums(
        cls, observers: Observers, first: Array, second: Array, more: Array, count: int, tally: Tally
    ) -> Observed | None:
        """From sums of deviations: first, second as in `moments_from_sums`; more (`Observers.sums`, paths)."""
        if not observers.any:
            return None
        d, paths = first.shape
        inside = more[len(more) - observers.named :].T / count
        if not observers.fourth:
            return cls(np.empty((paths, 0)), np.empty((paths, 0)), inside, tally)
        rows, columns = np.triu_indices(d)
        with np.errstate(all="ignore"):
            shift, square = first / count, second[rows == columns] / count
            cube, fourth = more[:d] / count, more[d : 2 * d] / count
            third = cube - 3 * shift * square + 2 * shift**3
            fourth = fourth - 4 * shift * cube + 6 * shift**2 * square - 3 * shift**4
        return cls(third.T.copy(), fourth.T.copy(), inside, tally)

    @classmethod
    def joined(cls, parts: Sequence[Observed]) -> Observed:
        """What was observed of all paths, from several shares of them."""
        third, fourth, inside = (
            np.concatenate([getattr(one, name) for one in parts]) for name in ("third", "fourth", "inside")
        )
        return cls(third, fourth, inside, functools.reduce(operator.add, (one.tally for one in parts)))


def all_finite(state: Array, *sums: Array) -> NDArray[np.bool_]:
    """(paths,): whether everything about a path is finite, of arrays (rows, paths)."""
    return np.asarray(np.logical_and.reduce([np.isfinite(each).all(axis=0) for each in (state, *sums)]))


def places(observers: Observers, values: Sequence[Any], where: Callable[..., Any], whole: Callable[..., Any]) -> Any:
    """For each histogram the cells (paths,) that components (d of (paths,)) are in, among the cells of all.

    `where` and `whole` (to integers, towards zero) are the engine's. NaN counts as above: such a path is left out.
    """
    found, before = [], 0
    for axes in observers.histograms:
        place: Any = 0
        for axis in axes:
            away = (values[axis.component] - axis.low) * axis.scale
            away = where(away < axis.bins, away, float(axis.bins))
            place = place * axis.cells + (whole(where(away >= 0.0, away, -1.0)) + 1)
        found.append(before + place)
        before += math.prod(axis.cells for axis in axes)
    return found


@dataclass(frozen=True)
class Words:
    """How a kernel's language says what observers need: number i of those told, a whole number, a choice by a test."""

    read: str
    whole: str
    choose: str


def range_lines(observers: Observers, words: Words) -> list[str]:
    """Lines of a kernel that name what it is told (`Observers.numbers`), and the first cell of each histogram."""
    names = [
        f"{name}{h}_{i}"
        for h, axes in enumerate(observers.histograms)
        for i, _ in enumerate(axes)
        for name in ("low", "scale", "bins")
    ]
    names += [name for name, _ in (observers.regions.constants if observers.regions else ())]
    lines = [f"{name} = {words.read.format(place)}" for place, name in enumerate(names)]
    for h, axes in enumerate(observers.histograms):
        cells = [f"cells{h}_{i}" for i, _ in enumerate(axes)]
        lines += [f"{name} = {words.whole.format(name.replace('cells', 'bins'))} + 2" for name in cells]
        lines += [f"before{h} = {f'before{h - 1} + size{h - 1}' if h else '0'}", f"size{h} = {'*'.join(cells)}"]
    return lines


def cell_lines(h: int, axes: Sequence[Axis], value: Callable[[int], str], words: Words) -> list[str]:
    """Lines that set `cell`, as `places` finds it, from the text of a component's value."""
    lines = []
    for i, axis in enumerate(axes):
        within = words.choose.format(f"away < bins{h}_{i}", "away", f"bins{h}_{i}")
        above = words.choose.format("away >= 0.0", "away", "-1.0")
        lines += [
            f"away = ({value(axis.component)} - low{h}_{i}) * scale{h}_{i}",
            f"away = {within}",
            f"cell{i} = {words.whole.format(above)} + 1",
        ]
    return [*lines, f"cell = before{h} + {'cell0' if len(axes) == 1 else f'cell0 * cells{h}_1 + cell1'}"]
