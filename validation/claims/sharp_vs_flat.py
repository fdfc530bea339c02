"""Sharp and wide minima: how long paths stay in each, which is occupied, and what the noise has to do with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

import sgdsde as sg
from sgdsde.escapes import log_odds_of_sides
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.theory import crossing_temperature, eyring_kramers_time, occupancy_ratio
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import occupancy
from validation.escape.occupancy import EXAMPLES, SHARP, TWICE, WIDE, Array, Exit, config_at, top
from validation.escape.sharpness import PAPER_SLOPE, sharpness_checks, sharpness_figure, slope_checks
from validation.measure import series

#: How much deeper the sharp minimum is where the wide one has to win against that.
DEPTH = 0.15
WELLS = {"equal depth": occupancy.wells(0.0), "deeper": occupancy.wells(DEPTH)}
#: Exits end beyond the maximum, where a path does not turn back: start and condition.
EXITS = {"sharp": (SHARP, "x > 0.4"), "wide": (WIDE, "x < -0.7")}
#: Well, model, ε/B and B, 0 for the SDE.
Case = tuple[str, str, float, int]
Checks = dict[Case, Check]


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
    shares, exits, sharpness = {}, {}, {}
    for case in occupied:
        shares[case] = _occupied(context, *case)
        yield shares[case]
    crossed = _crossing_check(shares, size)
    yield crossed
    for case in [(name, *each) for each in escaping for name in EXITS]:
        label = f"mean exit time from the {case[0]} minimum, {_where(*case[1:])}"
        exits[case] = _exit(*case).check(label, size.exit_paths, context, "exit", *case)
        yield exits[case]
    for key, check in sharpness_checks(context, size.exit_paths, size.curvatures, size.quartic_paths, size.quartic):
        sharpness[key] = check
        yield check
    slopes = list(slope_checks(sharpness, size.curvatures))
    yield from slopes
    yield Told(_facts(crossed, slopes[0], max(sgd, key=lambda case: case[1] * case[2])))
    yield Drawing("occupancy", _occupancy_figure(shares))
    yield Drawing("exits", _exit_figure(exits))
    yield Drawing("sharpness", sharpness_figure(sharpness, size.curvatures, size.quartic))


def _facts(crossed: Check, slope: Check, largest: tuple[str, float, int]) -> dict[str, float]:
    laplace = crossing_temperature(WELLS["deeper"], WIDE, SHARP) / config_at(1.0, 1).temperature
    of_sde = occupancy.log_ratio(WELLS["equal depth"], config_at(*largest[1:]).temperature)
    return {
        "exact": crossed.predicted, "found": crossed.measured, "error": crossed.standard_error, "laplace": laplace,
        "off": 100 * (laplace / crossed.predicted - 1), "slope": slope.predicted, "paper": PAPER_SLOPE,
        "shift": _log_ratio("equal depth", *largest) - of_sde, "shift_rate": largest[1] * largest[2],
    }  # fmt: skip


def _where(model: str, ratio: float, batch: int) -> str:
    return f"{model}, ε/B = {ratio:g}" + (f", B = {batch}" if model == "SGD" else "")


def _log_ratio(name: str, model: str, ratio: float, batch: int) -> float:
    config = config_at(ratio, batch)
    if model == "SGD":
        return occupancy.update_log_ratio(WELLS[name], config)
    return occupancy.log_ratio(WELLS[name], config.temperature)


def _occupied(context: Context, name: str, model: str, ratio: float, batch: int) -> Check:
    size, config, seed = context.size, config_at(ratio, batch), context.seed(name.split()[0], model, ratio, batch)
    sgd, sde = {"dynamics": "sgd", "examples": EXAMPLES}, {"scheme": "leimkuhler_matthews", "substeps": 1}
    measured = log_odds_of_sides(
        WELLS[name], config, (SHARP, WIDE), top(WELLS[name]), size.paths, settled=size.settled,
        snapshots=size.snapshots, seed=seed, **(sgd if model == "SGD" else sde),
    )  # fmt: skip
    rivals = {TWICE: occupancy.log_ratio(WELLS[name], 2 * config.temperature)}
    label = f"ln(p_wide/p_sharp), {name}, {_where(model, ratio, batch)}"
    return Check.of(label, _log_ratio(name, model, ratio, batch), measured, rivals, scale=1.0)


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


def _exit(name: str, model: str, ratio: float, batch: int) -> Exit:
    start, stop = EXITS[name]
    return Exit(WELLS["equal depth"], "heun" if model == "SDE" else model, config_at(ratio, batch), start, stop, 2)


def _occupancy_figure(checks: Checks) -> sg.plotting.Figure:
    """Ratio of probabilities, and where it passes 1."""
    fine = _between(checks)
    lines = [
        Line(f"Laplace, {name}", fine, [occupancy_ratio(well, config_at(r).temperature, WIDE, SHARP) for r in fine])
        for name, well in WELLS.items()
    ]
    lines.append(Line("equally likely", [fine[0], fine[-1]], [1.0, 1.0]))
    ratios = {case: _ratio(check) for case, check in checks.items()}
    drawn = list(_series(ratios, lambda case: math.exp(_log_ratio(*case)), lambda case: 1.0))
    return against_theory(
        drawn, "ε/B", "p(wide) / p(sharp)", lines, "linear", "linear", ratio="measured / exact", columns=3
    )


def _ratio(check: Check) -> Check:
    """Of the probabilities, not its logarithm."""
    measured = math.exp(check.measured)
    error = measured * check.standard_error
    return replace(check, predicted=math.exp(check.predicted), measured=measured, standard_error=error)


def _exit_figure(checks: Checks) -> sg.plotting.Figure:
    """Mean exit times in the time of the SDE, updates × ε."""
    fine, well = _between(checks), WELLS["equal depth"]
    lines = [
        Line(
            f"Eyring–Kramers, {name}", fine,
            [eyring_kramers_time(well, config_at(ratio).temperature, [start], [top(well)]) for ratio in fine],
        )
        for name, (start, _) in EXITS.items()
    ]  # fmt: skip
    rate = {case: config_at(*case[2:]).learning_rate for case in checks}
    drawn = _series(checks, lambda case: config_at(*case[2:]).learning_rate * _exit(*case).exact, lambda c: 1 / rate[c])
    y = "mean exit time, updates × ε"
    return against_theory(list(drawn), "ε/B", y, lines, "linear", ratio="measured / exact", columns=2)


def _between(cases: Iterable[Case]) -> list[float]:
    ratios = [case[2] for case in cases]
    return list(np.geomspace(min(ratios), max(ratios), 25).tolist())


def _series(checks: Checks, law: Callable[[Case], float], unit: Callable[[Case], float]) -> Iterator[Series]:
    """A series for each kind of measurement, in its unit, with its law where there are several points."""
    for name, model, batch in dict.fromkeys((name, model, batch) for name, model, _, batch in checks):
        cases = [case for case in checks if case[:2] == (name, model) and case[3] == batch]
        ratios = [case[2] for case in cases]
        fine = np.geomspace(min(ratios), max(ratios), 6 if model == "SGD" else 20).tolist()
        title = name if name in WELLS else f"from the {name} one"
        yield series(
            f"{title}, {model}" + (f", B = {batch}" if batch else ""), ratios, [checks[case] for case in cases], fine,
            [law((name, model, ratio, batch)) for ratio in fine], [unit(case) for case in cases],
        )  # fmt: skip
