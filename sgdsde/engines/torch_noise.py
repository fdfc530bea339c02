"""Noise sources on tensors, many steps at a time: the numbers of `sgdsde.engines.noise`, which says what they mean.

Words are drawn for as many groups of steps as there is room for, so that each tensor operation does much work while its
operands stay in the cache (CPU) or fill the device (CUDA).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sgdsde.engines import levy_area
from sgdsde.engines.noise import (
    SIXTH,
    ExampleBatches,
    GaussianIncrements,
    LevyAreas,
    Noise,
    Signs,
    Tabulated,
    ThreePoints,
    Uniforms,
)
from sgdsde.engines.philox import STREAM_AREA, bits_layout, layout
from sgdsde.engines.torch_batches import Floyd, deal, sums
from sgdsde.engines.torch_philox import Scratch, group_words, philox
from sgdsde.engines.torch_philox import normals as _normals

__all__ = ["ROOM", "TensorNoise", "philox", "tensor_noise"]

#: Draws of four words that are made at a time, by kind of device; one group is made whatever its size. With what the
#: operations on them take, about 5 MiB, of which a core's cache holds its half, and 160 MiB.
ROOM = {"cpu": 2**15, "cuda": 2**21}

#: Words (groups, 4·draws, paths) → numbers (groups, steps · numbers or more, paths).
Finish = Callable[[Tensor], Tensor]


def tensor_noise(
    sources: Sequence[Noise], seed: int, paths: int, device: torch.device, steps: int | None = None, first: int = 0
) -> Callable[[int], Tensor]:
    """Step → (numbers of all sources, paths) float64, steps asked for in order, `steps` of them if that is known.

    Paths are `first`, first + 1, ….
    """
    drawn = [TensorNoise(source, seed, paths, device, steps, first) for source in sources]

    def at(step: int) -> Tensor:
        found: list[Tensor] = []
        for source in drawn:
            found.append(source(step, found[0] if found else None))
        if len(found) == 1:
            return found[0]
        return torch.cat(found) if found else torch.empty((0, paths), dtype=torch.float64, device=device)

    return at


class TensorNoise:
    """z of each step, steps asked for in order."""

    def __init__(
        self, noise: Noise, seed: int, paths: int, device: torch.device, steps: int | None = None, first: int = 0
    ) -> None:
        self.noise, self.seed, self.device, self.steps, self.first = noise, seed, device, steps, first
        self.paths = torch.arange(first, first + paths, device=device)
        self.begin, self.end = 0, 0
        self.kept: tuple[Tensor, ...] = ()
        self.scratch, self.turn = Scratch(device), False
        if isinstance(noise, ExampleBatches):
            self.table = torch.as_tensor(noise.table.T.copy(), device=device)
            self.order = torch.empty(0, dtype=torch.int32, device=device)
            self.floyd = Floyd(len(noise.table))

    def __call__(self, step: int, increments: Tensor | None = None) -> Tensor:
        """(numbers, paths) float64, given the first source's numbers."""
        found: Tensor = _NUMBERS[type(self.noise)](self, self.noise, step, increments)
        return found

    def words(self, group: int, draws: int, stream: int, groups: int = 1) -> Tensor:
        """(groups, 4·draws, paths) random words."""
        those = torch.arange(group, group + groups, device=self.device)
        return group_words(those, draws, self.paths, stream, self.seed, self.scratch)

    def normals(self, words: Tensor) -> Tensor:
        """As many standard normals as words, kept until the next but one are made: a state may still be one of them."""
        self.turn = not self.turn
        return _normals(words, self.scratch, f"normals {self.turn}")

    def ahead(self, step: int, numbers: int, stream: int, finish: Finish, of: tuple[int, int]) -> Tensor:
        """The step's numbers, made with those of the steps after it; `of` = (steps, draws) of a group."""
        if not self.begin <= step < self.end:
            steps, draws = of
            group, room = step // steps, ROOM.get(self.device.type, ROOM["cpu"])
            groups = max(1, room // (max(1, draws) * len(self.paths)))
            if self.steps is not None:
                groups = max(1, min(groups, -(-self.steps // steps) - group))
            made = finish(self.words(group, draws, stream, groups))
            made = made[:, : steps * numbers].reshape(groups * steps, numbers, len(self.paths))
            self.kept = made.unbind()
            self.begin, self.end = group * steps, (group + groups) * steps
        return self.kept[step - self.begin]


def _gaussian(source: TensorNoise, noise: GaussianIncrements, step: int, increments: Tensor | None) -> Tensor:
    k = noise.numbers
    return source.ahead(step, k, noise.stream, source.normals, layout(k))


def _signs(source: TensorNoise, noise: Signs, step: int, increments: Tensor | None) -> Tensor:
    steps, draws = bits_layout(noise.numbers)
    bits = torch.arange(steps * noise.numbers, device=source.device)

    def finish(words: Tensor) -> Tensor:
        return 1.0 - 2.0 * (words[:, bits // 32] >> (bits % 32)[:, None] & 1).double()

    return source.ahead(step, noise.numbers, noise.stream, finish, (steps, draws))


def _three_points(source: TensorNoise, noise: ThreePoints, step: int, increments: Tensor | None) -> Tensor:
    def finish(words: Tensor) -> Tensor:
        return math.sqrt(3.0) * ((words >= 2**32 - SIXTH).double() - (words < SIXTH).double())

    return source.ahead(step, noise.numbers, noise.stream, finish, layout(noise.numbers))


def _uniforms(source: TensorNoise, noise: Uniforms, step: int, increments: Tensor | None) -> Tensor:
    def finish(words: Tensor) -> Tensor:
        return words.double().add_(0.5).mul_(2.0**-32)

    return source.ahead(step, noise.numbers, noise.stream, finish, layout(noise.numbers))


def _areas(source: TensorNoise, noise: LevyAreas, step: int, increments: Tensor | None) -> Tensor:
    draws = -(-noise.normals // 4)
    extra = source.ahead(step, noise.normals, STREAM_AREA, source.normals, (1, draws))
    found: Tensor = levy_area.areas(noise.method, increments, extra, noise.dimension, noise.terms)
    return found


def _tabulated(source: TensorNoise, noise: Tabulated, step: int, increments: Tensor | None) -> Tensor:
    first = source.first
    return torch.as_tensor(noise.rows(step, step + 1, first, first + len(source.paths))[0], device=source.device)


def _batch_mean(source: TensorNoise, noise: ExampleBatches, step: int, increments: Tensor | None) -> Tensor:
    weight = noise.weight(noise.size(step))
    if noise.scheduled or noise.sampling == "reshuffle":
        return weight * sums(source.table, _PICK[noise.sampling](source, noise, step))
    picks = noise.picks(noise.size(step))
    if not picks:
        return torch.zeros((noise.numbers, len(source.paths)), dtype=torch.float64, device=source.device)
    steps, draws = noise.layout(picks)

    def finish(words: Tensor) -> Tensor:
        chosen = _CHOSEN[noise.sampling](source, noise, words[:, : steps * picks].view(len(words), steps, picks, -1))
        return sums(source.table, chosen).flatten(1, 2).mul_(weight)

    return source.ahead(step, noise.numbers, noise.stream, finish, (steps, draws))


_NUMBERS: dict[type, Callable[..., Any]] = {
    GaussianIncrements: _gaussian,
    Signs: _signs,
    ThreePoints: _three_points,
    Uniforms: _uniforms,
    LevyAreas: _areas,
    Tabulated: _tabulated,
    ExampleBatches: _batch_mean,
}


def _drawn_with_replacement(source: TensorNoise, noise: ExampleBatches, words: Tensor) -> Tensor:
    return words.mul_(len(noise.table)).bitwise_right_shift_(32)


def _drawn_without_replacement(source: TensorNoise, noise: ExampleBatches, words: Tensor) -> Tensor:
    n, picks = len(noise.table), words.shape[-2]
    bounds = torch.arange(n - picks + 1, n + 1, device=words.device)
    return source.floyd(words.mul_(bounds[:, None]).bitwise_right_shift_(32))


#: (…, picks, paths) words, which are lost → the examples picked, of batches that know nothing of each other.
_CHOSEN = {"with_replacement": _drawn_with_replacement, "without_replacement": _drawn_without_replacement}


def _words_of(source: TensorNoise, noise: ExampleBatches, step: int, picks: int) -> Tensor:
    """(picks, paths): a word for each pick of a step."""
    of = noise.layout(picks)
    if noise.repeated:
        first, end = noise.first(step), noise.first(step) + picks
        return source.words(first // 4, 1, noise.stream, -(-end // 4) - first // 4).flatten(0, 1)[first % 4 :][:picks]
    if noise.scheduled:  # sizes differ: nothing is made ahead
        return source.words(step, of[1], noise.stream)[0, :picks]
    return source.ahead(step, picks, noise.stream, lambda words: words, of)


def _independent(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    picks = noise.picks(noise.size(step))
    return _CHOSEN[noise.sampling](source, noise, _words_of(source, noise, step, picks))


def _reshuffle(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    n, first, size = len(noise.table), noise.first(step), noise.size(step)
    if first == 0:
        places = torch.arange(n, dtype=torch.int32, device=source.device)
        source.order = places[:, None].repeat(1, len(source.paths))
    places = torch.arange(first, first + size, device=source.device)[:, None]
    others = (_words_of(source, noise, step, size) * (n - places)).bitwise_right_shift_(32).add_(places)
    return deal(source.order, first, others)


_PICK = {"with_replacement": _independent, "without_replacement": _independent, "reshuffle": _reshuffle}


def picks_of(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    """(picks, paths): the examples picked in a step."""
    return _PICK[noise.sampling](source, noise, step)
