"""Sharp and wide minima: how long paths stay in each, which is occupied, and what the noise has to do with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sgdsde.escapes import log_odds_of_sides
from sgdsde.theory import crossing_temperature
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import occupancy
from validation.escape.occupancy import EXAMPLES, EXITS, SHARP, TWICE, WELLS, WIDE, Array, Case, Checks, config_at, top
from validation.escape.occupancy_figures import exit_figure, occupancy_figure
from validation.escape.sharpness import PAPER_SLOPE, sharpness_checks, sharpness_figure, slope_checks
from validation.escape.sharpness import Checks as SharpnessChecks


@dataclass(frozen=True)
class Size:
    """Paths, the ε/B of each part, batch sizes of SGD, and curvatures of the minimum: all, and of the quartic.

    Occupancies are from `snapshots`, after `settled` relaxation times; exits on the quartic take most time.
    """

    paths: int
    exit_paths: int
    quartic_paths: int
    equal: tuple[float, ...]
    deeper: tuple[float, ...]
    exits: tuple[float, ...]
    sgd: tuple[float, ...]
    batches: tuple[int, ...]
    curvatures: tuple[float, ...]
    quartic: tuple[float, ...]
    settled: float = 8
    snapshots: int = 24


@claim(Size)
def sharp_vs_flat(context: Context) -> Found:
    size: Size = context.size
    sgd = [("SGD", ratio, batch) for ratio in size.sgd for batch in size.batches]
    occupied: list[Case] = [("equal depth", "SDE", ratio, 0) for ratio in size.equal]
    occupied += [("deeper", "SDE", ratio, 0) for ratio in size.deeper] + [("equal depth", *case) for case in sgd]
    escaping = [("SDE", ratio, 0) for ratio in size.exits] + sgd
    shares: Checks = {}
    exits: Checks = {}
    sharpness: SharpnessChecks = {}
    for case in occupied:
        shares[case] = _occupied(context, *case)
        yield shares[case]
    crossed = _crossing_check(shares, size)
    yield crossed
    for case in [(name, *each) for each in escaping for name in EXITS]:
        label = f"mean exit time from the {case[0]} minimum, {occupancy.where(*case[1:])}"
        exits[case] = occupancy.exit_of(*case).check(label, size.exit_paths, context, "exit", *case)
        yield exits[case]
    for key, check in sharpness_checks(context, size.exit_paths, size.curvatures, size.quartic_paths, size.quartic):
        sharpness[key] = check
        yield check
    slopes = list(slope_checks(sharpness, size.curvatures))
    yield from slopes
    yield Told(_facts(crossed, slopes[0], max(sgd, key=lambda case: case[1] * case[2])))
    yield Drawing("occupancy", occupancy_figure(shares))
    yield Drawing("exits", exit_figure(exits))
    yield Drawing("sharpness", sharpness_figure(sharpness, size.curvatures, size.quartic))


def _facts(crossed: Check, slope: Check, largest: tuple[str, float, int]) -> dict[str, float]:
    laplace = crossing_temperature(WELLS["deeper"], WIDE, SHARP) / config_at(1.0, 1).temperature
    of_sde = occupancy.log_ratio(WELLS["equal depth"], config_at(*largest[1:]).temperature)
    return {
        "exact": crossed.predicted, "found": crossed.measured, "error": crossed.standard_error, "laplace": laplace,
        "off": 100 * (laplace / crossed.predicted - 1), "slope": slope.predicted, "paper": PAPER_SLOPE,
        "shift": occupancy.exact_log_ratio("equal depth", *largest) - of_sde, "shift_rate": largest[1] * largest[2],
    }  # fmt: skip


def _occupied(context: Context, name: str, model: str, ratio: float, batch: int) -> Check:
    size, config, seed = context.size, config_at(ratio, batch), context.seed(name.split()[0], model, ratio, batch)
    sgd: dict[str, Any] = {"dynamics": "sgd", "examples": EXAMPLES}
    sde: dict[str, Any] = {"scheme": "leimkuhler_matthews", "substeps": 1}
    measured = log_odds_of_sides(
        WELLS[name], config, (SHARP, WIDE), top(WELLS[name]), size.paths, settled=size.settled,
        snapshots=size.snapshots, seed=seed, **(sgd if model == "SGD" else sde),
    )  # fmt: skip
    rivals = {TWICE: occupancy.log_ratio(WELLS[name], 2 * config.temperature)}
    label = f"ln(p_wide/p_sharp), {name}, {occupancy.where(model, ratio, batch)}"
    return Check.of(label, occupancy.exact_log_ratio(name, model, ratio, batch), measured, rivals, scale=1.0)


def _crossing_check(checks: Checks, size: Size) -> Check:
    """In ε/B, to which T is proportional."""
    found = [checks["deeper", "SDE", ratio, 0] for ratio in size.deeper]
    x, errors = np.log(size.deeper), np.array([check.standard_error for check in found])
    root, scatter = _crossed(x, np.array([check.measured for check in found]), errors)
    per_ratio = config_at(1.0, 1).temperature
    exact = occupancy.crossing(WELLS["deeper"], (size.deeper[0] * per_ratio, size.deeper[-1] * per_ratio)) / per_ratio
    curved = math.exp(occupancy.fitted_root(x, np.array([check.predicted for check in found]), errors)[0]) - exact
    return Check(
        "ε/B beyond which the wide minimum wins", exact, math.exp(root), math.exp(root) * scatter, {TWICE: exact / 2},
        rounding=abs(curved),  # of the parabola through the exact log ratios
    )  # fmt: skip


def _crossed(x: Array, y: Array, errors: Array) -> tuple[float, float]:
    """Where y passes zero, or the end of x that is nearest to that."""
    try:
        return occupancy.fitted_root(x, y, errors)
    except ValueError:
        nearest = int(np.abs(y).argmin())
        return float(x[nearest]), float(errors[nearest] / abs(np.polyfit(x, y, 1)[0]))
