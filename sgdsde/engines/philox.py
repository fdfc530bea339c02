"""Philox4x32-10: random numbers as a function of a counter and a key, with no state to carry.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. This is the slow and obvious
version that judges the engines' own.
"""

from __future__ import annotations

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


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Four random words (below 2³², held in uint64) for each counter of four words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    mask, half = np.uint64(MASK), np.uint64(32)
    for _ in range(ROUNDS):
        p0, p1 = np.uint64(MULTIPLIERS[0]) * c0, np.uint64(MULTIPLIERS[1]) * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def key_of(seed: int) -> tuple[int, int]:
    """Two key words of a seed below 2⁶⁴."""
    return seed & MASK, seed >> 32


def words(seed: int, stream: int, group: int, draws: int, paths: Words) -> Words:
    """(4·draws, paths) random words: counter = (group, draw, path, stream and the group's high bits)."""
    shape = paths.shape
    high = np.full(shape, stream | (group >> 32) << 8, np.uint64)
    low = np.full(shape, group & MASK, np.uint64)
    rows = [philox((low, np.full(shape, draw, np.uint64), paths, high), key_of(seed)) for draw in range(draws)]
    return np.array([word for row in rows for word in row], np.uint64).reshape(4 * draws, *shape)


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
