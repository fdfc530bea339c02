"""Where theory fails: one permutation per epoch, as practitioners run SGD, has much less noise than the SDE says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check, whole

N, CURVATURE, NOISE = 64, 1.0, 64 / 63
#: A case is worth rejecting the SDE in when it is off by more than this.
FAILURE = 0.1
HEADLINE = (0.1, 4, 0.0)
Case = tuple[float, int, float]


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    cases: tuple[Case, ...]  # ε, B, m

    def plan(self, seconds: float) -> Plan:
        return Plan(sum(3 + _fails(case) for case in self.cases), seconds, self)


def _config(case: Case, sampling: str = "reshuffle") -> sg.SGDConfig:
    return sg.SGDConfig(case[0], case[1], N, momentum=case[2], sampling=sampling)


def _law(config: sg.SGDConfig, model: str = "sgd", position: str = "average") -> float:
    return float(sg.theory.stationary_covariance(CURVATURE, NOISE, config, model=model, position=position)[0, 0])


def _over(case: Case, position: str = "average") -> float:
    """The exact factor by which the SDE's variance exceeds that of SGD with reshuffling."""
    return _law(_config(case), "sde") / _law(_config(case), position=position)


def _fails(case: Case) -> bool:
    return abs(_over(case) - 1) > FAILURE


def _cases(*series: tuple[tuple[float, ...], int, float]) -> tuple[Case, ...]:
    return tuple((rate, batch, m) for rates, batch, m in series for rate in rates)


@claim(
    title="With reshuffling the SDE is wrong, and the law of the epoch is right",
    statement=(
        "Drawn from one permutation per epoch, the batches of an epoch sum to the full gradient: what one batch "
        "adds, the others take back. SGD then spreads less than the SDE says whenever an epoch is short on the "
        "scale of the curvature (εhN/B small): by a factor 2.3 at ε = 0.1, B = 4, N = 64, and without bound as ε "
        "falls. The exact law of the epoch predicts the spread; the SDE is rejected."
    ),
    formula="⟨αᵢ αⱼ⟩ = N(N/B − 1)F  for i = j,   −N F  for two batches of one epoch",
    source="against Smith & Le, arXiv 1710.06451, eq. 4; exact law from the discrete Lyapunov equation of one epoch",
    control="the batches of an epoch taken as independent",
    plans={
        "smoke": Size(4_000, (HEADLINE,)).plan(1),
        "quick": Size(
            60_000,
            _cases(
                ((0.0125, 0.025, 0.05, 0.1, 0.2, 0.4), 4, 0.0),
                ((0.05, 0.1, 0.2, 0.4), 16, 0.0),
                ((0.00625, 0.0125, 0.025, 0.05), 4, 0.9),
            ),
        ).plan(11),
        "full": Size(
            1_000_000,
            _cases(
                ((0.003, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6), 4, 0.0),
                ((0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6), 16, 0.0),
                ((0.003, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4), 4, 0.9),
            ),
        ).plan(1800),
    },
)
def reshuffling(context: Context) -> Finding:
    size: Size = context.size
    checks: dict[tuple[str, Case], Check] = {}
    for done, case in enumerate(size.cases):
        context.progress(done / len(size.cases))
        checks |= _measure(context, case)
    return Finding(
        tuple(checks.values()),
        headline=checks["average", HEADLINE].label,
        pictures=(_picture(checks, size),),
        method=(
            f"{size.paths:,} independent paths per case in a quadratic minimum (h = {CURVATURE:g}, N = {N}, F = N/(N "
            "− 1)), each example exactly once an epoch. Variances are taken after the transient has decayed by e⁸, "
            "over whole epochs and, in a second simulation, at the ends of epochs only. Fresh batches, drawn "
            "without replacement each time, are measured beside them."
        ),
    )


