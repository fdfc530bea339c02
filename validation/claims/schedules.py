"""Schedules: a learning rate that falls and a batch size that grows are one temperature to the SDE; to SGD, nearly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import Estimate, mean, variance
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import series, whole

Array = NDArray[np.float64]
BATCH, N, CURVATURE, NOISE = 4, 64, 1.0, 1.0
SIGNS = np.tile([-1.0, 1.0], N // 2)[:, None]
#: Where paths start, and T F/2 at ω = ±1 of the double well, a fifth of the barrier, before the schedule changes it.
START, WELL_START, TEMPERATURE, REACH = 1.0, 0.1, 0.05, 2.2
#: s = Σ ε/(1 − m) until the first step, in which everything but the passage between the wells settles.
SPAN = 6.4
#: ε/(1 − m) of other shapes than steps and of the SDE; and of the picture's curve, where all runs end at the same s.
PACE = 0.2
FINE = [SPAN / updates for updates in (*range(16, 64, 4), *range(64, 257, 16))]
#: Snapshots of a run, and those whose mean and variance are checked.
SNAPSHOTS, CHECKED = 8, (4, 6, 8)
#: What each run changes, and the rival for which it does not.
RIVALS = {"ε falls": "ε does not fall", "B grows": "B does not grow"}

#: Shape → ε(k) from the largest ε and the updates that SPAN takes at it.
SHAPES: dict[str, Callable[[float, int], Array]] = {
    "steps": lambda rate, every: sg.schedules.step_decay(rate, 0.5, every, 3 * every),
    "cosine": lambda rate, every: sg.schedules.cosine(rate, 2 * every, rate / 8),
    "triangle": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every),
    "square": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every, "square"),
}


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

    @property
    def scene(self) -> tuple[sg.Landscape, float]:
        """Landscape and start."""
        if self.landscape == "quadratic":
            return sg.landscapes.quadratic(h=CURVATURE, f=NOISE), START
        noise = 2 * TEMPERATURE / self.config.temperature / 1.5
        return sg.landscapes.double_well(covariance="f*(1 + x**2/2)", f=noise), WELL_START

    @cached_property
    def runs(self) -> dict[str, Run]:
        rates = SHAPES[self.shape](self.pace, 4 * round(SPAN / self.pace / 4)) * (1 - self.momentum)
        sizes = sg.schedules.batch_sizes_at_equal_time(rates, self.config)
        falls = Run(self, rates, np.full(len(rates), BATCH))
        return {"ε falls": falls, "B grows": Run(self, np.full(len(sizes), self.config.learning_rate), sizes)}

    def ratio(self, *unchanged: str) -> float:
        """Exact variance at the end where ε falls over that where B grows; one run may be left as it begins."""
        falls, grows = (run.unchanged if name in unchanged else run for name, run in self.runs.items())
        return float(falls.law()[-1, 1] / grows.law()[-1, 1])

    def __str__(self) -> str:
        return f"{self.landscape}, {self.shape}, ε/(1 − m) = {self.pace:g}, m = {self.momentum:g}"


@dataclass(frozen=True)
class Run:
    """ε(k) and B(k) of a case."""

    case: Case
    rates: Array
    sizes: NDArray[np.int64]

    @property
    def unchanged(self) -> Run:
        """As many updates at the first ε and B."""
        config = self.case.config
        return Run(self.case, np.full_like(self.rates, config.learning_rate), np.full_like(self.sizes, BATCH))

    def law(self, dynamics: str = "sgd") -> Array:
        """Exact mean and variance, (updates + 1, 2)."""
        schedules: dict[str, Any] = {"learning_rates": self.rates, "batch_sizes": self.sizes}
        config, (landscape, start) = self.case.config, self.case.scene
        if self.case.landscape == "quadratic":
            found = sg.theory.scheduled_law(CURVATURE, NOISE, config, start, dynamics=dynamics, **schedules)
        else:
            found = sg.theory.scheduled_moments(landscape, config, start, examples=SIGNS, reach=REACH, **schedules)
        return np.stack([found.mean[:, 0], found.covariance[:, 0, 0]], axis=1)

    def at(self, snapshot: int) -> int:
        """Updates of a snapshot: the last is the end, which a whole number of intervals need not reach."""
        return len(self.rates) if snapshot == SNAPSHOTS else snapshot * (len(self.rates) // SNAPSHOTS)


@dataclass(frozen=True)
class Size:
    """Steps around the quadratic minimum, with as many paths as it takes to decide whether the two runs are the same.

    ``steps`` are pace, momentum and paths; ``paths`` are those of everything else, of other shapes with these
    ``momenta``, and of steps at these paces in the double ``wells``.
    """

    steps: tuple[tuple[float, float, int], ...]
    paths: int
    momenta: tuple[float, ...]
    shapes: tuple[str, ...]
    wells: tuple[float, ...]

    @property
    def cases(self) -> dict[Case, int]:
        """Each case and its paths."""
        other = [Case(shape, PACE, m) for m in self.momenta for shape in self.shapes]
        other += [Case("steps", pace, landscape="double well") for pace in self.wells]
        return {Case("steps", pace, m): n for pace, m, n in self.steps} | dict.fromkeys(other, self.paths)


@claim(Size)
def schedules(context: Context) -> Found:
    size: Size = context.size
    ratios: dict[Case, Check] = {}
    courses: dict[Case, dict[str, list[Estimate]]] = {}
    for case, paths in size.cases.items():
        samples = {name: _simulate(context, case, name, paths) for name in case.runs}
        for name, run in case.runs.items():
            for snapshot in CHECKED:
                at, sample = run.at(snapshot), samples[name][snapshot]
                yield from _against(run, name, at, sample, f", {name}, update {at}, {case}")
        courses[case] = {name: [variance(w) for w in snapshots[1:]] for name, snapshots in samples.items()}
        if case.shape == "steps":
            ratios[case], *same = _against_each_other(case, *(spread[-1] for spread in courses[case].values()))
            yield from (ratios[case], *same)
    for case in (Case(shape, PACE) for shape in ("steps", *size.shapes)):
        for name, run in case.runs.items():
            sample = _simulate(context, case, name, size.paths, "SDE")[-1]
            yield from _against(run, name, len(run.rates), sample, f" of the SDE, {name}, {case}", "sde")
    yield Told({"n": N, "b": BATCH, "pace": PACE})
    yield Drawing("course", _course_figure(courses))
    yield Drawing("ratio", _ratio_figure(ratios))


def _simulate(context: Context, case: Case, name: str, paths: int, model: str = "SGD") -> Array:
    """(snapshots, paths) of ω."""
    run, (landscape, start) = case.runs[name], case.scene
    kinds: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
        "SGD": (sg.simulate_sgd, (), {"examples": SIGNS}),
        "SDE": (sg.simulate_sde, ("SDE",), {"scheme": "weak_taylor_2", "substeps": 4}),
    }
    simulate, own, options = kinds[model]
    saved = whole(
        simulate(
            landscape, case.config, [start], len(run.rates), paths, learning_rates=run.rates, batch_sizes=run.sizes,
            save_every=len(run.rates) // SNAPSHOTS, seed=context.seed(*own, name, case), **options,
        )
    )  # fmt: skip
    return np.concatenate([saved.snapshots[:SNAPSHOTS, :, 0], saved.final[None, :, 0]])


def _against(run: Run, name: str, at: int, sample: Array, where: str, dynamics: str = "sgd") -> Iterator[Check]:
    """Mean and variance after so many updates; means are relative to 1, where paths start or the wells are."""
    law, rival = (each.law(dynamics)[at] for each in (run, run.unchanged))
    for part, (quantity, estimate) in enumerate({"mean": mean, "variance": variance}.items()):
        label, rivals = f"{quantity}{where}", {RIVALS[name]: rival[part]}
        yield Check.of(label, law[part], estimate(sample), rivals, scale=None if part else 1.0)


def _against_each_other(case: Case, one: Estimate, other: Estimate) -> Iterator[Check]:
    """The variance where ε falls over that where B grows, both at the same s."""
    ratio = float(one.value) / float(other.value)
    error = ratio * math.hypot(*(float(x.standard_error) / float(x.value) for x in (one, other)))
    label = f"variance, ε falls ÷ B grows, {case}"
    rivals = {rival: case.ratio(name) for name, rival in RIVALS.items()}
    yield Check(label, case.ratio(), ratio, error, rivals)
    if case.landscape == "quadratic":
        yield Check(f"the same, as the SDE says: {label}", 1.0, ratio, error, rivals)


def _course_figure(courses: dict[Case, dict[str, list[Estimate]]]) -> Figure:
    """Variance against s, two schedules."""
    shown, lines = [], []
    for shape in ("steps", "triangle"):
        case = Case(shape, PACE)
        for name, run in case.runs.items():
            clock, law = np.cumsum([0.0, *run.rates]), run.law()[:, 1]
            at = [run.at(snapshot) for snapshot in range(1, SNAPSHOTS + 1)]
            found, error = np.array([(float(x.value), float(x.standard_error)) for x in courses[case][name]]).T
            shown.append(Series(f"{shape}, {name}", clock[at], found, error, law[at], clock[1:], law[1:]))
        falls = case.runs["ε falls"]
        lines.append(Line(f"SDE, {shape}", np.cumsum(falls.rates), falls.law("sde")[1:, 1]))
    return against_theory(
        shown, "s = Σ ε", "Var ω", lines, x_scale="linear", y_scale="linear", ratio="measured / exact"
    )


def _ratio_figure(checks: dict[Case, Check]) -> Figure:
    """How far from the same the two are, against ε."""
    shown = []
    for landscape, m in dict.fromkeys((case.landscape, case.momentum) for case in checks):
        own = {case.pace: check for case, check in checks.items() if (case.landscape, case.momentum) == (landscape, m)}
        line = [Case("steps", pace, m, landscape).ratio() for pace in FINE]
        title = f"quadratic, m = {m:g}" if landscape == "quadratic" else "double well, F(ω)"
        shown.append(series(title, list(own), list(own.values()), FINE, line))
    same = [Line("SDE: the same", [0.0, FINE[0]], [1.0, 1.0])]
    return against_theory(
        shown, "ε/(1 − m)", "Var ω, ε falls ÷ B grows", same, x_scale="linear", y_scale="linear",
        ratio="measured / exact",
    )  # fmt: skip
