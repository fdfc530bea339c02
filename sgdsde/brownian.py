"""Brownian paths that outlive a run: any scheme and any step size on the same one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import check_steps, integer, moderate, positive, real_array
from sgdsde.engines import levy_area
from sgdsde.engines.noise import Tabulated
from sgdsde.engines.normal_table import Box, Lanes
from sgdsde.engines.philox import STREAM_AREA, STREAM_NORMAL, STREAM_SECOND
from sgdsde.memory import check_memory
from sgdsde.schemes.registry import PATH_DRAWS

Array = NDArray[np.float64]

_STEPS_AT_A_TIME = 16
_AT_A_TIME = 2**22  # most numbers of the finest steps, where they are not kept


class BrownianPath:
    """k independent Brownian motions on [0, time], for each of any number of paths, on a grid of `steps` intervals.

    The path is a function of the seed and of where it is asked: nothing is stored, and increments over coarse intervals
    are sums of those over fine ones. Integrals ∫W ds and Lévy areas over a coarse interval are put together from the
    fine ones by Chen's relation, so that schemes of high order see one and the same path at every step size.

    Parameters
    ----------
    dimension : int
        k.
    time : float
        Length, in the clock of the run that it will drive.
    steps : int
        Intervals of the finest grid; runs may take any number of steps that divides it.
    seed : int
    increments : (steps, paths, k), optional
        Increments over the finest intervals, in place of drawn ones; those of another library, or measured ones.
    areas : (steps, paths, k, k), optional
        Lévy areas ½(I_jl − I_lj) over the finest intervals, to go with `increments`.
    area_method : str
        How areas that are not given are drawn: see ``sgdsde.engines.levy_area.METHODS``.
    keep : bool
        Hold the numbers of the finest grid in memory once they are drawn, for many runs on the same path.

    Raises
    ------
    ValueError
        When an argument is not accepted; the message names it.

    Examples
    --------
    >>> path = BrownianPath(dimension=1, time=1.0, steps=8, seed=3)
    >>> fine, coarse = path.increments(8, paths=2), path.increments(2, paths=2)
    >>> bool(np.allclose(fine.reshape(2, 4, 2, 1).sum(axis=1), coarse))
    True
    """

    def __init__(
        self,
        dimension: int,
        time: float,
        steps: int,
        *,
        seed: int = 0,
        increments: ArrayLike | None = None,
        areas: ArrayLike | None = None,
        area_method: str = "mrongowius_roessler",
        keep: bool = False,
    ) -> None:
        self.dimension, self.steps = integer("dimension", dimension, 1), integer("steps", steps, 1)
        check_steps(self.steps, name="steps")
        self.seed = integer("seed", seed, 0, 2**64 - 1)
        self.time, self.area_method, self.keep = positive("time", time), area_method, keep
        moderate("time / steps", self.time / self.steps)
        self._kept: dict[str, Array] = {}
        self._terms = levy_area.terms_for(area_method, self.dimension, self.time / self.steps)
        k = self.dimension
        self._increments = None if increments is None else _table("increments", increments, (self.steps, None, k))
        if areas is not None and self._increments is None:
            raise ValueError("areas go with increments; none were given")
        paths = None if self._increments is None else self._increments.shape[1]
        self._areas = None if areas is None else _table("areas", areas, (self.steps, paths, k, k))

    @property
    def paths(self) -> int | None:
        """Number of paths, when they were given; None when there are as many as are asked for."""
        return None if self._increments is None else int(self._increments.shape[1])

    def describe(self) -> str:
        """What it is, for the provenance."""
        if self._increments is None:
            return f"seed {self.seed}, {self.steps} steps, areas {self.area_method}"
        digest = hashlib.sha256(self._increments.tobytes()).hexdigest()
        return f"increments {self._increments.shape}, SHA-256 {digest}"

    def __repr__(self) -> str:
        return f"<BrownianPath: dimension {self.dimension}, time {self.time:g} in {self.steps} steps, seed {self.seed}>"

    def increments(self, steps: int, paths: int, first_path: int = 0) -> Array:
        """(steps, paths, k) increments over `steps` equal intervals.

        Raises
        ------
        ValueError
            When `steps` does not divide the finest grid, or there are fewer paths.
        """
        first_path = integer("first_path", first_path, 0)
        last_path = first_path + integer("paths", paths, 1, 2**32 - 1)
        if not self.steps % integer("steps", steps, 1):
            self._check_memory(self.steps, ["z"], paths)
        rows = self.source(steps, last_path, ["z"]).rows(0, steps, first_path, last_path)
        return np.asarray(math.sqrt(self.time / steps) * rows.transpose(0, 2, 1))

    def between(self, begin: float, end: float, paths: int) -> Array:
        """(paths, k) increment W(end) − W(begin), for times on the finest grid.

        Raises
        ------
        ValueError
            When a time is not on the grid.
        """
        width = self.time / self.steps
        places = [round(at / width) for at in (begin, end)]
        for at, place in zip((begin, end), places, strict=True):
            if not 0 <= place <= self.steps or abs(at - place * width) > 1e-9 * self.time:
                raise ValueError(f"begin and end must be multiples of {width:g} from 0 to {self.time:g}, got {at!r}")
        source = self.source(self.steps, paths, ["z"])
        self._check_memory(max(places[1] - places[0], 0), ["z"], paths)
        rows = source.rows(places[0], places[1], 0, paths)
        return np.asarray(math.sqrt(width) * rows.sum(axis=0).T)

    def source(self, steps: int, paths: int, draws: Sequence[str]) -> Tabulated:
        """Noise source of a run of so many equal steps, for a program that draws `draws`, some of `PATH_DRAWS`.

        Raises
        ------
        ValueError
            When the grid, the number of paths or a draw does not fit.
        """
        steps, paths = integer("steps", steps, 1), integer("paths", paths, 1, 2**32 - 1)
        if self.steps % steps:
            raise ValueError(f"steps must divide the {self.steps} steps of brownian, got {steps}")
        if self.paths is not None and paths > self.paths:
            raise ValueError(f"paths must be at most {self.paths}, as many as brownian has increments for; got {paths}")
        if others := [name for name in draws if name not in PATH_DRAWS]:
            raise ValueError(f"brownian drives schemes that take increments of Brownian motion, not {others}")
        ratio = self.steps // steps
        self._check_memory(self.steps if self.keep else ratio, draws, paths)

        def of(where: Box | Lanes) -> Array:
            """The numbers of some of the run's steps, so few at a time that their fine ones fit into memory."""
            steps, count = where.shape
            each = max(1, _AT_A_TIME // (ratio * count * sum(self._numbers[name] for name in draws)))
            parts = [where.part(begin, min(begin + each, steps)) for begin in range(0, steps, each)] or [where]
            found = [self._coarse(draws, _fine_places(part, ratio), ratio, paths) for part in parts]
            return found[0] if len(found) == 1 else np.concatenate(found)

        def rows(first: int, last: int, first_path: int, last_path: int) -> Array:
            return of(Box(first, last, first_path, last_path))

        def lanes(first: NDArray[np.int64], steps: int, paths: NDArray[np.int64]) -> Array:
            return of(Lanes(first, steps, paths))

        return Tabulated(sum(self._numbers[name] for name in draws), rows, lanes)

    @property
    def _numbers(self) -> dict[str, int]:
        """How many numbers each draw takes in a step."""
        k = self.dimension
        return {"z": k, "y": k, "area": k * (k - 1) // 2}

    def _check_memory(self, steps: int, draws: Sequence[str], paths: int) -> None:
        """ValueError when the numbers of so many of the finest steps, which are made together, do not fit."""
        size = 8 * steps * paths * sum(self._numbers[name] for name in draws)
        check_memory(size, f"steps or paths of brownian must be fewer: {steps} of its steps for {paths} paths")

    def _coarse(self, draws: Sequence[str], where: Box | Lanes, ratio: int, paths: int) -> Array:
        """(steps, numbers, paths) of a run's steps, from those of the `ratio` finest steps in each."""
        fine = self._fine(draws, where, paths)
        coarse = _chained(
            {name: v.reshape(len(v) // ratio, ratio, *v.shape[1:]) for name, v in fine.items()}, self.dimension
        )
        return np.concatenate([coarse[name] for name in draws], axis=1)

    def _fine(self, draws: Sequence[str], where: Box | Lanes, paths: int) -> dict[str, Array]:
        """Numbers of the finest steps, for a unit step each: (steps, numbers, paths) by name."""
        if not self.keep:
            return self._drawn(draws, where)
        if any(name not in self._kept or self._kept[name].shape[2] < paths for name in draws):
            self._kept |= self._drawn(draws, Box(0, self.steps, 0, paths))
        names = ("z", *set(draws) - {"z"})
        return {name: where.of(self._kept[name].transpose(0, 2, 1)).transpose(0, 2, 1) for name in names}

    def _drawn(self, draws: Sequence[str], where: Box | Lanes) -> dict[str, Array]:
        k = self.dimension
        if self._increments is None:
            z = where.normals(self.seed, STREAM_NORMAL, k)
        else:
            z = where.of(self._increments).transpose(0, 2, 1) / math.sqrt(self.time / self.steps)
        found = {"z": z}
        if "y" in draws:
            found["y"] = where.normals(self.seed, STREAM_SECOND, k)
        if "area" in draws:
            found["area"] = self._areas_of(z, where)
        return found

    def _areas_of(self, z: Array, where: Box | Lanes) -> Array:
        k, (steps, paths) = self.dimension, where.shape
        if self._areas is not None:
            rows, columns = np.triu_indices(k, 1)
            given = where.of(self._areas)[:, :, rows, columns]
            return np.asarray(given.transpose(0, 2, 1) * (self.steps / self.time))
        needed = levy_area.normals_needed(self.area_method, k, self._terms)
        found = np.empty((steps, k * (k - 1) // 2, paths))
        for begin in range(0, steps, _STEPS_AT_A_TIME):
            part = slice(begin, min(begin + _STEPS_AT_A_TIME, steps))
            extra = where.part(part.start, part.stop).normals(self.seed, STREAM_AREA, needed)
            flat, more = (values.transpose(1, 0, 2).reshape(values.shape[1], -1) for values in (z[part], extra))
            areas = levy_area.areas(self.area_method, flat, more, k, self._terms)
            found[part] = np.asarray(areas).reshape(found.shape[1], part.stop - part.start, -1).transpose(1, 0, 2)
        return found


def _fine_places(where: Box | Lanes, ratio: int) -> Box | Lanes:
    """The finest steps that a run's steps are made of."""
    if isinstance(where, Box):
        return Box(where.first_step * ratio, where.last_step * ratio, where.first_path, where.last_path)
    return Lanes(where.first * ratio, where.steps * ratio, where.paths)


def _chained(fine: dict[str, Array], k: int) -> dict[str, Array]:
    """Numbers of coarse unit steps from those of the fine ones in them, (coarse, ratio, numbers, paths), by Chen."""
    z = fine["z"]
    ratio = z.shape[1]
    if ratio == 1:
        return {name: values[:, 0] for name, values in fine.items()}
    root = math.sqrt(ratio)
    whole = _summed(z, np.full(ratio, 1 / root))
    found = {"z": whole}
    if "y" in fine:
        before = _summed(z, np.arange(ratio - 1, -1, -1) / (ratio * root))  # ∫ of what was there when a fine step began
        inside = _summed(fine["y"], np.full(ratio, 1 / (2 * math.sqrt(3.0) * ratio * root)))
        found["y"] = math.sqrt(3.0) * (2 * (before + inside) + whole / ratio - whole)
    if "area" in fine:
        rows, columns = np.triu_indices(k, 1)
        swept = np.zeros_like(whole[:, rows])
        reached = np.zeros_like(whole)
        for part in z.transpose(1, 0, 2, 3):
            swept += reached[:, rows] * part[:, columns] - reached[:, columns] * part[:, rows]
            reached += part
        found["area"] = _summed(fine["area"], np.full(ratio, 1 / ratio)) + swept / (2 * ratio)
    return found


def _summed(fine: Array, weights: Array) -> Array:
    """Weighted sums of the fine steps in each coarse one: (coarse, ratio, numbers, paths) → (coarse, numbers, paths).

    Term by term: a library's sum of products would round a path by where it stands among others.
    """
    total = fine[:, 0] * weights[0]
    term = np.empty_like(total)
    for each, weight in zip(fine.transpose(1, 0, 2, 3)[1:], weights[1:], strict=True):
        total += np.multiply(each, weight, out=term)
    return np.asarray(total)


def _table(name: str, given: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    table = np.ascontiguousarray(real_array(name, given))
    words = ", ".join("paths" if n is None else str(n) for n in shape)
    if table.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, table.shape, strict=True)):
        raise ValueError(f"{name} must have shape ({words}), got {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite; {int((~np.isfinite(table)).sum())} of its values are not")
    return table
