"""Up to the learning rate at which SGD diverges, and beyond: the exact law holds, the SDE's does not."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.ensemble import DivergenceWarning
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.simulate import StabilityWarning
from sgdsde.statistics import mean
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.escape.double_well import TEMPERATURE, double_well_checks
from validation.measure import covariance_check, whole
from validation.sizes import plans

BATCH, N, CURVATURE, NOISE = 8, 64, 1.0, 1.0
#: The SDE is worth rejecting where it is off by more than this.
FAILURE = 0.1
#: e-foldings of the second moment beyond the limit: after these nothing but the fastest mode is left; and overflow.
GROWN, OVERFLOWN = 23, 1500
Checks = dict[tuple[str, float, float], Check]


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset. Learning rates in units of the limit; in the double well, as they are."""

    paths: int
    below: tuple[float, ...]
    above: tuple[float, ...]
    momenta: tuple[float, ...]
    wells: tuple[float, ...]

    def plan(self, seconds: float) -> Plan:
        each = sum(1 + _fails(x) for x in self.below) + 2 * len(self.above)
        return Plan(each * len(self.momenta) + len(self.wells) + 1, seconds, self)


def _fails(x: float) -> bool:
    return 1 / (1 - x) - 1 > FAILURE


@claim(
    title="At large learning rates the exact law holds up to the limit, and the SDE does not",
    statement=(
        "In a quadratic minimum SGD spreads 1/(1 − x) times as wide as the SDE says, x = εh/(2(1 + m)), up to x = 1, "
        "where it ceases to settle: 50 times at x = 0.98. Beyond, the second moment grows by the largest eigenvalue of "
        "its exact map at every update, until no path is left, where the SDE is as stable as ever. In a double well "
        "whose temperature is held fixed the SDE says the same for every ε, and SGD leaves it as ε grows."
    ),
    formula="Var ω = T F/(2h) · 1/(1 − x),   x = εh/(2(1 + m)) < 1;    E ω² ∝ ρ(M)²ᵏ for x > 1",
    source="exact law from the discrete Lyapunov equation; stability limit: Polyak 1964; against Smith & Le, eq. 4",
    plans=plans("large_learning_rate", Size),
)
def large_learning_rate(context: Context) -> Finding:
    size: Size = context.size
    checks: Checks = {}
    for m in size.momenta:
        for x in size.below:
            checks |= _settled(context, x, m)
        for x in size.above:
            checks |= _diverging(context, x, m)
        context.progress(0.7 * (1 + size.momenta.index(m)) / len(size.momenta))
    wells = double_well_checks(context, size.wells, size.paths)
    return Finding(
        (*checks.values(), *wells.values()),
        headline=checks["SGD", 0.9, size.momenta[0]].label,
        pictures=(_picture(checks, wells, size),),
        method=(
            f"{size.paths:,} independent paths for each ε and m, B = {BATCH}, N = {N}, F constant, batches drawn "
            "afresh without replacement; variances after the transient has decayed by e⁸. Beyond the limit the growth "
            f"of E ω² is taken over {GROWN} e-foldings, after as many. In the double well L = ω⁴/4 − ω²/2 F is chosen "
            f"so that T F/2 = {TEMPERATURE:g}; half of the paths start in each well, and the mean loss above the "
            "minimum is held against its average over the SDE's stationary density exp(−2L/(T F))."
        ),
        notes=tuple(
            f"In the double well at ε = {rate:g} SGD's mean loss above the minimum is "
            f"{wells['well', rate].ratio:.3f} ± {_relative(wells['well', rate]):.3f} times the SDE's."
            for rate in size.wells
        ),
    )


def _relative(check: Check) -> float:
    return check.standard_error / abs(check.predicted)


def _config(x: float, m: float) -> sg.SGDConfig:
    return sg.SGDConfig(x * 2 * (1 + m) / CURVATURE, BATCH, N, momentum=m)


def _bowl() -> sg.Landscape:
    return sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)


