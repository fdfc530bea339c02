"""Noise sources of a step: Gaussian increments, and means of batches of real examples under the three samplings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines.philox import STREAM_BATCH, STREAM_NORMAL, layout, normals, words

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GaussianIncrements:
    """k independent standard normals per step."""

    numbers: int


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
    batch_size : int
    sampling : str
    """

    table: Array
    batch_size: int
    sampling: str

    @property
    def numbers(self) -> int:
        """k, numbers per step."""
        return int(self.table.shape[1])

    @property
    def picks(self) -> int:
        """Examples picked per batch: those in it, or those left out when they are fewer."""
        if self.sampling == "without_replacement":
            return min(self.batch_size, len(self.table) - self.batch_size)
        return self.batch_size

    @property
    def weight(self) -> float:
        """Batch mean = weight × the sum of those picked."""
        return (1 if self.picks == self.batch_size else -1) / self.batch_size


Noise: TypeAlias = GaussianIncrements | ExampleBatches


class ReferenceNoise:
    """z of each step for NumPy: slow, obvious, and the judge of the other engines."""

    def __init__(self, noise: Noise, seed: int, paths: int) -> None:
        self.noise, self.seed, self.paths = noise, seed, np.arange(paths, dtype=np.uint64)

    def __call__(self, step: int) -> Array:
        """(k, paths) numbers for a step counted from the start of the run."""
        if isinstance(self.noise, GaussianIncrements):
            return normals(self._words(step, self.noise.numbers, STREAM_NORMAL, all_words=True))[self._rows(step)]
        picked = _PICK[self.noise.sampling](self, self.noise, step)
        total: Array = self.noise.table[picked].sum(axis=0).T
        return self.noise.weight * total

    def _rows(self, step: int) -> slice:
        steps, _ = layout(self.noise.numbers)
        first = step % steps * self.noise.numbers
        return slice(first, first + self.noise.numbers)

    def _words(self, step: int, numbers: int, stream: int, all_words: bool = False) -> NDArray[np.uint64]:
        steps, draws = layout(numbers)
        found = words(self.seed, stream, step // steps, draws, self.paths)
        first = step % steps * numbers
        return found if all_words else found[first : first + numbers]

    def _below(self, step: int, bounds: NDArray[np.uint64]) -> NDArray[np.int64]:
        """(picks, paths) integers: row i is uniform below bounds[i]."""
        found = self._words(step, len(bounds), STREAM_BATCH)
        return ((found * bounds[:, None]) >> np.uint64(32)).astype(np.int64)


def _with_replacement(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    return source._below(step, np.full(noise.batch_size, len(noise.table), np.uint64))


def _without_replacement(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    """Floyd: for j = N − B … N − 1 pick t ≤ j, or j itself when t is already in the batch (Bentley & Floyd 1987)."""
    if not noise.picks:
        return np.empty((0, len(source.paths)), np.int64)
    last = np.arange(len(noise.table) - noise.picks, len(noise.table))
    chosen = source._below(step, (last + 1).astype(np.uint64))
    for i, j in enumerate(last):
        repeated = (chosen[:i] == chosen[i]).any(axis=0)
        chosen[i, repeated] = j
    return chosen


def _reshuffle(source: ReferenceNoise, noise: ExampleBatches, step: int) -> NDArray[np.int64]:
    """Fisher–Yates from the identity at each epoch's start; update j of the epoch settles places jB … jB + B − 1."""
    n, b = len(noise.table), noise.batch_size
    position = step % (n // b)
    order = np.tile(np.arange(n)[:, None], (1, len(source.paths)))
    columns = np.arange(len(source.paths))
    for update in range(step - position, step + 1):
        first = update % (n // b) * b
        places = np.arange(first, first + b)
        others = places[:, None] + source._below(update, (n - places).astype(np.uint64))
        for place, other in zip(places, others, strict=True):
            order[place], order[other, columns] = order[other, columns], order[place].copy()
    return order[position * b : (position + 1) * b]


_PICK = {
    "with_replacement": _with_replacement,
    "without_replacement": _without_replacement,
    "reshuffle": _reshuffle,
}
