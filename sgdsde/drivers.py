"""Drivers of the SDE: what its noise is made of, and how that follows the batches of an epoch.

Batches that know nothing of each other are increments of Brownian motion. Those of one permutation are increments of a
Brownian bridge in the clock of examples seen: with ``f_i = B_i/N`` of an epoch in batch i, the sum of its noise has the
covariance ``N F (f_i δ_ij − f_i f_j)``, which is N F times that of a bridge's increments over f_i. "Epoched Brownian
motion" is a bridge in every epoch, independent between them (Perko, arXiv 2512.04703).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import choice
from sgdsde.clock import overdamped
from sgdsde.config import SAMPLINGS, SGDConfig

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Driver:
    """What drives an SDE.

    Attributes
    ----------
    bridged : bool
        Whether the noise of an epoch adds up to nothing.
    batch_noise : callable
        (sampling, N, B) → c, with which the temperature is T = εc/(1 − m).
    refuses : callable
        (config) → why it does not stand for its batches, or an empty text.
    """

    bridged: bool
    batch_noise: Callable[[str, Any, Any], Any]
    refuses: Callable[[SGDConfig], str]


def _no_bridge(config: SGDConfig) -> str:
    if not config.permuted:
        return "the batches know nothing of each other"
    if config.repeated:
        return "all epochs have the same batches, so that their noise is one bridge over and over, and no new ones"
    if config.remainder and config.drop_last:
        return (
            f"drop_last leaves {config.remainder} of {config.n_examples} examples out of every epoch, whose noise then "
            "does not add up to 0 as a bridge does (drop_last=False, or a batch_size that divides n_examples, has one)"
        )
    return ""


#: By name. A bridge takes away from 1/B what batches of an epoch have in common, 1/N.
DRIVERS: dict[str, Driver] = {
    "brownian": Driver(False, lambda sampling, n, b: SAMPLINGS[sampling].batch_noise(n, b), lambda config: ""),
    "epoched": Driver(True, lambda sampling, n, b: 1 / b, _no_bridge),
}


def driver_of(driver: str | None, config: SGDConfig) -> str:
    """The name of a driver: its own, or for None ``"epoched"`` for permuted batches and ``"brownian"`` for others.

    Raises
    ------
    ValueError
        For a name that does not exist, or ``"epoched"``, also as the default, where an epoch's noise is not a bridge of
        its own: for independent batches, those of ``"shuffle_once"``, and those of which ``drop_last`` leaves some out.

    Examples
    --------
    >>> driver_of(None, SGDConfig(0.1, batch_size=4, n_examples=64, sampling="reshuffle"))
    'epoched'
    """
    if driver is not None:
        choice("driver", driver, DRIVERS, ", or None for the sampling's own")
    chosen = ("epoched" if config.permuted else "brownian") if driver is None else driver
    if why := DRIVERS[chosen].refuses(config):
        raise ValueError(
            f"driver must be 'brownian' for sampling {config.sampling!r} here: {why}; got {driver!r}"
            f"{', which is ' + repr(chosen) if driver is None else ''}"
        )
    return chosen


def temperature(config: SGDConfig, driver: str | None = None) -> float:
    """T of dω = −∇L ds + √(T F) dX: ε/(B(1 − m)) with a bridge, and that of the config with Brownian motion.

    Raises
    ------
    ValueError
        As :func:`driver_of`.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64, sampling="reshuffle")
    >>> temperature(config), config.temperature
    (0.025, 0.0234375)
    """
    c = DRIVERS[driver_of(driver, config)].batch_noise(config.sampling, config.n_examples, config.batch_size)
    return float(overdamped(config.kick, c, config.momentum).temperature)


def check_bridge(driver: str | None, config: SGDConfig, sizes: Any) -> None:
    """ValueError where a bridge would drive batches, (updates,) of sizes or all of one, that do not fill an epoch."""
    if driver is None or not DRIVERS[driver].bridged or not np.ndim(sizes):
        return
    if ((np.cumsum(sizes) - sizes) % config.n_examples + sizes > config.n_examples).any():
        raise ValueError(
            f"driver must be 'brownian' for batch_sizes of which an epoch does not add up to n_examples = "
            f"{config.n_examples}: drop_last leaves the rest out, and the noise does not add up to 0 as a bridge does"
        )


def bridge_numbers(n_examples: int, sizes: NDArray[np.int64], steps: int) -> dict[str, Array]:
    """What each step of a bridge takes, (updates × steps,) by name, for batches of these sizes from an epoch's start.

    In the clock of examples seen, of which an epoch is 1, a step is as long as ``share²`` and begins r before the end.
    With z a standard normal and X the bridge, ζ = keep z − pull X is its increment, in units of Brownian motion's
    deviation, and X + share ζ the next X: ΔX ~ N(−X Δ/r, Δ(r − Δ)/r). An epoch's last step ends at 0.

    Parameters
    ----------
    n_examples : int
        N.
    sizes : (updates,)
        B(k) of updates from the start of an epoch on; they add up to N in every epoch.
    steps : int
        Equal steps of an update.

    Examples
    --------
    >>> {name: found.round(3).tolist() for name, found in bridge_numbers(4, np.array([2, 2]), 1).items()}
    {'keep': [0.707, 0.0], 'pull': [0.707, 1.414], 'share': [0.707, 0.707]}
    """
    unit = math.gcd(n_examples, *np.unique(sizes).tolist())
    sizes, whole = sizes // unit, float(n_examples // unit * steps)
    seen = np.cumsum(sizes) - sizes  # when an update begins
    length = np.repeat(sizes, steps).astype(np.float64)  # in 1/steps of a unit: whole numbers, so that ends are exact
    inside = length * np.tile(np.arange(steps), len(sizes))
    left = whole - np.repeat(seen % (n_examples // unit), steps) * float(steps) - inside
    return dict(zip(("keep", "pull", "share"), bridge_step(length, left, whole), strict=True))


def bridge_step(length: Any, left: Any, whole: Any) -> tuple[Any, Any, Any]:
    """keep, pull and share, as :func:`bridge_numbers`, of a step with so much left of an epoch that is `whole` long."""
    share = np.sqrt(length / whole)
    return np.sqrt((left - length) / left), share * whole / left, share
