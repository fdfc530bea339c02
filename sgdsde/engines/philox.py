"""Philox4x32-10: random numbers as a function of a counter and a key, with no state to carry.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. This is the slow and obvious
version that judges the engines' own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = 0xFFFFFFFF

#: Last word of the counter: what the numbers are for.
STREAM_NORMAL, STREAM_BATCH, STREAM_SECOND, STREAM_AREA, STREAM_SIGN, STREAM_THREE, STREAM_MIXED = range(7)
STREAM_OTHER_BATCH, STREAM_UNIFORM = 7, 8

Words = NDArray[np.uint64]


def philox(counter: Sequence[Words | np.uint64], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Four random words (below 2³², held in uint64) for each counter of four words."""
    c0, c1, c2, c3 = np.broadcast_arrays(*counter)
    even, odd = np.array([c0, c2]), np.array([c1, c3])
    ones = (1,) * c0.ndim
    factors = np.array(MULTIPLIERS, np.uint64).reshape(2, *ones)
    for keys in ((np.array(key, np.uint64) + _WEYL_OF_ROUNDS) & _LOW).reshape(ROUNDS, 2, *ones):
        products = (factors * even)[::-1]
        even = products >> _HALF
        even ^= odd
        even ^= keys
        products &= _LOW
        odd = products
    return even[0], odd[0], even[1], odd[1]


_HALF, _LOW = np.uint64(32), np.uint64(MASK)
_WEYL_OF_ROUNDS = np.arange(ROUNDS, dtype=np.uint64)[:, None] * np.array(WEYL, np.uint64)


def key_of(seed: int) -> tuple[int, int]:
    """Two key words of a seed below 2⁶⁴."""
    return seed & MASK, seed >> 32


def words(seed: int, stream: int, group: int, draws: int, paths: Words) -> Words:
    """(4·draws, paths) random words: counter = (group, draw, path, stream and the group's high bits)."""
    draw = np.arange(draws, dtype=np.uint64).reshape(draws, *(1,) * paths.ndim)
    low, high = np.uint64(group & MASK), np.uint64(stream | (group >> 32) << 8)
    return np.stack(philox((low, draw, paths, high), key_of(seed)), axis=1).reshape(4 * draws, *paths.shape)


def layout(numbers: int) -> tuple[int, int]:
    """(steps, draws): how many steps one group of draws serves when each step takes so many numbers."""
    return {1: (4, 1), 2: (2, 1)}.get(numbers, (1, -(-numbers // 4)))


def bits_layout(numbers: int) -> tuple[int, int]:
    """(steps, draws) when each number takes one bit: up to 16 steps share a draw, a power of two of them."""
    steps = 1 << (max(16 // numbers, 1).bit_length() - 1)
    return steps, -(-steps * numbers // 128)


def uniform(word: Words, extension: Words) -> NDArray[np.float64]:
    """Doubles in (0, 1): 32 bits of one word, and below them 16 of another, so that normals reach 8.2σ and not 6.7σ."""
    long = (word << np.uint64(16)) | (extension & np.uint64(0xFFFF))
    return (long.astype(np.float64) + 0.5) * 2.0**-48  # type: ignore[no-any-return]


def normals(four: Words) -> NDArray[np.float64]:
    """Box–Muller: (4n, paths) words → (4n, paths) standard normals; each pair of words is a radius and an angle."""
    radius_words, angle_words = four[0::2], four[1::2]
    radius = np.sqrt(-2.0 * np.log(uniform(radius_words, angle_words)))
    angle = (2.0 * np.pi) * (angle_words.astype(np.float64) * 2.0**-32)
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1).reshape(four.shape)