def _measure(context: Context, case: Case) -> dict[tuple[str, Case], Check]:
    landscape = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)
    config, fresh = _config(case), _config(case, "without_replacement")
    sde, paths, epoch = _law(config, "sde"), context.size.paths, N // config.batch_size
    decay = (1 - config.momentum) / (2 * config.learning_rate * CURVATURE) + 1 / (1 - config.momentum)
    settled = epoch * math.ceil(8 * decay / epoch)
    whole_epochs = settled + epoch * math.ceil(2 * decay / epoch)
    runs = {
        "average": (config, whole_epochs, settled),
        "end": (config, settled, settled - 1),
        "fresh": (fresh, whole_epochs, settled),
    }
    found = {
        name: whole(
            sg.simulate_sgd(landscape, of, [0.0], updates, paths, seed=context.seed(name, *case), burn_in=burn_in)
        )
        for name, (of, updates, burn_in) in runs.items()
    }
    where = f"ε = {case[0]:g}, B = {case[1]}, m = {case[2]:g}"
    independent = _law(fresh)
    factor, error = _ratio(sde, found["average"])
    checks = {
        "average": Check(f"SDE ÷ SGD, {where}", _over(case), factor, error, sde / independent),
        "end": covariance_check(
            f"Var at epoch ends, {where}", found["end"], _law(config, position="epoch_end"), independent
        ),
        "fresh": covariance_check(f"Var with fresh batches, {where}", found["fresh"], independent, independent),
    }
    if _fails(case):
        checks["sde"] = Check(f"the SDE's own claim, SDE ÷ SGD = 1, {where}", 1.0, factor, error, 1.0, "different")
    return {(name, case): check for name, check in checks.items()}


def _ratio(sde: float, ensemble: sg.Ensemble) -> tuple[float, float]:
    variance, error = float(ensemble.covariance[0, 0]), float(ensemble.standard_error.covariance[0, 0])
    return sde / variance, sde / variance * error / variance


def _picture(checks: dict[tuple[str, Case], Check], size: Size) -> Picture:
    """Variance in units of the SDE's, against the length of an epoch on the scale of the curvature."""
    series = []
    for batch, m in dict.fromkeys((case[1], case[2]) for case in size.cases):
        cases = [case for case in size.cases if case[1:] == (batch, m)]
        rates = np.array([case[0] for case in cases])
        fine = np.geomspace(rates.min(), rates.max(), 60)
        unit = CURVATURE * N / batch / (1 - m)
        found = [checks["average", case] for case in cases]
        series.append(
            Series(
                f"reshuffled, B = {batch}, m = {m:g}",
                rates * unit,
                [1 / check.measured for check in found],
                [check.standard_error / check.measured**2 for check in found],
                [1 / check.predicted for check in found],
                fine * unit,
                [1 / _over((float(rate), batch, m)) for rate in fine],
            )
        )
        if m == 0:
            fresh = [checks["fresh", case] for case in cases]
            sde = [_law(_config(case), "sde") for case in cases]
            series.append(
                Series(
                    f"fresh batches, B = {batch}",
                    rates * unit,
                    [check.measured / one for check, one in zip(fresh, sde, strict=True)],
                    [check.standard_error / one for check, one in zip(fresh, sde, strict=True)],
                    [check.predicted / one for check, one in zip(fresh, sde, strict=True)],
                    fine * unit,
                    1 / (1 - fine * CURVATURE / 2),
                )
            )
    ends = [min(np.min(item.x) for item in series), max(np.max(item.x) for item in series)]
    figure = against_theory(
        series,
        "εhN / (B(1 − m))   (curvature × SDE time of one epoch)",
        "Var ω / Var of the SDE",
        [Line("SDE", ends, [1.0, 1.0])],
        ratio="measured / exact law",
    )
    caption = (
        "Stationary variance averaged over the epoch, in units of the SDE's. Lines are the exact laws. Fresh "
        "batches stay near the SDE; reshuffled ones fall far below it when an epoch is short. Bars are one standard "
        "error."
    )
    alt = "Reshuffled SGD lies on its exact law, far below the SDE at small εhN/B; fresh batches lie near the SDE."
    return Picture("epoch", caption, alt, figure)
