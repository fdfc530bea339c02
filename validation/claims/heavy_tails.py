"""Heavy-tailed examples: what of SGD's law is not normal, and how that fades as batches grow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, stdtrit

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import mean
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape.double_well_escape import REJECTED, UPDATES, escape_checks, escape_figure
from validation.measure import series, whole

Array = NDArray[np.float64]
RATE, N, CURVATURE, NOISE = 0.3, 512, 1.0, 1.0
#: Where a tail begins, in standard deviations.
FAR = 4.0
LEVELS = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
EXAMPLES = {
    "student_t:2.5": "t, 2.5 degrees of freedom",
    "student_t:3": "t, 3",
    "student_t:5": "t, 5",
    "rademacher": "signs",
}
HEAVIEST = "student_t:2.5"


class Case(NamedTuple):
    """One simulation around a quadratic minimum."""

    examples: str
    batch: int
    momentum: float = 0.0
    sampling: str = "with_replacement"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(RATE, self.batch, N, momentum=self.momentum, sampling=self.sampling)

    @property
    def kind(self) -> Case:
        """All that it shares with the cases of one curve."""
        return self._replace(batch=1)

    def __str__(self) -> str:
        momentum = f", m = {self.momentum:g}" if self.momentum else ""
        drawn = "" if self.sampling == "with_replacement" else ", without replacement"
        return f"{self.examples}, B = {self.batch}{momentum}{drawn}"


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
    tables = {name: _quantiles(name) for name in EXAMPLES}
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
            yield _tail_check(case, FAR, _exact_tails(case, table, np.array([FAR]))[0], sample)
        if case == Case(HEAVIEST, case.batch):
            exact = _exact_tails(case, table, LEVELS)
            tails[case.batch] = [_tail_check(case, *each, sample) for each in zip(LEVELS, exact, strict=True)]
    escapes = {}
    for key, check in escape_checks(context, tables, size.wells, size.escaping):
        escapes[key] = check
        yield check
    yield Told({"n": N, "rate": RATE, "h": CURVATURE, "f": NOISE, "far": FAR, "width": RATE * CURVATURE})
    yield Told({"updates": UPDATES}, tuple(_spread(name, table) for name, table in tables.items()))
    yield Drawing("kurtosis", _kurtosis_figure(kurtosis, tables))
    yield Drawing("tails", _tail_figure(tails, tables[HEAVIEST]))
    yield Drawing("escape", escape_figure(escapes, tables, size.wells, EXAMPLES))


def _quantiles(name: str) -> Array:
    """(N,) examples: the quantiles of a distribution at (i − ½)/N, whitened."""
    levels = (np.arange(N) + 0.5) / N
    kind, _, freedom = name.partition(":")
    values = stdtrit(float(freedom), levels) if kind == "student_t" else np.sign(levels - 0.5)
    return np.asarray(whitened_examples(values[:, None], N, 1)[:, 0])


def _spread(name: str, table: Array) -> str:
    excess, largest = float((table**4).mean() / (table**2).mean() ** 2) - 3, np.abs(table).max()
    return (
        f"Excess kurtosis of the {N} examples from {name}: {excess:.2f}; the largest is {largest:.1f} standard "
        "deviations from the mean."
    )


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
    return np.asarray(whole(run).snapshots[settled:, :, 0].T / math.sqrt(_law(case, table)[1]))


def _law(case: Case, table: Array) -> Array:
    return sg.theory.stationary_cumulants(CURVATURE, math.sqrt(NOISE) * table, case.config)


def _cumulant_checks(case: Case, table: Array, x: Array) -> Iterator[Check]:
    _, variance, third, fourth = _law(case, table)
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


def _exact_tails(case: Case, table: Array, levels: Array) -> Array:
    deviation = math.sqrt(_law(case, table)[1])
    return sg.theory.stationary_tail(CURVATURE, math.sqrt(NOISE) * table, case.config, levels * deviation)


def _tail_check(case: Case, level: float, predicted: float, x: Array) -> Check:
    seen, label = (np.abs(x) > level).astype(float), f"fraction beyond {level:g} σ, {case}"
    return Check.of(label, predicted, _average(seen), {"a normal law": _normal(level)})


def _normal(level: Any) -> Any:
    return erfc(level / math.sqrt(2))


def _kurtosis_figure(checks: dict[Case, Check], tables: dict[str, Array]) -> Figure:
    """Absolute excess kurtosis against B: that of signs is negative."""
    shown = []
    for kind in dict.fromkeys(case.kind for case in checks):
        found = {case.batch: check for case, check in checks.items() if case.kind == kind}
        excess = np.abs([(check.measured - 3, check.standard_error, check.predicted - 3) for check in found.values()])
        fine = np.unique(np.geomspace(min(found), max(found), 20).astype(int))
        laws = [_law(kind._replace(batch=int(batch)), tables[kind.examples]) for batch in fine]
        title = EXAMPLES[kind.examples] + str(kind).removeprefix(f"{kind.examples}, B = 1")
        line = [abs(law[3]) / law[1] ** 2 for law in laws]
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
        line = _exact_tails(Case(HEAVIEST, batch), table, near)
        shown.append(series(f"B = {batch}", LEVELS[seen], found, near, line))
    short = np.linspace(LEVELS[0], 5.0, 60)
    normal, x = [Line("normal law: SDE", short, _normal(short))], "x = |ω| / its standard deviation"
    return against_theory(shown, x, "P(beyond x)", normal, x_scale="linear", ratio="measured / exact", columns=4)
