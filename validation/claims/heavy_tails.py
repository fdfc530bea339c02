"""Heavy-tailed examples: what of SGD's law is not normal, and how that fades as batches grow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import mean
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape.double_well_escape import REJECTED, UPDATES, escape_checks, escape_figure
from validation.laws import heavy_tailed as laws
from validation.laws.heavy_tailed import CURVATURE, EXAMPLES, FAR, HEAVIEST, LEVELS, NOISE, RATE, Array, Case, N
from validation.measure import series, whole


@dataclass(frozen=True)
class Size:
    """Paths of the minimum and of the double well, and the batch sizes of both."""

    paths: int
    batches: tuple[int, ...]
    escaping: int
    wells: tuple[int, ...]

    @property
    def cases(self) -> list[Case]:
        return [
            *(Case(examples, batch) for examples in EXAMPLES for batch in self.batches),
            *(Case("student_t:3", batch, momentum=0.9) for batch in self.batches[:3]),
            *(Case("student_t:3", batch, sampling="without_replacement") for batch in self.batches[1:4]),
        ]


@claim(Size)
def heavy_tails(context: Context) -> Found:
    size: Size = context.size
    tables = {name: laws.quantiles(name) for name in EXAMPLES}
    kurtosis: dict[Case, Check] = {}
    tails: dict[int, list[Check]] = {}
    for case in size.cases:
        table = tables[case.examples]
        sample = _sample(context, case, table)
        *others, kurtosis[case] = _cumulant_checks(case, table, sample)
        yield from (*others, kurtosis[case])
        alone = case == Case(case.examples, 1)
        if alone and case.examples in REJECTED:
            found = kurtosis[case]
            yield Check(f"kurtosis of ω is the SDE's 3, {case}", 3.0, found.measured, found.standard_error)
        if alone and case.examples != "rademacher":
            yield _tail_check(case, FAR, laws.exact_tails(case, table, np.array([FAR]))[0], sample)
        if case == Case(HEAVIEST, case.batch):
            exact = laws.exact_tails(case, table, LEVELS)
            tails[case.batch] = [_tail_check(case, *each, sample) for each in zip(LEVELS, exact, strict=True)]
    escapes = {}
    for key, check in escape_checks(context, tables, size.wells, size.escaping):
        escapes[key] = check
        yield check
    yield Told({"n": N, "rate": RATE, "h": CURVATURE, "f": NOISE, "far": FAR, "width": RATE * CURVATURE})
    yield Told({"updates": UPDATES}, tuple(laws.spread(name, table) for name, table in tables.items()))
    yield Drawing("kurtosis", _kurtosis_figure(kurtosis, tables))
    yield Drawing("tails", _tail_figure(tails, tables[HEAVIEST]))
    yield Drawing("escape", escape_figure(escapes, tables, size.wells, EXAMPLES))


def _sample(context: Context, case: Case, table: Array) -> Array:
    """(paths, times) of ω in units of its exact standard deviation."""
    bowl = sg.landscapes.quadratic(h=CURVATURE, f=NOISE)
    decay = sg.theory.relaxation_time(CURVATURE, case.config) / 2
    every = math.ceil(2 * decay)
    settled = math.ceil(12 * decay / every)
    # Heavier tails need more of a sample, and small batches take less time.
    updates = every * (settled + max(4, 32 // case.batch))
    run = sg.simulate_sgd(
        bowl, case.config, [0.0], updates, context.size.paths, examples=table[:, None], save_every=every,
        seed=context.seed("minimum", *case),
    )  # fmt: skip
    return np.asarray(whole(run).snapshots[settled:, :, 0].T / math.sqrt(laws.cumulants(case, table)[1]))


def _cumulant_checks(case: Case, table: Array, x: Array) -> Iterator[Check]:
    _, variance, third, fourth = laws.cumulants(case, table)
    sde = float(sg.theory.stationary_covariance(CURVATURE, NOISE, case.config)[0, 0]) / variance
    kurtosis, skewness = 3 + fourth / variance**2, third / variance**1.5
    found = {
        "variance": (x**2, 1.0, sde, 1.0),
        "skewness": (x**3 - 3 * x, skewness, 0.0, math.sqrt(kurtosis - 1)),  # the most that it could be
        "kurtosis": (x**4 - 6 * x**2 + 6, kurtosis, 3.0, kurtosis),
    }
    for name, (values, predicted, wrong, scale) in found.items():
        yield Check.of(f"{name} of ω, {case}", predicted, _average(values), {"the SDE": wrong}, scale=scale)


def _average(values: Array) -> Any:
    """The mean over times first: paths are independent."""
    return mean(values.mean(axis=1))


def _tail_check(case: Case, level: float, predicted: float, x: Array) -> Check:
    seen, label = (np.abs(x) > level).astype(float), f"fraction beyond {level:g} σ, {case}"
    return Check.of(label, predicted, _average(seen), {"a normal law": laws.normal_tail(level)})


def _kurtosis_figure(checks: dict[Case, Check], tables: dict[str, Array]) -> Figure:
    """Absolute excess kurtosis against B: that of signs is negative."""
    shown = []
    for kind in dict.fromkeys(case.kind for case in checks):
        found = {case.batch: check for case, check in checks.items() if case.kind == kind}
        excess = np.abs([(check.measured - 3, check.standard_error, check.predicted - 3) for check in found.values()])
        fine = np.unique(np.geomspace(min(found), max(found), 20).astype(int))
        exact = [laws.cumulants(kind._replace(batch=int(batch)), tables[kind.examples]) for batch in fine]
        title = EXAMPLES[kind.examples] + str(kind).removeprefix(f"{kind.examples}, B = 1")
        line = [abs(law[3]) / law[1] ** 2 for law in exact]
        shown.append(Series(title, list(found), excess[:, 0], excess[:, 1], excess[:, 2], fine, line))
    y = "|excess kurtosis of ω|   (SDE: 0)"
    return against_theory(shown, "batch size B", y, ratio="measured / exact", columns=3)


def _tail_figure(tails: dict[int, list[Check]], table: Array) -> Figure:
    """How often ω is far out, against how far."""
    fine = np.union1d(np.linspace(LEVELS[0], LEVELS[-1], 60), LEVELS)
    shown = []
    for batch, checks in tails.items():
        seen = np.array([check.measured > 3 * check.standard_error for check in checks])
        found = [check for check, kept in zip(checks, seen, strict=True) if kept]
        near = fine[fine <= LEVELS[seen][-1]]
        line = laws.exact_tails(Case(HEAVIEST, batch), table, near)
        shown.append(series(f"B = {batch}", LEVELS[seen], found, near, line))
    short = np.linspace(LEVELS[0], 5.0, 60)
    normal, x = [Line("normal law: SDE", short, laws.normal_tail(short))], "x = |ω| / its standard deviation"
    return against_theory(shown, x, "P(beyond x)", normal, x_scale="linear", ratio="measured / exact", columns=4)
