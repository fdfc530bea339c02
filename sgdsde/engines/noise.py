"""Noise sources of a step: Gaussian increments, discrete ones, Lévy areas, tables, and means of batches of examples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines import levy_area
from sgdsde.engines.philox import (
    STREAM_AREA,
    STREAM_BATCH,
    STREAM_NORMAL,
    STREAM_SIGN,
    STREAM_THREE,
    STREAM_UNIFORM,
    bits_layout,
    layout,
    normals,
    words,
)

Array = NDArray[np.float64]

#: Words below this, and as many at the top, are the outer values of a three-point number: odds 1/6 to 8e-11.
SIXTH = 715827883


@dataclass(frozen=True)
class GaussianIncrements:
    """k independent standard normals per step."""

    numbers: int
    stream: int = STREAM_NORMAL


@dataclass(frozen=True)
class Signs:
    """k independent numbers per step, ±1 with equal odds, one bit each."""

    numbers: int
    stream: int = STREAM_SIGN


@dataclass(frozen=True)
class ThreePoints:
    """k independent numbers per step, ±√3 with odds 1/6 each, else 0: the moments of a normal up to the fifth."""

    numbers: int
    stream: int = STREAM_THREE


@dataclass(frozen=True)
class Uniforms:
    """k independent numbers per step, uniform in (0, 1): (n + ½)/2³² from one word each."""

    numbers: int
    stream: int = STREAM_UNIFORM


@dataclass(frozen=True)
class LevyAreas:
    """Lévy areas a_jl, j < l, of a unit step whose increments are the first source's numbers; Δ a over a step of Δ.

    Attributes
    ----------
    dimension : int
        k, of the Brownian motion.
    terms : int
        Terms of the series.
    method : str
        Of `sgdsde.engines.levy_area.METHODS`.
    """

    dimension: int
    terms: int
    method: str

    @property
    def numbers(self) -> int:
        """k(k − 1)/2."""
        return self.dimension * (self.dimension - 1) // 2

    @property
    def normals(self) -> int:
        """Standard normals that a step takes."""
        return levy_area.normals_needed(self.method, self.dimension, self.terms)


@dataclass(frozen=True, eq=False)
class Tabulated:
    """Numbers made elsewhere.

    Attributes
    ----------
    numbers : int
        Per step.
    rows : callable
        (first_step, last_step, first_path, last_path) → (steps, numbers, paths).
    lanes : callable
        (first_steps (LANES,), steps, paths (LANES,)) → (steps, numbers, LANES): of each path from a step of its own on;
        after the last step there is anything finite.
    """

    numbers: int
    rows: Callable[[int, int, int, int], Array]
    lanes: Callable[[NDArray[np.int64], int, NDArray[np.int64]], Array]


@dataclass(frozen=True, eq=False)
class ExampleBatches:
    """The mean of a batch of B of N examples, each a vector of k numbers.

    Batches come from Floyd's algorithm (without replacement), the partial Fisher–Yates shuffle (reshuffle) or
    independent picks (with replacement), each pick from one 32-bit word w as ⌊w n / 2³²⌋, so that the odds of two
    examples differ by at most n / 2³².

    Attributes
    ----------
    table : (N, k)
        The examples; without replacement their mean must be zero, because the mean of a batch of more than half of
        them is taken from those left out.
    batch_size : int or (steps,) of int
        B, or one for each step. With ``"reshuffle"`` an epoch ends where the next batch does not fit into it.
    sampling : str
    stream : int
        Of the random numbers.
    apart : bool
        Whether each step has draws of its own, as it must where another source draws batches too.
    repeated : bool
        Of ``"reshuffle"``: whether every epoch has the permutation of the first. Then the place p of a permutation has
        word p mod 4 of group p // 4 to itself, whatever the batches are.
    """

    table: Array
    batch_size: int | NDArray[np.int64]
    sampling: str
    stream: int = STREAM_BATCH
    apart: bool = False
    repeated: bool = False

    @property
    def numbers(self) -> int:
        """k, numbers per step."""
        return int(self.table.shape[1])

    @property
    def scheduled(self) -> bool:
        """Whether each step has its own batch size."""
        return not isinstance(self.batch_size, int)

    def size(self, step: int) -> int:
        """B of a step."""
        return self.batch_size if isinstance(self.batch_size, int) else int(self.batch_size[step])

    def picks(self, size: int) -> int:
        """Examples picked for a batch of that size: those in it, or those left out when they are fewer."""
        return min(size, len(self.table) - size) if self.sampling == "without_replacement" else size

    @property
    def most_picks(self) -> int:
        """The most examples picked for a batch."""
        return max(map(self.picks, {int(size) for size in np.atleast_1d(self.batch_size)}))

    def layout(self, picks: int) -> tuple[int, int]:
        """(steps, draws), as `philox.layout`; steps share no draws where they differ in size.

        Of a repeated permutation the most draws in which the words of successive places are.
        """
        if self.repeated:
            return 1, -(-(picks + 3) // 4)
        return (1, -(-picks // 4)) if self.scheduled or self.apart else layout(picks)

    def weight(self, size: int) -> float:
        """Batch mean = weight × the sum of those picked."""
        return (1 if self.picks(size) == size else -1) / size

    @functools.cached_property
    def firsts(self) -> NDArray[np.int64]:
        """(steps,): how many examples of its epoch were dealt before each step of a schedule."""
        n, sizes = len(self.table), np.asarray(self.batch_size, np.int64)
        ends = np.cumsum(sizes)
        begins = ends - sizes
        firsts: NDArray[np.int64] = begins % n
        if self.sampling != "reshuffle" or (firsts + sizes <= n).all():
            return firsts
        step, starts = 0, []
        while step < len(sizes):  # epochs of their own lengths
            starts.append(step)
            step = int(np.searchsorted(ends, begins[step] + n, side="right"))
        lengths = np.diff([*starts, len(sizes)])
        return np.asarray(begins - np.repeat(begins[starts], lengths))

    def first(self, step: int) -> int:
        """Examples of the epoch dealt before that step."""
        if isinstance(self.batch_size, int):
            return step % (len(self.table) // self.batch_size) * self.batch_size
        return int(self.firsts[step])


@dataclass(frozen=True, eq=False)
class OwnExamples(ExampleBatches):
    """Batches of examples whose gradients are taken one by one: `table` (N, d) says how many there are.

    What is drawn is the batch itself and never those left out.
    """

    def picks(self, size: int) -> int:
        """All of the batch."""
        return size


Noise: TypeAlias = GaussianIncrements | Signs | ThreePoints | Uniforms | LevyAreas | Tabulated | ExampleBatches


def reference_noise(sources: Sequence[Noise], seed: int, paths: int) -> Callable[[int], Array]:
    """Step → (numbers of all sources, paths), for NumPy."""
    drawn = [ReferenceNoise(source, seed, paths) for source in sources]

    def at(step: int) -> Array:
        found: list[Array] = []
        for source in drawn:
            found.append(source(step, found[0] if found else None))
        return np.concatenate(found) if found else np.empty((0, paths))

    return at


class ReferenceNoise:
    """z of each step for NumPy: slow, obvious, and the judge of the other engines."""

    def __init__(self, noise: Noise, seed: int, paths: int) -> None:
        self.noise, self.seed, self.paths = noise, seed, np.arange(paths, dtype=np.uint64)

    def __call__(self, step: int, increments: Array | None = None) -> Array:
        """(numbers, paths) for a step counted from the start of the run, given the first source's numbers."""
        found: Array = _NUMBERS[type(self.noise)](self, self.noise, step, increments)
        return found

    def _words(self, step: int, numbers: int, stream: int, shared: tuple[int, int]) -> NDArray[np.uint64]:
        """One word for each number of a step, of a group of draws that `shared` = (steps, draws) says."""
        steps, draws = shared
        first = step % steps * numbers
        return words(self.seed, stream, step // steps, draws, self.paths)[first : first + numbers]

    def _group(self, step: int, numbers: int, stream: int) -> NDArray[np.uint64]:
        steps, draws = layout(numbers)
        return words(self.seed, stream, step // steps, draws, self.paths)

    def _below(self, noise: ExampleBatches, step: int, bounds: NDArray[np.uint64]) -> NDArray[np.int64]:
        """(picks, paths) integers: row i is uniform below bounds[i]."""
        if noise.repeated:
            first = noise.first(step)
            found = np.concatenate([self._words(first + i, 1, noise.stream, layout(1)) for i in range(len(bounds))])
        else:
            found = self._words(step, len(bounds), noise.stream, noise.layout(len(bounds)))
        return ((found * bounds[:, None]) >> np.uint64(32)).astype(np.int64)


def _gaussian(source: ReferenceNoise, noise: GaussianIncrements, step: int, increments: Array | None) -> Array:
    first = step % layout(noise.numbers)[0] * noise.numbers
    return normals(source._group(step, noise.numbers, noise.stream))[first : first + noise.numbers]


def _signs(source: ReferenceNoise, noise: Signs, step: int, increments: Array | None) -> Array:
    steps, draws = bits_layout(noise.numbers)
    found = words(source.seed, noise.stream, step // steps, draws, source.paths)
    bits = step % steps * noise.numbers + np.arange(noise.numbers)
    ones: NDArray[np.uint64] = (found[bits // 32] >> (bits % 32)[:, None].astype(np.uint64)) & np.uint64(1)
    return np.asarray(1.0 - 2.0 * ones)


def _three_points(source: ReferenceNoise, noise: ThreePoints, step: int, increments: Array | None) -> Array:
    word = source._words(step, noise.numbers, noise.stream, layout(noise.numbers))
    found: Array = np.where(word < SIXTH, -np.sqrt(3.0), np.where(word >= 2**32 - SIXTH, np.sqrt(3.0), 0.0))
    return found


def _uniforms(source: ReferenceNoise, noise: Uniforms, step: int, increments: Array | None) -> Array:
    word = source._words(step, noise.numbers, noise.stream, layout(noise.numbers))
    return np.asarray((word.astype(np.float64) + 0.5) * 2.0**-32)


def _areas(source: ReferenceNoise, noise: LevyAreas, step: int, increments: Array | None) -> Array:
    assert increments is not None
    extra = normals(words(source.seed, STREAM_AREA, step, -(-noise.normals // 4), source.paths))[: noise.normals]
    return np.asarray(levy_area.areas(noise.method, increments, extra, noise.dimension, noise.terms))


def _tabulated(source: ReferenceNoise, noise: Tabulated, step: int, increments: Array | None) -> Array:
    return np.asarray(noise.rows(step, step + 1, 0, len(source.paths))[0])


def _batch_mean(source: ReferenceNoise, noise: ExampleBatches, step: int, increments: Array | None) -> Array:
    picked = _PICK[noise.sampling](source, noise, step)
    total: Array = noise.table[picked].sum(axis=0).T
    return noise.weight(noise.size(step)) * total


_NUMBERS: dict[type, Callable[..., Any]] = {
    GaussianIncrements: _gaussian,
    Signs: _signs,
    ThreePoints: _three_points,
    Uniforms: _uniforms,
    LevyAreas: _areas,
    Tabulated: _tabulated,
    ExampleBatches: _batch_mean,
}


def _with_replacement(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    return source._below(noise, step, np.full(noise.size(step), len(noise.table), np.uint64))


def _without_replacement(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    """Floyd: for j = N − B … N − 1 pick t ≤ j, or j itself when t is already in the batch (Bentley & Floyd 1987)."""
    picks = noise.picks(noise.size(step))
    if not picks:
        return np.empty((0, len(source.paths)), np.int64)
    last = np.arange(len(noise.table) - picks, len(noise.table))
    chosen = source._below(noise, step, (last + 1).astype(np.uint64))
    for i, j in enumerate(last):
        repeated = (chosen[:i] == chosen[i]).any(axis=0)
        chosen[i, repeated] = j
    return chosen


def _reshuffle(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    """Fisher–Yates from the identity at each epoch's start; a batch settles the next B places."""
    n, begin = len(noise.table), step
    while noise.first(begin):
        begin -= 1
    order = np.tile(np.arange(n)[:, None], (1, len(source.paths)))
    columns = np.arange(len(source.paths))
    for update in range(begin, step + 1):
        places = noise.first(update) + np.arange(noise.size(update))
        others = places[:, None] + source._below(noise, update, (n - places).astype(np.uint64))
        for place, other in zip(places, others, strict=True):
            order[place], order[other, columns] = order[other, columns], order[place].copy()
    return order[noise.first(step) : noise.first(step) + noise.size(step)]


_PICK = {
    "with_replacement": _with_replacement,
    "without_replacement": _without_replacement,
    "reshuffle": _reshuffle,
}
