"""Schedules: a learning rate that falls and a batch size that grows are one temperature to the SDE; to SGD, nearly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import Estimate, mean, variance
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.scheduled import BATCH, SIGNS, SNAPSHOTS, SPAN, Array, Case, N, Run
from validation.measure import series, whole

#: ε/(1 − m) of other shapes than steps and of the SDE; and of the picture's curve, where all runs end at the same s.
PACE = 0.2
FINE = [SPAN / updates for updates in (*range(16, 64, 4), *range(64, 257, 16))]
#: Snapshots whose mean and variance are checked.
CHECKED = (4, 6, 8)
#: What each run changes, and the rival for which it does not.
RIVALS = {"ε falls": "ε does not fall", "B grows": "B does not grow"}


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
