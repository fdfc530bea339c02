"""Brownian paths that outlive a run: any scheme and any step size on the same one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import as_real, as_whole
from sgdsde.engines import levy_area
from sgdsde.engines.noise import Tabulated
from sgdsde.engines.normal_table import normal_table
from sgdsde.engines.philox import STREAM_AREA, STREAM_NORMAL, STREAM_SECOND

Array = NDArray[np.float64]

#: Draws that a path determines; others are for schemes that only aim at the law.
SHARED = ("z", "y", "area")
_STEPS_AT_A_TIME = 16


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
        self.dimension, self.steps = _count("dimension", dimension), _count("steps", steps)
        self.seed = _count("seed", seed, least=0)
        length = as_real(time)
        if length is None or not length > 0:
            raise ValueError(f"time must be a finite positive number, got {time!r}")
        self.time, self.area_method, self.keep = length, area_method, keep
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

    def increments(self, steps: int, paths: int, first_path: int = 0) -> Array:
        """(steps, paths, k) increments over `steps` equal intervals.

        Raises
        ------
        ValueError
            When `steps` does not divide the finest grid, or there are fewer paths.
        """
        rows = self.source(steps, paths + first_path, ["z"]).rows(0, steps, first_path, first_path + paths)
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
        rows = self.source(self.steps, paths, ["z"]).rows(places[0], places[1], 0, paths)
        return np.asarray(math.sqrt(width) * rows.sum(axis=0).T)

    def source(self, steps: int, paths: int, draws: Sequence[str]) -> Tabulated:
        """Noise source of a run of so many equal steps, for a program that draws `draws`, some of `SHARED`.

        Raises
        ------
        ValueError
            When the grid, the number of paths or a draw does not fit.
        """
        steps = _count("steps", steps)
        if self.steps % steps:
            raise ValueError(f"steps must divide the {self.steps} steps of brownian, got {steps}")
        if self.paths is not None and paths > self.paths:
            raise ValueError(f"paths must be at most {self.paths}, as many as brownian has increments for; got {paths}")
        if others := [name for name in draws if name not in SHARED]:
            raise ValueError(f"brownian drives schemes that take increments of Brownian motion, not {others}")
        k, ratio = self.dimension, self.steps // steps
        numbers = {"z": k, "y": k, "area": k * (k - 1) // 2}

        def rows(first: int, last: int, first_path: int, last_path: int) -> Array:
            fine = self._fine(draws, first * ratio, last * ratio, first_path, last_path)
            coarse = _chained({name: v.reshape(last - first, ratio, *v.shape[1:]) for name, v in fine.items()}, k)
            return np.concatenate([coarse[name] for name in draws], axis=1)

        return Tabulated(sum(numbers[name] for name in draws), rows)

    def _fine(self, draws: Sequence[str], first: int, last: int, first_path: int, last_path: int) -> dict[str, Array]:
        """Numbers of the finest steps, for a unit step each: (steps, numbers, paths) by name."""
        if not self.keep:
            return self._drawn(draws, first, last, first_path, last_path)
        if any(name not in self._kept or self._kept[name].shape[2] < last_path for name in draws):
            self._kept |= self._drawn(draws, 0, self.steps, 0, last_path)
        return {name: self._kept[name][first:last, :, first_path:last_path] for name in ("z", *set(draws) - {"z"})}

    def _drawn(self, draws: Sequence[str], first: int, last: int, first_path: int, last_path: int) -> dict[str, Array]:
        k, where = self.dimension, (first, last, first_path, last_path)
        if self._increments is None:
            z = normal_table(self.seed, STREAM_NORMAL, k, *where)
        else:
            given = self._increments[first:last, first_path:last_path]
            z = given.transpose(0, 2, 1) / math.sqrt(self.time / self.steps)
        found = {"z": z}
        if "y" in draws:
            found["y"] = normal_table(self.seed, STREAM_SECOND, k, *where)
        if "area" in draws:
            found["area"] = self._areas_of(z, *where)
        return found

    def _areas_of(self, z: Array, first: int, last: int, first_path: int, last_path: int) -> Array:
        k = self.dimension
        if self._areas is not None:
            rows, columns = np.triu_indices(k, 1)
            given = self._areas[first:last, first_path:last_path, rows, columns]
            return np.asarray(given.transpose(0, 2, 1) * (self.steps / self.time))
        needed = levy_area.normals_needed(self.area_method, k, self._terms)
        found = np.empty((last - first, k * (k - 1) // 2, last_path - first_path))
        for begin in range(0, last - first, _STEPS_AT_A_TIME):
            part = slice(begin, min(begin + _STEPS_AT_A_TIME, last - first))
            where = first + part.start, first + part.stop, first_path, last_path
            extra = normal_table(self.seed, STREAM_AREA, needed, *where)
            flat, more = (values.transpose(1, 0, 2).reshape(values.shape[1], -1) for values in (z[part], extra))
            areas = levy_area.areas(self.area_method, flat, more, k, self._terms)
            found[part] = np.asarray(areas).reshape(found.shape[1], part.stop - part.start, -1).transpose(1, 0, 2)
        return found


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


def _count(name: str, value: object, least: int = 1) -> int:
    number = as_whole(value)
    if number is None or number < least:
        raise ValueError(f"{name} must be an integer, at least {least}; got {value!r}")
    return number


def _table(name: str, given: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    try:
        table = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of real numbers, got {given!r}") from None
    words = ", ".join("paths" if n is None else str(n) for n in shape)
    if table.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, table.shape, strict=True)):
        raise ValueError(f"{name} must have shape ({words}), got {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite; {int((~np.isfinite(table)).sum())} of its values are not")
    return table
