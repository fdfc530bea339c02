"""Mulayoff & Michaeli: SGD's variance diverges far below 2(1 + m)/λ_max where the examples' curvatures differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.plotting.curve_panels import Curve, CurvePanel, curve_panels
from sgdsde.studies import growth_limit
from sgdsde.theory import mean_square_growth
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.interpolating import EXAMPLES, FITTED, HIDDEN, INPUTS, PIECE, PROBLEMS, SPREAD, Problem, of_sde

SGD, SDE = "sgd", "sde"
GROUPS = 16
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


@dataclass(frozen=True)
class Size:
    """What is measured, at how many learning rates growths are drawn, and from how many paths."""

    cases: tuple[Case, ...]
    rates: int
    drawn: int


@cache
def _problem(kind: str) -> Problem:
    return PROBLEMS[kind]()


@claim(Size)
def mean_square_stability(context: Context) -> Found:
    size: Size = context.size
    checks: dict[Case, Check] = {}
    for case, part in context.shares(size.cases):
        checks[case] = _limit(part, case)
        yield checks[case]
    lowest = min(checks, key=lambda case: checks[case].predicted / checks[case].rivals.get("2(1 + m)/λ_max", 1e-9))
    share = checks[lowest].predicted / checks[lowest].rivals["2(1 + m)/λ_max"]
    yield Told({"n": EXAMPLES, "spread": SPREAD, "inputs": INPUTS[0], "p": INPUTS[1], "fitted": FITTED})
    yield Told({"hidden": HIDDEN, "groups": GROUPS, "lowest": f"{share:.3f}", "where": str(lowest).partition(", ")[2]})
    yield Drawing("limits", _limits_figure(checks))
    yield Drawing("growth", _growth_figure(context))


def _growth(case: Case, config: sg.SGDConfig, seed: int, rate: float, *, fewer: int = 1) -> np.ndarray:
    """ln growth of E|ω − ω*|², of SGD per update and of the SDE per PIECE of its time."""
    measure, options = case.problem.measure, {}
    if case.dynamics == SDE:
        measure, options = partial(measure.func, *measure.args), {"simulate": of_sde}
    return measure(
        replace(config, learning_rate=rate), paths=case.paths // fewer, groups=GROUPS, updates=case.updates,
        blocks=case.blocks, seed=seed, **options,
    )  # fmt: skip


def _limit(context: Context, case: Case) -> Check:
    config, seed = case.config, context.seed(*map(str, (case.kind, case.batch, case.momentum, case.dynamics)))
    exact, rivals = case.problem.limit(config, case.dynamics), case.problem.rivals(config)
    if case.dynamics == SDE:
        del rivals["the SDE"]
        rivals["SGD"] = case.problem.limit(config)
    # Nothing of the prediction: ε starts from where the mean of ω itself diverges, or for the SDE from 8 times that.
    highest = rivals["2(1 + m)/λ_max"] * (8 if case.dynamics == SDE else 1)
    measured = partial(_growth, case, config, seed)
    found = growth_limit(measured, highest, partial(measured, fewer=8))
    return Check.of(str(case), exact, found, rivals, dof=GROUPS - 1)


def _limits_figure(checks: dict[Case, Check]) -> sg.plotting.Figure:
    """ε* as a share of 2(1 + m)/λ_max, as measured against as predicted."""
    shown, of_sgd = [], [case for case in checks if case.dynamics == SGD]
    for kind, cases in groupby(sorted(of_sgd, key=lambda case: list(PROBLEMS).index(case.kind)), lambda case: case.kind):
        found = [checks[case] for case in cases]
        edge = np.array([check.rivals["2(1 + m)/λ_max"] for check in found])
        value, error, exact = np.array([(c.measured, c.standard_error, c.predicted) for c in found]).T / edge
        shown.append(Series(kind, exact, value, error, exact))
    ends = np.array([0.8 * min(np.min(item.x) for item in shown), 1.0])
    lines = [Line("Mulayoff & Michaeli, with momentum", ends, ends), Line("2(1 + m)/λ_max", ends, np.ones(2))]
    x, y = "predicted ε* / (2(1 + m)/λ_max)", "measured ε* / (2(1 + m)/λ_max)"
    return against_theory(shown, x, y, lines, columns=3)


def _growth_figure(context: Context) -> sg.plotting.Figure:
    """What E ω² and what a typical path does, against ε, beside the SDE and gradient descent."""
    kind, batch, momentum = SHOWN
    case = Case(kind, batch, momentum, context.size.drawn, 16)
    sde, limit, edge = replace(case, dynamics=SDE, updates=2), case.problem.limit(case.config), 2 * (1 + momentum)
    rates = limit * np.linspace(0.2, 1.6, context.size.rates)
    fine = limit * np.linspace(0.05, 1.7, 80)
    exact = [np.log(mean_square_growth(case.problem.parts, replace(case.config, learning_rate=e))) for e in fine]
    step, noise = fine / (1 - momentum), case.problem.limit(case.config, SDE)
    curves = []
    for label, each in (("E ω² of SGD", case), ("E ω² of the SDE", sde)):
        found = np.stack([_growth(each, case.config, context.seed(label, i), e) for i, e in enumerate(rates)])
        if each is sde:
            found *= (rates / (1 - momentum) / PIECE)[:, None]
        curves.append(Curve(label, rates, found.mean(axis=1), found.std(axis=1, ddof=1) / GROUPS**0.5, joined=False))
    typical = [_typical(context, case, rate) for rate in rates]
    curves.append(Curve("ω² of a typical path of SGD", rates, *np.transpose(typical)))
    lines = [Line("SGD, exact", fine, exact), Line("SDE, exact", fine, 2 * step * (fine / noise - 1))]
    x = f"learning rate ε   (h = 1, B = {batch}, m = {momentum:g}; gradient descent is stable up to {edge:g})"
    return curve_panels([CurvePanel(x, "growth of ln ω² per update", curves, lines, level=0.0)], columns=2)


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
