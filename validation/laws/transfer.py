"""Exact laws of SGD in one dimension with a constant F and fresh batches, by characteristic functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: u ↦ E exp(iuξ) of the noise ξ of one update.
Characteristic = Callable[[Array], NDArray[np.complex128]]
#: Series of characteristic functions end where uσ is this: of a normal law nothing is left at a third of it.
FARTHEST = 24.0


def batch_means(table: Array, batch: int) -> Characteristic:
    """The mean of ``batch`` examples drawn with replacement."""
    values, counts = np.unique(table, return_counts=True)

    def characteristic(u: Array) -> NDArray[np.complex128]:
        one = np.exp(1j * np.multiply.outer(u / batch, values)) @ (counts / len(table))
        return np.asarray(one**batch, dtype=np.complex128)

    return characteristic


def normal_noise(variance: float) -> Characteristic:
    """Normal noise of mean 0."""
    return lambda u: np.exp(-variance * u**2 / 2).astype(np.complex128)


def beyond(noise: Characteristic, response: Array, reach: float, deviation: float, levels: Array) -> Array:
    """P(|ω| > level) of ω = Σ_k response_k ξ_k with this standard deviation, where |ω| is at most ``reach``.

    A Fourier series whose period holds both the law and the level is exact but for the terms left out.
    """
    period = reach + float(np.max(levels))
    u: Array = 2 * math.pi / period * np.arange(1.0, math.ceil(FARTHEST / deviation * period / (2 * math.pi)))
    law = np.ones(len(u), np.complex128)
    for weight in response:
        law *= noise(u * weight)
    inside = 2 * levels / period + 4 / period * (np.sin(np.multiply.outer(levels, u)) / u) @ law.real
    return np.asarray(1 - inside)


def chance_above(
    step: Callable[[Array], Array], noise: Characteristic, updates: int, starts: Array, *, width: float, points: int
) -> Array:
    """P(ω > 0) after ``updates`` of ω ← step(ω) + ξ, from each start, for paths that stay within ±``width``.

    The chance as a function of ω is taken back update by update: averaged over ξ by a Fourier transform, then read off
    at step(ω) by linear interpolation, as if the noise were larger by at most a quarter of the spacing squared.
    """
    spacing = 2 * width / points
    x: Array = np.asarray(spacing * (np.arange(points) - points // 2), dtype=np.float64)
    kick = noise(np.asarray(2 * math.pi * np.fft.rfftfreq(points, spacing), dtype=np.float64))
    place = np.clip(step(x) / spacing + points // 2, 0, points - 1.001)
    low = place.astype(np.int64)
    share = place - low
    chance = np.where(x > 0, 1.0, np.where(x < 0, 0.0, 0.5))
    for _ in range(updates):
        # rfft has exp(−iux): E f(x + ξ) multiplies the transform at u by E exp(iuξ).
        averaged = np.fft.irfft(np.fft.rfft(chance) * kick, points)
        chance = averaged[low] * (1 - share) + averaged[low + 1] * share
    return np.interp(starts, x, chance)
