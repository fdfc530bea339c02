"""Schedules: a learning rate that falls and a batch size that grows are one temperature to the SDE; to SGD, nearly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.statistics import Estimate, mean, variance
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.laws.scheduled import signs_sgd
from validation.measure import whole
from validation.sizes import plans

Array = NDArray[np.float64]
NEITHER = "neither changes"
BATCH, N, CURVATURE, NOISE = 4, 64, 1.0, 1.0
#: Where paths start, and T F/2 at ω = ±1 of the double well, a fifth of the barrier, before the schedule changes it.
START, WELL_START, TEMPERATURE, REACH = 1.0, 0.1, 0.05, 2.2
#: s = Σ ε/(1 − m) until the first step, in which everything but the passage between the wells settles.
SPAN = 6.0
#: Snapshots of a run, and those whose mean and variance are checked.
SNAPSHOTS, CHECKED = 8, (4, 6, 8)
#: An update in s, without momentum, at which the SDE's "the same" is far from SGD, by the exact law.
COARSE = 0.4

#: Shape → ε(k) from the largest ε and the updates that SPAN takes at it.
SHAPES: dict[str, Callable[[float, int], Array]] = {
    "steps": lambda rate, every: sg.schedules.step_decay(rate, 0.5, every, 3 * every),
    "cosine": lambda rate, every: sg.schedules.cosine(rate, 2 * every, rate / 8),
    "triangle": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every),
    "square": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every, "square"),
}


def quadratic_law(
    rates: Array, sizes: NDArray[np.int64], config: sg.SGDConfig, start: float, dynamics: str
) -> tuple[Array, Array]:
    """Exact mean and variance around the quadratic minimum, after 0, 1, … updates."""
    law = sg.theory.scheduled_law(
        CURVATURE, NOISE, config, start, learning_rates=rates, batch_sizes=sizes, dynamics=dynamics
    )
    return law.mean[:, 0], law.covariance[:, 0, 0]


class Run(NamedTuple):
    """ε(k) and B(k), and the exact mean and variance after every update."""

    rates: Array
    sizes: NDArray[np.int64]
    law: tuple[Array, Array]


@dataclass(frozen=True)
class Case:
    """A schedule on a landscape; ``pace`` is ε/(1 − m), the largest step in s."""

    shape: str
    pace: float
    momentum: float = 0.0
    landscape: str = "quadratic"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.pace * (1 - self.momentum), BATCH, N, self.momentum, "with_replacement")

    @cached_property
    def runs(self) -> dict[str, Run]:
        config = self.config
        every = 4 * round(SPAN / self.pace / 4)
        rates = SHAPES[self.shape](self.pace, every) * (1 - self.momentum)
        sizes = sg.schedules.batch_sizes_at_equal_time(rates, config)
        return {
            "ε falls": self._run(rates, np.full(len(rates), BATCH)),
            "B grows": self._run(np.full(len(sizes), config.learning_rate), sizes),
            "neither": self._run(np.full(len(rates), config.learning_rate), np.full(len(rates), BATCH)),
        }

    def _run(self, rates: Array, sizes: NDArray[np.int64]) -> Run:
        if self.landscape == "quadratic":
            return Run(rates, sizes, quadratic_law(rates, sizes, self.config, START, "sgd"))
        f, unit = self.noise, math.sqrt((N - 1) / N)
        law = signs_sgd(
            lambda x: x**3 - x, lambda x: np.sqrt(f * (1 + x**2 / 2)), rates, sizes, unit, WELL_START, reach=REACH
        )
        return Run(rates, sizes, law)

    @property
    def noise(self) -> float:
        """F at ω = 0 of the double well."""
        return 2 * TEMPERATURE / self.config.temperature / 1.5

    @property
    def scene(self) -> tuple[sg.Landscape, float, float]:
        """Landscape, start, and the size that means are relative to."""
        if self.landscape == "quadratic":
            bowl = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)
            return bowl, START, START
        noise = {"f": self.noise}
        return sg.Landscape("x**4/4 - x**2/2", "x", noise, "f*(1 + x**2/2)"), WELL_START, 1.0

    def __str__(self) -> str:
        return f"{self.landscape}, {self.shape}, ε/(1 − m) = {self.pace:g}, m = {self.momentum:g}"


@dataclass(frozen=True)
class Size:
    """Paths, and the paces and momenta of the grid; other shapes than steps at the second pace."""

    paths: int
    paces: tuple[float, ...]
    momenta: tuple[float, ...]
    shapes: tuple[str, ...]
    wells: tuple[float, ...]

    @property
    def cases(self) -> list[Case]:
        return [
            *(Case("steps", pace, m) for m in self.momenta for pace in self.paces),
            *(Case(shape, self.paces[1], m) for m in self.momenta for shape in self.shapes),
            *(Case("steps", pace, landscape="double well") for pace in self.wells),
        ]

    def plan(self, seconds: float) -> Plan:
        steps = len(self.paces) * len(self.momenta) + len(self.wells)
        return Plan(4 * len(CHECKED) * len(self.cases) + steps + 1 + 4 * (1 + len(self.shapes)), seconds, self)


@claim(
    title="A learning rate that falls and a batch size that grows do the same, to order ε",
    statement=(
        "The SDE sees ε and B only through T ∝ ε/B in its clock s = Σ ε/(1 − m). So ε → ε/a and B → aB lead to "
        "the same means and variances once as many examples were seen, in steps, along a cosine, and in cycles. SGD "
        "does so up to order ε: around a quadratic minimum and in a double well both runs follow their exact laws, "
        "whose difference is gone as ε → 0, and at large ε the run whose batch grows spreads wider."
    ),
    formula="ε(k), B   ≙   ε, B(k) = B ε/ε(k)   at equal s = Σ ε/(1 − m), that is at equal Σ B",
    source="Smith et al., arXiv 1711.00489; Jastrzębski et al., arXiv 1711.04623, §4.4; exact laws update by update",
    plans=plans("schedules", Size),
)
def schedules(context: Context) -> Finding:
    size: Size = context.size
    checks: dict[tuple[Case, str], Check] = {}
    spreads: dict[tuple[Case, str], list[Estimate]] = {}
    for done, case in enumerate(size.cases):
        context.progress(done / len(size.cases))
        samples = {name: _simulate(context, case, name) for name in ("ε falls", "B grows")}
        for name, snapshots in samples.items():
            checks |= _against_law(case, name, snapshots)
            spreads[case, name] = [variance(w) for w in snapshots[1:]]
        if case.shape == "steps":
            checks |= _against_each_other(case, spreads)
    for shape in ("steps", *size.shapes):
        checks |= _sde(context, Case(shape, size.paces[1]))
    return Finding(
        tuple(checks.values()),
        headline=checks[Case("steps", size.paces[-1]), "ratio"].label,
        pictures=(_course_picture(spreads, size), _ratio_picture(checks, size)),
        method=(
            f"{size.paths:,} independent paths of each run, N = {N}, drawn with replacement, where c ∝ 1/B is exact. "
            "One run has B = 4 and a learning rate that falls to a quarter in two steps of ½, to an eighth along a "
            "cosine, or goes to a quarter and back in cycles; the other keeps ε and has B(k) = B ε/ε(k), the mean over "
            "its longer updates, rounded. Means and variances at three times against exact recursions of both. The "
            "double well ω⁴/4 − ω²/2 has F ∝ 1 + ω²/2 and signs for examples: a batch's mean is binomial, and the law "
            "is taken on update by update on Chebyshev points. The SDE is simulated under both schedules, by a scheme "
            "of weak order 2 in 4 steps an update, against its own variance."
        ),
        notes=(
            f"Without momentum at ε = {COARSE:g} the exact variances of the two runs after the steps differ by "
            f"{abs(_ratio(Case('steps', COARSE)) - 1):.1%}; at ε = {size.paces[-1]:g} by "
            f"{abs(_ratio(Case('steps', size.paces[-1])) - 1):.1%}.",
            "With momentum SGD forgets within 1/(1 − m) updates what ε and B were, less s at the smaller ε: "
            "while the variance still follows the schedule the two runs differ to order ε/(1 − m)².",
            "What is equal is the number of examples, not of updates: after as many of them s differs.",
        ),
    )


def _simulate(context: Context, case: Case, name: str) -> Array:
    """(snapshots, paths) of ω."""
    landscape, start, _ = case.scene
    run = case.runs[name]
    saved = whole(
        sg.simulate_sgd(
            landscape, case.config, [start], len(run.rates), context.size.paths, learning_rates=run.rates,
            batch_sizes=run.sizes, save_every=len(run.rates) // SNAPSHOTS, seed=context.seed(name, case),
            examples=np.tile([-1.0, 1.0], N // 2)[:, None],
        )
    )  # fmt: skip
    return np.concatenate([saved.snapshots[:SNAPSHOTS, :, 0], saved.final[None, :, 0]])


def _at(run: Run, snapshot: int) -> int:
    """The last is the end, which a whole number of intervals need not reach."""
    return len(run.rates) if snapshot == SNAPSHOTS else snapshot * (len(run.rates) // SNAPSHOTS)


def _against_law(case: Case, name: str, snapshots: Array) -> dict[tuple[Case, str], Check]:
    run, control = case.runs[name], case.runs["neither"]
    found = {}
    for snapshot in CHECKED:
        at, other = _at(run, snapshot), _at(control, snapshot)
        for quantity, estimate, part in (("mean", mean, 0), ("variance", variance, 1)):
            measured = estimate(snapshots[snapshot])
            label = f"{quantity}, {name}, update {at}, {case}"
            found[case, f"{name} {quantity} {snapshot}"] = Check(
                label, run.law[part][at], float(measured.value), float(measured.standard_error),
                {NEITHER: control.law[part][other]}, scale=case.scene[2] if quantity == "mean" else None,
            )  # fmt: skip
    return found


def _ratio(case: Case, over: str = "B grows") -> float:
    """The ratio of the exact variances at the last snapshot: where ε falls over the other run."""
    falls, other = case.runs["ε falls"], case.runs[over]
    return float(falls.law[1][_at(falls, SNAPSHOTS)] / other.law[1][_at(other, SNAPSHOTS)])


def _against_each_other(case: Case, spreads: dict[tuple[Case, str], list[Estimate]]) -> dict[tuple[Case, str], Check]:
    """The variance of one run over that of the other, where both are at the same s."""
    one, other = (spreads[case, name][-1] for name in ("ε falls", "B grows"))
    ratio = float(one.value) / float(other.value)
    error = ratio * math.hypot(*(float(x.standard_error) / float(x.value) for x in (one, other)))
    label = f"variance, ε falls ÷ B grows, {case}"
    found = {(case, "ratio"): Check(label, _ratio(case), ratio, error, {NEITHER: _ratio(case, "neither")})}
    if case == Case("steps", COARSE):
        found[case, "same"] = Check(f"the same, as the SDE says: {label}", 1.0, ratio, error)
    return found


def _sde(context: Context, case: Case) -> dict[tuple[Case, str], Check]:
    """The SDE under both schedules, at the end."""
    landscape, start, scale = case.scene
    found = {}
    for name in ("ε falls", "B grows"):
        run = case.runs[name]
        law, kept = (quadratic_law(of.rates, of.sizes, case.config, start, "sde") for of in (run, case.runs["neither"]))
        final = whole(
            sg.simulate_sde(
                landscape, case.config, [start], len(run.rates), context.size.paths, scheme="weak_taylor_2",
                substeps=4, learning_rates=run.rates, batch_sizes=run.sizes, seed=context.seed("SDE", name, case),
            )
        ).final[:, 0]  # fmt: skip
        for quantity, estimate, part in (("mean", mean, 0), ("variance", variance, 1)):
            measured = estimate(final)
            found[case, f"SDE {name} {quantity}"] = Check(
                f"{quantity} of the SDE, {name}, {case}", law[part][-1], float(measured.value),
                float(measured.standard_error), {NEITHER: kept[part][-1]}, scale=scale if quantity == "mean" else None,
            )  # fmt: skip
    return found


def _course_picture(spreads: dict[tuple[Case, str], list[Estimate]], size: Size) -> Picture:
    """Variance against s, two schedules."""
    series, lines = [], []
    for shape in ("steps", "triangle"):
        case = Case(shape, size.paces[1])
        for name in ("ε falls", "B grows"):
            run, found = case.runs[name], spreads[case, name]
            clock = np.concatenate([[0.0], np.cumsum(run.rates)])
            at = [_at(run, snapshot) for snapshot in range(1, SNAPSHOTS + 1)]
            series.append(
                Series(
                    f"{shape}, {name}",
                    clock[at],
                    [float(estimate.value) for estimate in found],
                    [float(estimate.standard_error) for estimate in found],
                    run.law[1][at],
                    clock[1:],
                    run.law[1][1:],
                )
            )
        run = case.runs["ε falls"]
        sde = quadratic_law(run.rates, run.sizes, case.config, START, "sde")[1]
        lines.append(Line(f"SDE, {shape}", np.cumsum(run.rates), sde[1:]))
    figure = against_theory(
        series, "s = Σ ε", "Var ω", lines, x_scale="linear", y_scale="linear", ratio="measured / exact"
    )
    caption = (
        f"Variance around a quadratic minimum at ε = {size.paces[1]:g}, B = {BATCH} and m = 0 at first: ε halved twice "
        "or B doubled twice, and ε in a triangle wave or B in its inverse. Lines are SGD's exact laws. Bars are one "
        "standard error."
    )
    alt = "Both runs of each schedule follow nearly the same course, close to the SDE's."
    return Picture("course", caption, alt, figure)


def _ratio_picture(checks: dict[tuple[Case, str], Check], size: Size) -> Picture:
    """How far from the same the two are, against ε."""
    kinds = [(f"quadratic, m = {m:g}", size.paces, m, "quadratic") for m in size.momenta]
    fine = SPAN / np.array([15, 16, 20, 24, 30, 32, 40, 60, 120, 240])
    series = []
    for title, paces, m, landscape in [*kinds, ("double well, F(ω)", size.wells, 0.0, "double well")]:
        found = [checks[Case("steps", pace, m, landscape), "ratio"] for pace in paces]
        predicted = [check.predicted for check in found]
        series.append(
            Series(
                title,
                paces,
                [check.measured for check in found],
                [check.standard_error for check in found],
                predicted,
                fine,
                [_ratio(Case("steps", pace, m, landscape)) for pace in fine],
            )
        )
    figure = against_theory(
        series, "ε/(1 − m)", "Var ω, ε falls ÷ B grows", [Line("SDE: the same", [0.0, COARSE], [1.0, 1.0])],
        x_scale="linear", y_scale="linear", ratio="measured / exact",
    )  # fmt: skip
    caption = (
        "Variance after ε was halved twice over that after B was doubled twice, at equal s. Lines are the "
        "exact laws: the difference goes to zero with ε. Bars are one standard error."
    )
    alt = "The ratio tends to 1 as ε falls; at ε = 0.4 it is 0.86 around a quadratic minimum."
    return Picture("ratio", caption, alt, figure)
