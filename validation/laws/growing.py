"""Cases of mean_square_stability: what grows is measured by the same particles in checks and pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.plotting.curve_panels import Curve, CurvePanel, curve_panels
from sgdsde.theory import mean_square_growth
from validation.claim import Check
from validation.context import Context
from validation.laws.interpolating import PROBLEMS, SPREAD, Problem, of_sde

Array = NDArray[np.float64]

SGD, SDE = "sgd", "sde"
GROUPS = 32
#: The case of the picture of growths.
SHOWN = ("one dimension", 1, 0.9)


@dataclass(frozen=True)
class Case:
    """A problem, B and m of what runs; `paths` of `blocks` blocks of `updates` measure a growth."""

    kind: str
    batch: int
    momentum: float
    paths: int
    updates: int
    blocks: int = 20
    dynamics: str = SGD

    @property
    def problem(self) -> Problem:
        return _problem(self.kind)

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(0.1, self.batch, len(self.problem.parts), self.momentum)

    def __str__(self) -> str:
        sde = "limit of the SDE" if self.dynamics == SDE else "limit"
        return f"{sde}, {self.kind}, B = {self.batch}, m = {self.momentum:g}"


@cache
def _problem(kind: str) -> Problem:
    return PROBLEMS[kind]()


def growth(case: Case, config: sg.SGDConfig, seed: int, rate: float, *, fewer: int = 1) -> Array:
    """ln growth of E|ω − ω*|², of SGD per update and of the SDE per PIECE of its time."""
    measure, options = case.problem.measure, {}
    if case.dynamics == SDE:
        measure, options = partial(measure.func, *measure.args), {"simulate": of_sde}
    return measure(
        replace(config, learning_rate=rate), paths=case.paths // fewer, groups=GROUPS, updates=case.updates,
        blocks=case.blocks, seed=seed, **options,
    )  # fmt: skip


def limits_figure(checks: dict[Case, Check]) -> sg.plotting.Figure:
    """ε* as a share of 2(1 + m)/λ_max, as measured against as predicted."""
    shown = []
    for kind in PROBLEMS:
        if not (found := [check for case, check in checks.items() if (case.kind, case.dynamics) == (kind, SGD)]):
            continue
        edge = np.array([check.rivals["2(1 + m)/λ_max"] for check in found])
        value, error, exact = np.array([(c.measured, c.standard_error, c.predicted) for c in found]).T / edge
        shown.append(Series(kind, exact, value, error, exact))
    ends = np.array([0.8 * min(np.min(item.x) for item in shown), 1.0])
    lines = [Line("Mulayoff & Michaeli, with momentum", ends, ends), Line("2(1 + m)/λ_max", ends, np.ones(2))]
    x, y = "predicted ε* / (2(1 + m)/λ_max)", "measured ε* / (2(1 + m)/λ_max)"
    return against_theory(shown, x, y, lines, columns=3)


def growth_figure(context: Context, checks: dict[Case, Check]) -> sg.plotting.Figure:
    """What E ω² and a typical path of SGD do against ε; ε* against B beside the limits of others."""
    case = Case(*SHOWN, context.size.drawn, 16)
    rates = case.problem.limit(case.config) * np.linspace(0.2, 1.6, context.size.rates)
    fine = np.linspace(rates[0] / 2, rates[-1], 60)
    exact = [np.log(mean_square_growth(case.problem.parts, replace(case.config, learning_rate=e))) for e in fine]
    found = np.stack([growth(case, case.config, context.seed("drawn", i), e) for i, e in enumerate(rates)])
    curves = [
        Curve("E ω² of SGD", rates, found.mean(axis=1), found.std(axis=1, ddof=1) / GROUPS**0.5, joined=False),
        Curve("ω² of its typical path", rates, *np.transpose([_typical(context, case, rate) for rate in rates])),
    ]
    title = f"h = 1 ± {SPREAD:g}, B = {case.batch}, m = {case.momentum:g}"
    grown = CurvePanel(
        "ε", "growth of ln ω² per update", curves, [Line("E ω² of SGD, exact", fine, exact)], level=0.0, title=title
    )
    return curve_panels([grown, *(_batch_panel(checks, case.problem, m) for m in (0.0, case.momentum))], columns=4)


def _batch_panel(checks: dict[Case, Check], problem: Problem, momentum: float) -> CurvePanel:
    """ε* in one dimension against B, as exact lines and as measured."""
    batches = np.arange(1, len(problem.parts) // 2 + 1)
    configs = [sg.SGDConfig(0.1, int(b), len(problem.parts), momentum) for b in batches]
    sgd, sde = ([problem.limit(config, name) for config in configs] for name in (SGD, SDE))
    curves = []
    for dynamics, label in ((SGD, "E ω² of SGD"), (SDE, "E ω² of the SDE")):
        here = [c for c in checks if (c.kind, c.momentum, c.dynamics) == (SHOWN[0], momentum, dynamics)]
        found = [(c.batch, checks[c].measured, checks[c].standard_error) for c in here]
        if found:
            at, value, error = np.transpose(found)
            curves.append(Curve(label, at, value, error, joined=False))
    edge = np.full(len(batches), 2 * (1 + momentum))
    lines = [
        Line("E ω² of SGD, exact", batches, sgd),
        Line("gradient descent", batches, edge),
        Line("E ω² of the SDE, exact", batches, sde),
    ]
    return CurvePanel(
        "B", "limit of ε", curves, lines, title=f"m = {momentum:g}", x_scale="log", y_scale="log", y_range=(0.25, 16)
    )


def _typical(context: Context, case: Case, rate: float) -> tuple[float, float]:
    """The growth of E ln ω² per update, from paths as they are."""
    updates, paths, config = 200, 1024, replace(case.config, learning_rate=rate)
    well = case.problem.measure.args[0]
    run = sg.simulate_sgd(
        well, config, 1.0, 2 * updates, paths, examples=case.problem.measure.keywords["examples"], save_every=updates,
        seed=context.seed("typical", rate),
    )  # fmt: skip
    each = np.log(run.snapshots[2, :, 0] ** 2 / run.snapshots[1, :, 0] ** 2) / updates
    return float(each.mean()), float(each.std(ddof=1) / paths**0.5)
