"""Up to the learning rate at which SGD diverges, and beyond: the exact law holds, the SDE's does not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.ensemble import DivergenceWarning
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.simulate import StabilityWarning
from sgdsde.statistics import mean
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check, series, whole

BATCH, N, CURVATURE, NOISE = 8, 64, 1.0, 1.0
BOWL = sg.landscapes.quadratic(h=CURVATURE, f=NOISE)
#: The SDE is worth rejecting where it is off by more than this.
FAILURE = 0.1
#: e-foldings of the second moment beyond the limit: after these nothing but the fastest mode is left; and overflow.
GROWN, OVERFLOWN = 23, 1500
#: T F/2 in the double well, a fifth of the barrier, whatever ε: there the SDE has one law for all ε.
TEMPERATURE = 0.05
#: Time to settle in a well and to average, between snapshots, and the longest step of the SDE; curvature there is 2.
SETTLING, BETWEEN, LONGEST_STEP = 5.0, 0.5, 0.02


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset. Learning rates in units of the limit; in the double well, as they are."""

    paths: int
    below: tuple[float, ...]
    above: tuple[float, ...]
    momenta: tuple[float, ...]
    wells: tuple[float, ...]


@claim(Size)
def large_learning_rate(context: Context) -> Found:
    size: Size = context.size
    points: list[Series] = []
    for m in size.momenta:
        found = []
        for x in size.below:
            found.append((yield from _settled(context, x, m)))
        for x in size.above:
            yield from _diverging(context, x, m)
        fine = np.linspace(min(size.below), max(size.below), 400)
        sde = np.array([check.rivals["the SDE"] for check in found])
        points.append(series(f"quadratic minimum, m = {m:g}", size.below, found, fine, 1 / (1 - fine), sde))
    wells = []
    for rate in size.wells:
        wells.append(_double_well(context, rate, "SGD"))
        yield wells[-1]
    yield _double_well(context, size.wells[0], "SDE")
    lost = "In the double well at ε = {:g} SGD's mean loss above the minimum is {:.3f} ± {:.3f} times the SDE's."
    ratio, error = (np.array([getattr(c, of) / c.predicted for c in wells]) for of in ("measured", "standard_error"))
    notes = tuple(lost.format(*row) for row in zip(size.wells, ratio, error, strict=True))
    yield Told({"b": BATCH, "n": N, "grown": GROWN, "temperature": TEMPERATURE}, notes)
    rates = np.array(size.wells)  # x = ε h/2 with h = 2 at the minima
    name = "double well, mean loss (no exact law; ratio to 1/(1 − x))"
    points.append(Series(name, rates, ratio, error, 1 / (1 - rates)))
    figure = against_theory(
        points, "x = εh / (2(1 + m))   (1: SGD diverges)", "SGD / SDE", [Line("SDE", [0.0, 1.0], [1.0, 1.0])],
        x_scale="linear", ratio="measured / law", columns=2,
    )  # fmt: skip
    yield Drawing("limit", figure)


def _config(x: float, m: float) -> sg.SGDConfig:
    return sg.SGDConfig(x * 2 * (1 + m) / CURVATURE, BATCH, N, m)


def _settled(context: Context, x: float, m: float) -> Generator[Check, None, Check]:
    """Variance below the limit, against SGD's law and the SDE's."""
    config, law = _config(x, m), sg.theory.stationary_covariance
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
    settled = max(1, math.ceil(8 * decay))  # at εh = 1 an update forgets all
    last, seed = settled + max(1, math.ceil(4 * decay)), context.seed("below", x, m)
    run = sg.simulate_sgd(BOWL, config, [0.0], last, context.size.paths, seed=seed, burn_in=settled)
    exact, sde = (float(law(CURVATURE, NOISE, config, dynamics=model)[0, 0]) for model in ("sgd", "sde"))
    where = f"εh = {config.learning_rate * CURVATURE:g}, m = {m:g}"
    check = covariance_check(f"Var ω, {where}", run, exact, {"the SDE": sde})
    yield check
    if 1 / (1 - x) - 1 > FAILURE:
        yield covariance_check(f"Var ω is the SDE's, {where}", run, sde, {})
    return check


def _diverging(context: Context, x: float, m: float) -> Found:
    """Growth of the second moment beyond the limit, and whether any path survives."""
    config, paths = _config(x, m), context.size.paths
    growth = -2 / sg.theory.relaxation_time(CURVATURE, config)
    half, end = math.ceil(GROWN / growth), math.ceil(OVERFLOWN / growth)
    with warnings.catch_warnings():
        for expected in (StabilityWarning, DivergenceWarning):
            warnings.simplefilter("ignore", expected)
        seed = context.seed("above", x, m)
        run = sg.simulate_sgd(BOWL, config, [0.0], 2 * half, paths, seed=seed, save_every=half)
        few = sg.simulate_sgd(BOWL, config, [0.0], end, 1000, seed=context.seed("overflow", x, m))
    early, late = whole(run).snapshots[1:, :, 0] ** 2
    # Early and late squares are nearly proportional: what counts is the spread of their difference.
    spread = mean(late / late.mean() - early / early.mean()).standard_error
    where = f"εh = {x * 2 * (1 + m):g}, m = {m:g}"
    yield Check(
        f"growth of ln E ω² per update, {where}",
        growth,
        math.log(late.mean() / early.mean()) / half,
        float(spread) / half,
        {"no growth": 0.0},
        rounding=1e-9 * growth,  # what is left of the other mode and of later noise
    )
    yield Check(f"paths lost after {end} updates, {where}", 1.0, few.diverged / few.paths, 0.0, {"none lost": 0.0})


def _double_well(context: Context, rate: float, model: str) -> Check:
    """Mean loss above the minimum in a double well of fixed temperature; half of the paths start in each."""
    paths, config = context.size.paths, sg.SGDConfig(rate, BATCH, N)
    well = sg.landscapes.double_well(f=2 * TEMPERATURE / config.temperature)
    start = np.where(np.arange(paths) % 2, 1.0, -1.0)[:, None]
    every, seed = math.ceil(BETWEEN / rate), context.seed("well", model, rate)
    first = math.ceil(SETTLING / (every * rate))
    last = 3 * first * every
    if model == "SGD":
        run = sg.simulate_sgd(well, config, start, last, paths, seed=seed, save_every=every)
    else:
        run = sg.simulate_sde(
            well, config, start, last, paths, scheme="leimkuhler_matthews",
            substeps=math.ceil(rate / LONGEST_STEP), seed=seed, save_every=every,
        )  # fmt: skip
    loss = mean(_loss(whole(run).snapshots[first:, :, 0]).mean(axis=0))
    above = _loss(np.linspace(-4, 4, 4001))
    law = float(np.average(above, weights=np.exp(-above / TEMPERATURE)))
    rivals = {} if model == "SGD" else {"a bowl's factor 1/(1 − ε)": law / (1 - rate)}
    said = " is the SDE’s" if model == "SGD" else ""
    return Check.of(f"mean loss of {model} in a double well{said}, ε = {rate:g}", law, loss, rivals)


def _loss(w: np.ndarray) -> np.ndarray:
    """The loss of the double well above its minimum."""
    return np.asarray((w**2 - 1) ** 2 / 4)