def _settled(context: Context, x: float, m: float) -> Checks:
    """Variance below the limit, against SGD's law and the SDE's."""
    config, law = _config(x, m), sg.theory.stationary_covariance
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
    settled = max(1, math.ceil(8 * decay))  # at εh = 1 an update forgets all
    updates, seed = settled + max(1, math.ceil(4 * decay)), context.seed("below", x, m)
    run = sg.simulate_sgd(_bowl(), config, [0.0], updates, context.size.paths, seed=seed, burn_in=settled)
    exact, sde = (float(law(CURVATURE, NOISE, config, dynamics=model)[0, 0]) for model in ("sgd", "sde"))
    where = f"εh = {config.learning_rate * CURVATURE:g}, m = {m:g}"
    found = {("SGD", x, m): covariance_check(f"Var ω, {where}", run, exact, {"the SDE": sde})}
    if _fails(x):
        found["SDE", x, m] = covariance_check(f"Var ω is the SDE's, {where}", run, sde, {})
    return found


def _diverging(context: Context, x: float, m: float) -> Checks:
    """Growth of the second moment beyond the limit, and whether any path survives."""
    config, p = _config(x, m), x * 2 * (1 + m)
    growth = -2 / sg.theory.relaxation_time(CURVATURE, config)
    half, end = math.ceil(GROWN / growth), math.ceil(OVERFLOWN / growth)
    with warnings.catch_warnings():
        for expected in (StabilityWarning, DivergenceWarning):
            warnings.simplefilter("ignore", expected)
        run = sg.simulate_sgd(
            _bowl(), config, [0.0], 2 * half, context.size.paths, seed=context.seed("above", x, m), save_every=half
        )
        few = sg.simulate_sgd(_bowl(), config, [0.0], end, 1000, seed=context.seed("overflow", x, m))
    early, late = whole(run).snapshots[1:, :, 0] ** 2
    # Early and late squares are nearly proportional: what counts is the spread of their difference.
    spread = mean(late / late.mean() - early / early.mean()).standard_error
    where = f"εh = {p:g}, m = {m:g}"
    return {
        ("growth", x, m): Check(
            f"growth of ln E ω² per update, {where}",
            growth,
            math.log(late.mean() / early.mean()) / half,
            float(spread) / half,
            {"no growth": 0.0},
            rounding=1e-9 * growth,  # what is left of the other mode and of later noise
        ),
        ("lost", x, m): Check(
            f"paths lost after {end} updates, {where}", 1.0, few.diverged / few.paths, 0.0, {"none lost": 0.0}
        ),
    }


def _picture(checks: Checks, wells: dict[tuple[str, float], Check], size: Size) -> Picture:
    """SGD in units of the SDE, in the bowl and in the double well."""
    series = []
    for m in size.momenta:
        found = [checks["SGD", x, m] for x in size.below]
        unit = np.array([check.rivals["the SDE"] for check in found])  # the SDE's variance
        fine = np.linspace(min(size.below), max(size.below), 400)
        series.append(
            Series(
                f"quadratic minimum, m = {m:g}",
                size.below,
                [check.measured for check in found] / unit,
                [check.standard_error for check in found] / unit,
                [check.predicted for check in found] / unit,
                fine,
                1 / (1 - fine),
            )
        )
    found = [wells["well", rate] for rate in size.wells]
    ratio, error = [check.ratio for check in found], [_relative(check) for check in found]
    rates = np.array(size.wells)  # x = ε h/2 with h = 2 at the minima
    series.append(
        Series("double well, mean loss (no exact law; ratio to 1/(1 − x))", rates, ratio, error, 1 / (1 - rates))
    )
    figure = against_theory(
        series,
        "x = εh / (2(1 + m))   (1: SGD diverges)",
        "SGD / SDE",
        [Line("SDE", [0.0, 1.0], [1.0, 1.0])],
        x_scale="linear",
        ratio="measured / law",
        columns=2,
    )
    caption = (
        "What SGD spreads in units of what the SDE says, up to the learning rate at which it diverges. The line is the "
        "exact law of a quadratic minimum, 1/(1 − x). In the double well, at a temperature held fixed, mean losses are "
        "compared; the law of its quadratic minima, h = 2, is only a guide there. Bars are one standard error."
    )
    alt = "Points follow 1/(1 − x) from 1 to 50; in the double well too SGD rises above the SDE with the learning rate."
    return Picture("limit", caption, alt, figure)
