"""Where theory fails: one permutation per epoch, as practitioners run SGD, has much less noise than Brownian motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check, whole
from validation.sizes import plans

CURVATURE = 1.0
INDEPENDENT = "batches of an epoch independent"
#: A case is worth rejecting the SDE in when it is off by more than this.
FAILURE = 0.1


class Case(NamedTuple):
    """Sizes of one simulation; ``length`` is εhN/B, an epoch on the scale of the curvature without momentum."""

    length: float
    batch: int
    examples: int
    momentum: float

    def config(self, sampling: str = "reshuffle") -> sg.SGDConfig:
        rate = self.length * self.batch / self.examples / CURVATURE
        return sg.SGDConfig(rate, self.batch, self.examples, momentum=self.momentum, sampling=sampling)

    @property
    def noise(self) -> float:
        """F when the examples' gradients have the population variance 1."""
        return self.examples / (self.examples - 1)

    def __str__(self) -> str:
        rate = self.config().learning_rate
        return f"εhN/B = {self.length:g}: ε = {rate:.3g}, B = {self.batch}, N = {self.examples}, m = {self.momentum:g}"


#: ε = 0.1, B = 4, N = 64: the example of the theory sheet.
HEADLINE = Case(1.6, 4, 64, 0.0)


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    cases: tuple[Case, ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(sum(3 + _fails(case) for case in self.cases), seconds, self)


def _law(case: Case, sampling: str = "reshuffle", dynamics: str = "sgd", position: str = "average") -> float:
    law = sg.theory.stationary_covariance
    config = case.config(sampling)
    return float(law(CURVATURE, case.noise, config, dynamics=dynamics, position=position, driver="brownian")[0, 0])


def _over(case: Case, position: str = "average") -> float:
    """The exact factor by which the SDE's variance exceeds that of SGD with reshuffling."""
    return _law(case, dynamics="sde") / _law(case, position=position)


def _fails(case: Case) -> bool:
    return abs(_over(case) - 1) > FAILURE


def _cases(*series: tuple[tuple[float, ...], int, int, float]) -> tuple[Case, ...]:
    return tuple(Case(length, batch, n, m) for lengths, batch, n, m in series for length in lengths)


@claim(
    title="With reshuffling the SDE is wrong, and the law of the epoch is right",
    statement=(
        "Drawn from one permutation per epoch, the batches of an epoch sum to the full gradient: what one batch "
        "adds, the others take back. SGD then spreads less than the SDE says whenever an epoch is short on the "
        "scale of the curvature (εhN/B small): by a factor 2.3 at ε = 0.1, B = 4, N = 64, and without bound as ε "
        "falls: 240 at ε = 0.0025, B = 4, N = 16. The exact law of the epoch predicts the spread; the SDE of Brownian "
        "motion is rejected."
    ),
    formula="⟨αᵢ αⱼ⟩ = N(N/B − 1)F  for i = j,   −N F  for two batches of one epoch",
    source="against Smith & Le, arXiv 1710.06451, eq. 4; exact law from the discrete Lyapunov equation of one epoch",
    plans=plans("reshuffling", Size),
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
            f"{size.paths:,} independent paths per case in a quadratic minimum (h = {CURVATURE:g}, F = N/(N − 1)), "
            "each example exactly once an epoch. Variances are taken after the transient has decayed by e⁸, "
            "over whole epochs and, in a second simulation, at the ends of epochs only. Fresh batches, drawn "
            "without replacement each time, are measured beside them."
        ),
    )


def _measure(context: Context, case: Case) -> dict[tuple[str, Case], Check]:
    landscape = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=case.noise)
    config, fresh = case.config(), case.config("without_replacement")
    sde, independent = _law(case, dynamics="sde"), _law(case, "without_replacement")
    paths, epoch = context.size.paths, case.examples // case.batch
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
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
    factor, error = _ratio(sde, found["average"])
    checks = {
        "average": Check(f"SDE ÷ SGD, {case}", _over(case), factor, error, {INDEPENDENT: sde / independent}),
        "end": covariance_check(
            f"Var at epoch ends, {case}", found["end"], _law(case, position="epoch_end"), {INDEPENDENT: independent}
        ),
        "fresh": covariance_check(f"Var with fresh batches, {case}", found["fresh"], independent, {}),
    }
    if _fails(case):
        checks["sde"] = Check(f"the SDE's own claim, SDE ÷ SGD = 1, {case}", 1.0, factor, error)
    return {(name, case): check for name, check in checks.items()}


def _ratio(sde: float, ensemble: sg.Ensemble) -> tuple[float, float]:
    variance, error = float(ensemble.covariance[0, 0]), float(ensemble.standard_error.covariance[0, 0])
    return sde / variance, sde / variance * error / variance


def _picture(checks: dict[tuple[str, Case], Check], size: Size) -> Picture:
    """Variance in units of the SDE's, against the length of an epoch on the scale of the curvature."""
    series = []
    for sizes in dict.fromkeys(case[1:] for case in size.cases):
        cases = [case for case in size.cases if case[1:] == sizes]
        lengths = np.array([case.length for case in cases])
        fine = [Case(float(length), *sizes) for length in np.geomspace(lengths.min(), lengths.max(), 60)]
        batch, examples, m = sizes
        found = [checks["average", case] for case in cases]
        series.append(
            Series(
                f"reshuffled, B = {batch}, N = {examples}, m = {m:g}",
                lengths,
                [1 / check.measured for check in found],
                [check.standard_error / check.measured**2 for check in found],
                [1 / check.predicted for check in found],
                [case.length for case in fine],
                [1 / _over(case) for case in fine],
            )
        )
        if m == 0:
            fresh = [checks["fresh", case] for case in cases]
            sde = [_law(case, dynamics="sde") for case in cases]
            series.append(
                Series(
                    f"fresh batches, B = {batch}, N = {examples}",
                    lengths,
                    [check.measured / one for check, one in zip(fresh, sde, strict=True)],
                    [check.standard_error / one for check, one in zip(fresh, sde, strict=True)],
                    [check.predicted / one for check, one in zip(fresh, sde, strict=True)],
                    [case.length for case in fine],
                    [1 / (1 - case.config().learning_rate * CURVATURE / 2) for case in fine],
                )
            )
    ends = [min(np.min(item.x) for item in series), max(np.max(item.x) for item in series)]
    figure = against_theory(
        series,
        "εhN/B   (an epoch on the scale of the curvature, without momentum)",
        "Var ω / Var of the SDE",
        [Line("SDE", ends, [1.0, 1.0])],
        ratio="measured / exact law",
        columns=2,
    )
    caption = (
        "Stationary variance averaged over the epoch, in units of the SDE's. Lines are the exact laws. Fresh "
        "batches stay near the SDE; reshuffled ones fall far below it when an epoch is short. Bars are one standard "
        "error."
    )
    alt = "Reshuffled SGD lies on its exact law, far below the SDE at small εhN/B; fresh batches lie near the SDE."
    return Picture("epoch", caption, alt, figure)
