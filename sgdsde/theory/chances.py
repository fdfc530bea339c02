"""Where SGD is after so many updates, in one dimension and for the very examples it draws: no SDE in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, positive, real, real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.characteristic import batch_characteristic
from sgdsde.theory.surface import Surface, line_of
from sgdsde.whitened import whitened_examples

Array = NDArray[np.float64]


def sgd_chance_above(
    landscape: Surface,
    config: SGDConfig,
    level: float,
    starts: ArrayLike,
    updates: int,
    *,
    reach: float,
    examples: ArrayLike | None = None,
    points: int = 4096,
) -> Array:
    """P(ω > level) after some updates of SGD, ω ← ω − ε(L' + ξ), in one dimension with a constant F: no SDE in it.

    Parameters
    ----------
    landscape : Landscape
        Of one variable, with the same F everywhere.
    config : SGDConfig
        ε, B, N and the sampling, whose batches must be independent; without momentum and weight decay.
    level : float
        Such as the top of a barrier.
    starts : array_like, (n,)
        Where paths start, within `reach` of the level.
    updates : int
        How many.
    reach : float
        How far from the level paths may come, kicks included: what is further counts as being as far.
    examples : array_like, (N,) or (N, 1), optional
        The whitened examples of :func:`sgdsde.simulate_sgd`. None: ξ is normal.
    points : int
        Of the grid; with a discontinuity at the level the error falls as its spacing squared.

    Returns
    -------
    ndarray, (n,)

    Raises
    ------
    ValueError
        When an argument is not as above.

    Notes
    -----
    The chance as a function of ω is taken back update by update: averaged over ξ by a Fourier transform, then read off
    at ω − εL' by linear interpolation, as if the noise were larger by at most a quarter of the spacing squared.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> config = SGDConfig(0.5, batch_size=1, n_examples=10**9)             # ω ← ω/2 − ξ/2, normal
    >>> sgd_chance_above(Landscape("x**2/2", "x"), config, 0.0, [0.0, 1.0], 1, reach=6.0).round(4)
    array([0.5   , 0.8413])
    """
    config.require_plain("momentum", "weight_decay")
    if config.permuted:
        raise ValueError(f"config must have batches that are independent here, got sampling = {config.sampling!r}")
    level, reach = real("level", level), positive("reach", reach)
    updates, points = integer("updates", updates, 0), integer("points", points, 4, multiple=2)
    at = real_array("starts", starts)
    if at.ndim != 1 or not (np.abs(at - level) < reach).all():
        raise ValueError(f"starts must be numbers within reach = {reach:g} of level = {level:g}, got {starts!r}")
    spacing = 2 * reach / points
    x: Array = np.asarray(spacing * (np.arange(points) - points // 2))  # from the level
    slope, f = line_of(landscape)(level + x)
    if np.ptp(f) > 1e-12 * np.abs(f).max():
        raise ValueError(f"landscape must have the same covariance everywhere, got {f.min():g} to {f.max():g}")
    u: Array = np.asarray(2 * math.pi * np.fft.rfftfreq(points, spacing), np.float64)
    scale = config.kick * math.sqrt(f[0])
    if examples is None:
        kick = np.exp(-config.batch_noise * (scale * u) ** 2 / 2)
    else:
        table = whitened_examples(real_array("examples", examples).reshape(-1, 1), config.n_examples, 1)
        kick = batch_characteristic(table[:, 0], config)(-scale * u)
    place = np.clip((x - config.kick * slope) / spacing + points // 2, 0, points - 1.001)
    low = place.astype(np.int64)
    chance = np.where(x > 0, 1.0, np.where(x < 0, 0.0, 0.5))
    for _ in range(updates):
        # rfft has exp(−iux): E f(x + ξ) multiplies the transform at u by E exp(iuξ).
        averaged = np.fft.irfft(np.fft.rfft(chance) * kick, points)
        chance = averaged[low] * (1 - (place - low)) + averaged[low + 1] * (place - low)
    return np.interp(at - level, x, chance)
