"""Noise sources on tensors: the same numbers as `sgdsde.engines.noise`, which says what they mean."""

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
)
from sgdsde.engines.philox import (
    MASK,
    MULTIPLIERS,
    ROUNDS,
    STREAM_AREA,
    WEYL,
    bits_layout,
    key_of,
    layout,
)


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Philox4x32-10 on int64 tensors that hold words below 2³²; products wrap, and a mask after the shift mends it."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> 32 & MASK) ^ c1 ^ k0, p1 & MASK, (p0 >> 32 & MASK) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def tensor_noise(sources: Sequence[Noise], seed: int, paths: int, device: torch.device) -> Callable[[int], Tensor]:
    """Step → (numbers of all sources, paths) float64, steps asked for in order."""
    drawn = [TensorNoise(source, seed, paths, device) for source in sources]

    def at(step: int) -> Tensor:
        found: list[Tensor] = []
        for source in drawn:
            found.append(source(step, found[0] if found else None))
        return torch.cat(found) if found else torch.empty((0, paths), dtype=torch.float64, device=device)

    return at


class TensorNoise:
    """z of each step, steps asked for in order."""

    def __init__(self, noise: Noise, seed: int, paths: int, device: torch.device) -> None:
        self.noise, self.seed, self.device = noise, seed, device
        self.paths = torch.arange(paths, device=device)
        self.group, self.rows = -1, torch.empty(0)
        if isinstance(noise, ExampleBatches):
            self.table = torch.as_tensor(noise.table.T.copy(), device=device)
            self.order = torch.empty(0, dtype=torch.int64, device=device)

    def __call__(self, step: int, increments: Tensor | None = None) -> Tensor:
        """(numbers, paths) float64, given the first source's numbers."""
        found: Tensor = _NUMBERS[type(self.noise)](self, self.noise, step, increments)
        return found

    def words(self, group: int, draws: int, stream: int) -> Tensor:
        """(4·draws, paths) random words of a group."""
        draw = torch.arange(draws, device=self.device)[:, None].expand(-1, len(self.paths))
        low = torch.full_like(draw, group & MASK)
        high = torch.full_like(draw, stream | (group >> 32) << 8)
        words = philox((low, draw, self.paths.expand_as(draw), high), key_of(self.seed))
        return torch.stack(words, dim=1).reshape(4 * draws, len(self.paths))

    def shared(
        self, step: int, numbers: int, stream: int, finish: Callable[[Tensor], Tensor], of: tuple[int, int]
    ) -> Tensor:
        """The step's rows of a group of draws that steps share, `of` = (steps, draws); the group is kept."""
        steps, draws = of
        group, place = divmod(step, steps)
        if group != self.group and draws:
            self.rows, self.group = finish(self.words(group, draws, stream)), group
        return self.rows[place * numbers : (place + 1) * numbers]

    def below(self, noise: ExampleBatches, step: int, bounds: Tensor) -> Tensor:
        """(picks, paths) integers: row i is uniform below bounds[i]."""
        picks = len(bounds)
        found = self.shared(step, picks, noise.stream, lambda words: words, noise.layout(picks))
        return found * bounds[:, None] >> 32


def _gaussian(source: TensorNoise, noise: GaussianIncrements, step: int, increments: Tensor | None) -> Tensor:
    return source.shared(step, noise.numbers, noise.stream, _normals, layout(noise.numbers))


def _signs(source: TensorNoise, noise: Signs, step: int, increments: Tensor | None) -> Tensor:
    steps, draws = bits_layout(noise.numbers)
    bits = step % steps * noise.numbers + torch.arange(noise.numbers, device=source.device)
    found = source.words(step // steps, draws, noise.stream)[bits // 32] >> (bits % 32)[:, None] & 1
    return 1.0 - 2.0 * found.double()


def _three_points(source: TensorNoise, noise: ThreePoints, step: int, increments: Tensor | None) -> Tensor:
    word = source.shared(step, noise.numbers, noise.stream, lambda words: words, layout(noise.numbers))
    return math.sqrt(3.0) * ((word >= 2**32 - SIXTH).double() - (word < SIXTH).double())


def _areas(source: TensorNoise, noise: LevyAreas, step: int, increments: Tensor | None) -> Tensor:
    extra = _normals(source.words(step, -(-noise.normals // 4), STREAM_AREA))[: noise.normals]
    found: Tensor = levy_area.areas(noise.method, increments, extra, noise.dimension, noise.terms)
    return found


def _tabulated(source: TensorNoise, noise: Tabulated, step: int, increments: Tensor | None) -> Tensor:
    return torch.as_tensor(noise.rows(step, step + 1, 0, len(source.paths))[0], device=source.device)


def _batch_mean(source: TensorNoise, noise: ExampleBatches, step: int, increments: Tensor | None) -> Tensor:
    picked = _PICK[noise.sampling](source, noise, step)
    return noise.weight(noise.size(step)) * source.table[:, picked].sum(dim=1)


_NUMBERS: dict[type, Callable[..., Any]] = {
    GaussianIncrements: _gaussian,
    Signs: _signs,
    ThreePoints: _three_points,
    LevyAreas: _areas,
    Tabulated: _tabulated,
    ExampleBatches: _batch_mean,
}


def _normals(words: Tensor) -> Tensor:
    radius_words, angle_words = words[0::2], words[1::2]
    uniform = ((radius_words << 16 | angle_words & 0xFFFF).double() + 0.5) * 2.0**-48
    radius = torch.sqrt(-2.0 * torch.log(uniform))
    angle = (2.0 * math.pi) * (angle_words.double() * 2.0**-32)
    return torch.stack([radius * torch.sin(angle), radius * torch.cos(angle)], dim=1).reshape(words.shape)


def _with_replacement(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    return source.below(noise, step, torch.full((noise.size(step),), len(noise.table), device=source.device))


def _without_replacement(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    n, picks = len(noise.table), noise.picks(noise.size(step))
    if not picks:
        return torch.empty((0, len(source.paths)), dtype=torch.int64, device=source.device)
    chosen = source.below(noise, step, torch.arange(n - picks + 1, n + 1, device=source.device))
    for i in range(1, picks):
        repeated = (chosen[:i] == chosen[i]).any(dim=0)
        chosen[i] = torch.where(repeated, n - picks + i, chosen[i])
    return chosen


def _reshuffle(source: TensorNoise, noise: ExampleBatches, step: int) -> Tensor:
    n, first, size = len(noise.table), noise.first(step), noise.size(step)
    if first == 0:
        source.order = torch.arange(n, device=source.device)[:, None].repeat(1, len(source.paths))
    places = torch.arange(first, first + size, device=source.device)
    others = places[:, None] + source.below(noise, step, n - places)
    order = source.order
    for place, other in zip(range(first, first + size), others, strict=True):
        dealt = order.gather(0, other[None])
        order.scatter_(0, other[None], order[place][None].clone())
        order[place] = dealt[0]
    return order[first : first + size]


_PICK = {
    "with_replacement": _with_replacement,
    "without_replacement": _without_replacement,
    "reshuffle": _reshuffle,
}
