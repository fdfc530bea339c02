"""The arguments of a study of escapes, checked before any work."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integers, real_array
from sgdsde.config import SGDConfig
from sgdsde.dynamics import all_rules, find, limits
from sgdsde.dynamics.pairs import NAMED
from sgdsde.landscapes import Landscape
from sgdsde.regions import Region, parse_regions
from sgdsde.schemes import Declaration
from sgdsde.schemes.registry import EQUATIONS

Array = NDArray[np.float64]

#: What is run without and with momentum.
USUAL, WITH_MOMENTUM = ("sde", "sgd"), ("sde", "momentum_sde", "sgd")


def start_outside(
    landscape: Landscape, w0: ArrayLike, stop: str | Mapping[str, str]
) -> tuple[Array, tuple[Region, ...]]:
    """The start (d,) and the regions of `stop`; ValueError when it is in one of them."""
    at = landscape.point(w0, "w0")
    regions = parse_regions(stop, [*landscape.variables, *landscape.parameters])
    for region in regions:
        if landscape.holds(region, at):
            raise ValueError(f"w0 must be outside of stop, where paths end; {region.condition} at {at.tolist()}")
    return at, regions


def noise_scales(config: SGDConfig, batch_sizes: Any) -> tuple[SGDConfig, ...]:
    """One config for each batch size, ascending; ValueError where one leaves no noise."""
    if batch_sizes is None:
        name, sizes = "batch_size", [config.batch_size]
    else:
        name, sizes = "batch_sizes", sorted(set(integers("batch_sizes", batch_sizes, 1)))
        if not sizes:
            raise ValueError("batch_sizes must hold at least one, got none")
    found = []
    for size in sizes:
        try:
            found.append(replace(config, batch_size=size))
        except ValueError as error:
            raise ValueError(str(error).replace("batch_size", name, 1)) from None
        if not found[-1].temperature > 0:
            raise ValueError(f"{name} must leave SGD some noise; batches of {size} are all examples: T = 0")
    return tuple(found)


def dynamics_to_run(config: SGDConfig, dynamics: Any, schemes: Mapping[str, str] | None) -> tuple[Declaration, ...]:
    """What is run: schemes of SDEs and maps of rules; by default the SDE, the momentum SDE if there is one, and SGD."""
    if dynamics is None:
        dynamics = WITH_MOMENTUM if config.momentum else USUAL
    if isinstance(dynamics, str) or not isinstance(dynamics, Sequence) or not dynamics:
        raise ValueError(f"dynamics must be a sequence of names such as {USUAL}, got {dynamics!r}")
    own = dict(schemes or {})
    if unknown := [name for name in own if name not in dynamics or name not in limits.LIMITS]:
        raise ValueError(f"schemes must be by the names of SDEs among dynamics, got {unknown[0]!r}")
    found = []
    for name in dict.fromkeys(dynamics):
        try:
            if name in limits.LIMITS:
                found.append(limits.find(name, own.get(name))[1])
            else:
                found.append(find(name, config).declaration())
        except ValueError as error:
            known = ", ".join([*limits.LIMITS, *sorted(all_rules()), *sorted(NAMED)])
            raise ValueError(
                re.sub("^dynamics must be one of .*, got", f"each of dynamics must be one of {known}, got", str(error))
            ) from None
    return tuple(found)


def has_theory(run: Declaration) -> bool:
    """Whether theory, that of the overdamped SDE, is for it: the SDE, with momentum too, or a rule that tends to it."""
    return "sde" in all_rules()[run.key[0]].sdes if run.interpretation == "update" else run.equation in EQUATIONS


def box_around_start(landscape: Landscape, box: ArrayLike | None, at: Array) -> Array | None:
    """The box (2, 2), if one is given; ValueError unless it is one and holds the start."""
    if box is None:
        return None
    if landscape.dimension != 2:
        raise ValueError(f"box is for landscapes of two variables, and this one has {landscape.dimension}")
    try:
        ends = real_array("box", box)
    except ValueError:
        ends = np.empty(0)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or not ((ends[:, 0] < at) & (at < ends[:, 1])).all():
        raise ValueError(f"box must be two pairs (low, high) around w0 = {at.tolist()}, got {box!r}")
    return ends
