"""Random words and normals on tensors: `sgdsde.engines.philox`, many groups of steps in each operation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sgdsde.engines.philox import MASK, MULTIPLIERS, ROUNDS, WEYL, key_of

#: The first rounds know little: two of the four words depend on the path alone or on the group alone until the third.
_NARROW = 2


def _keys(key: tuple[int, int]) -> list[tuple[int, int]]:
    return [((key[0] + i * WEYL[0]) & MASK, (key[1] + i * WEYL[1]) & MASK) for i in range(ROUNDS)]


def _round(counter: tuple[Tensor, ...], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Products wrap, and a mask after the shift mends it."""
    c0, c1, c2, c3 = counter
    p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
    return (p1 >> 32 ^ c1 ^ key[0]) & MASK, p1 & MASK, (p0 >> 32 ^ c3 ^ key[1]) & MASK, p0 & MASK


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Philox4x32-10 on int64 tensors that hold words below 2³²."""
    words: tuple[Tensor, ...] = counter
    for keys in _keys(key):
        words = _round(words, keys)
    return words


def counter_of(groups: Tensor, draws: int, paths: Tensor, stream: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Counters of groups, draws and paths, to be broadcast to (groups, draws, paths)."""
    group = groups[:, None, None]
    draw = torch.arange(draws, device=paths.device)[:, None]
    return group & MASK, draw[None], paths[None, None], group >> 32 << 8 | stream


class Scratch:
    """Tensors by name, handed out again and again: fresh memory costs the CPU more than what is done with it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.kept: dict[str, Tensor] = {}

    def __call__(self, name: str, shape: Sequence[int], dtype: torch.dtype = torch.int64) -> Tensor:
        """With whatever was left in it."""
        found = self.kept.get(name)
        if found is None or found.shape != tuple(shape):
            found = self.kept[name] = torch.empty(tuple(shape), dtype=dtype, device=self.device)
        return found


def group_words(groups: Tensor, draws: int, paths: Tensor, stream: int, seed: int, scratch: Scratch) -> Tensor:
    """(groups, 4·draws, paths) random words, in `scratch` but for the first rounds.

    Words carry what a product left above their 32 bits until it is masked off: half as many masks, and nothing to copy.
    """
    keys = _keys(key_of(seed))
    counter: tuple[Tensor, ...] = counter_of(groups, draws, paths, stream)
    for key in keys[:_NARROW]:
        counter = _round(counter, key)
    shape = len(groups), draws, len(paths)
    c0, c1, c2, c3 = (scratch(f"c{i}", shape).copy_(row) for i, row in enumerate(counter))
    high = scratch("high", shape)
    for k0, k1 in keys[_NARROW:]:
        p0 = c0.bitwise_and_(MASK).mul_(MULTIPLIERS[0])
        p1 = c2.bitwise_and_(MASK).mul_(MULTIPLIERS[1])
        c1.bitwise_xor_(torch.bitwise_right_shift(p1, 32, out=high)).bitwise_xor_(k0)
        c3.bitwise_xor_(torch.bitwise_right_shift(p0, 32, out=high)).bitwise_xor_(k1)
        c0, c1, c2, c3 = c1, p1, c3, p0
    words = scratch("words", (len(groups), draws, 4, len(paths)))
    for row, found in zip(words.unbind(2), (c0, c1, c2, c3), strict=True):
        torch.bitwise_and(found, MASK, out=row)
    return words.flatten(1, 2)


def normals(words: Tensor, scratch: Scratch | None = None, name: str = "normals") -> Tensor:
    """(…, 4n, paths) words, which are lost → as many standard normals, float64; each pair is a radius and an angle.

    They are in `scratch`, under that name.
    """
    scratch = scratch or Scratch(words.device)
    found = scratch(name, words.shape, torch.float64)
    radius_words, angle_words = words[..., 0::2, :], words[..., 1::2, :]
    sines, cosines = found[..., 0::2, :], found[..., 1::2, :]
    angle = scratch("angle", angle_words.shape, found.dtype).copy_(angle_words).mul_(2.0 * math.pi * 2.0**-32)
    cosines.copy_(radius_words.bitwise_left_shift_(16).bitwise_or_(angle_words.bitwise_and_(0xFFFF)))
    radius = cosines.add_(0.5).mul_(2.0**-48).log_().mul_(-2.0).sqrt_()
    torch.sin(angle, out=sines).mul_(radius)
    cosines.mul_(angle.cos_())
    return found
