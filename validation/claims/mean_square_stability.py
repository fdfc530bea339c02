"""Mulayoff & Michaeli: SGD's variance diverges far below 2(1 + m)/λ_max where the examples' curvatures differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sgdsde.studies import growth_limit
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.growing import GROUPS, SDE, Case, growth, growth_figure, limits_figure
from validation.laws.interpolating import EXAMPLES, FITTED, HIDDEN, INPUTS, SPREAD

#: ε down from which limits are looked for, in units of 2(1 + m)/λ_max: nothing of the prediction.
HIGHEST = {"sgd": 1.0, "sde": 8.0}


@dataclass(frozen=True)
class Size:
    """What is measured, at how many learning rates growths are drawn, and from how many paths."""

    cases: tuple[Case, ...]
    rates: int
    drawn: int


@claim(Size)
def mean_square_stability(context: Context) -> Found:
    size: Size = context.size
    checks: dict[Case, Check] = {}
    for case, part in context.shares(size.cases):
        checks[case] = _limit(part, case)
        yield checks[case]
    shares = {case: check.predicted / check.rivals["2(1 + m)/λ_max"] for case, check in checks.items()}
    lowest = min(shares, key=lambda case: shares[case])
    yield Told({"n": EXAMPLES, "spread": SPREAD, "inputs": INPUTS[0], "p": INPUTS[1], "fitted": FITTED})
    yield Told(
        {"hidden": HIDDEN, "groups": GROUPS, "lowest": f"{shares[lowest]:.2g}", "where": str(lowest).partition(", ")[2]}
    )
    yield Drawing("limits", limits_figure(checks))
    yield Drawing("growth", growth_figure(context, checks))


def _limit(context: Context, case: Case) -> Check:
    config, seed = case.config, context.seed(*map(str, (case.kind, case.batch, case.momentum, case.dynamics)))
    exact, rivals = case.problem.limit(config, case.dynamics), case.problem.rivals(config)
    if case.dynamics == SDE:
        del rivals["the SDE"]
        rivals["SGD"] = case.problem.limit(config)
    highest = rivals["2(1 + m)/λ_max"] * HIGHEST[case.dynamics]
    measured = partial(growth, case, config, seed)
    found = growth_limit(measured, highest, partial(measured, fewer=8))
    return Check.of(str(case), exact, found, rivals, dof=GROUPS - 1)
