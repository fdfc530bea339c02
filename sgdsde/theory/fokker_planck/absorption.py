"""Where paths end: regions of the box and its walls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.regions import parse_regions
from sgdsde.theory.fokker_planck.chain import Chain
from sgdsde.theory.fokker_planck.grid import WALLS, Grid
from sgdsde.theory.surface import Surface

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Holds = Callable[[Array], Booleans]

#: Names of walls and conditions such as "x > 0", true or false on each cell, or a function of points (n, d) that is
#: true where paths end.
Region: TypeAlias = str | Sequence[str] | Booleans | Holds

HALVINGS = 40
CLOSEST = 1e-4  # of an arm: a boundary nearer to a centre is put there


@dataclass(frozen=True, eq=False)
class Cuts:
    """What a set of regions does to a chain.

    Attributes
    ----------
    cell : (n,)
        Region that holds the centre, −1 for none.
    arm : (n, K, 2)
        Region that the arm meets first, −1 for none.
    fraction : (n, K, 2)
        Of the arm, from the centre to the region; 1 where it meets none.
    blocked : (n, K, 2)
        The arm meets a reflecting wall.
    """

    cell: Integers
    arm: Integers
    fraction: Array
    blocked: Booleans


def cut(chain: Chain, regions: Sequence[Region], arguments: Sequence[str]) -> Cuts:
    """Find where arms meet regions, by bisection; ValueError when a region is not one, or two of them meet."""
    grid = chain.grid
    walls, inner = _sorted(grid, chain.landscape, regions, arguments)
    cell = np.full(len(grid.centres), -1)
    for number, holds in inner:
        inside = holds(grid.centres)
        if (taken := inside & (cell >= 0) & (cell != number)).any():
            raise ValueError(f"{arguments[number]} overlaps {arguments[cell[taken].max()]}")
        cell[inside] = number
    fraction, arm, leaves = _walls(chain, walls)
    samples = 2 * int(np.abs(chain.offsets[chain.strengths > 0]).max())
    for number, holds in inner:
        arms = np.stack(np.nonzero((cell[:, None, None] < 0) & (chain.strengths > 0)[..., None] & (fraction > 0)))
        low, high, last = np.zeros(arms.shape[1]), np.full(arms.shape[1], np.inf), fraction[tuple(arms)]
        for sample in range(1, samples + 1):
            left = np.flatnonzero(np.isinf(high))
            at = last[left] * sample / samples
            met = holds(chain.along(arms[:, left], at))
            high[left[met]] = at[met]
            low[left[~met]] = at[~met]
        found = np.flatnonzero(np.isfinite(high))
        arms, low, high = arms[:, found], low[found], high[found]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            met = holds(chain.along(arms, middle))
            low, high = np.where(met, low, middle), np.where(met, middle, high)
        fraction[tuple(arms)], arm[tuple(arms)] = np.maximum(high, CLOSEST), number
    # Centres on an edge are inside or not by rounding: arms to them end there, or do not, as the centre is.
    targets, inside = chain.targets()
    there = np.where(inside & (cell < 0)[:, None, None], cell[targets], arm)
    at_end = inside & (fraction > 1 - CLOSEST)
    arm, fraction = np.where(at_end, there, arm), np.where(at_end, 1.0, fraction)
    blocked = leaves & (arm < 0)
    return Cuts(cell, arm, np.where(blocked, 1.0, fraction), blocked)


def _walls(chain: Chain, walls: dict[str, int]) -> tuple[Array, Integers, Booleans]:
    """Fraction of arms to the wall of the box that they leave by (1 if none), its region, and whether they leave."""
    grid = chain.grid
    fraction = np.ones(chain.offsets.shape[:3])
    arm = np.full(fraction.shape, -1)
    for axis, names in enumerate(WALLS[: grid.dimension]):
        for name, sign in zip(names, (-1, 1), strict=True):
            place = grid.places[:, axis, None, None]
            room = (place if sign < 0 else grid.cells[axis] - 1 - place) + 0.5
            ahead = sign * chain.offsets[..., axis]
            to_wall = np.where(ahead > room, room / np.maximum(ahead, 1), np.inf)
            region = walls.get(name, -1)
            first = (to_wall < fraction) | ((to_wall == fraction) & (region >= 0))
            fraction, arm = np.where(first, to_wall, fraction), np.where(first, region, arm)
    return fraction, arm, ~chain.targets()[1]


def _sorted(
    grid: Grid, landscape: Surface, regions: Sequence[Region], arguments: Sequence[str]
) -> tuple[dict[str, int], list[tuple[int, Holds]]]:
    """Walls by name, and functions of points, each with the number of its region."""
    known = [name for names in WALLS[: grid.dimension] for name in names]
    walls: dict[str, int] = {}
    inner: list[tuple[int, Holds]] = []
    for number, (region, argument) in enumerate(zip(regions, arguments, strict=True)):
        given: Any = (region,) if isinstance(region, str) else region
        if callable(given):
            inner.append((number, _checked(given, argument)))
        elif isinstance(given, np.ndarray) and given.dtype == bool and given.shape == grid.cells:
            inner.append((number, functools.partial(_in_mask, grid, given.ravel())))
        elif isinstance(given, (tuple, list)) and all(_is_named(name, known) for name in given):
            if taken := [name for name in given if name in walls]:
                raise ValueError(f"{argument} overlaps {arguments[walls[taken[0]]]}: both have the wall {taken[0]!r}")
            walls |= {name: number for name in given if name in known}
            names = [*landscape.variables, *landscape.parameters]
            for condition in (text for text in given if text not in known):
                where = parse_regions(condition, names, argument)[0]
                inner.append((number, functools.partial(landscape.holds, where)))
        else:
            raise ValueError(
                f"{argument} must be a condition such as '{landscape.variables[0]} > 0', a function of points "
                f"(n, {grid.dimension}) that returns n booleans, a boolean array of shape {grid.cells}, or walls among "
                f"{', '.join(known)}; got {region!r}"
            )
    return walls, inner


def _is_named(name: object, walls: Sequence[str]) -> bool:
    return isinstance(name, str) and (name in walls or "<" in name or ">" in name)


def _in_mask(grid: Grid, mask: Booleans, points: Array) -> Booleans:
    return np.asarray(mask[grid.cell_of(points)])


def _checked(function: Callable[[Array], Any], argument: str) -> Holds:
    def holds(points: Array) -> Booleans:
        values = np.asarray(function(points))
        if values.shape != (len(points),) or values.dtype != bool:
            raise ValueError(
                f"{argument} must return a boolean for each of the {len(points)} points, got an array of shape "
                f"{values.shape} and type {values.dtype}"
            )
        return values

    return holds
