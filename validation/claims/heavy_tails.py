"""Heavy-tailed examples: what of SGD's law is not normal, and how that fades as batches grow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, stdtrit

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.statistics import mean
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.escape.double_well_escape import REJECTED, escape_checks, escape_picture
from validation.laws.transfer import batch_means, beyond
from validation.measure import whole
from validation.sizes import plans

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
HEAVIEST, HEAVY = "student_t:2.5", ("student_t:2.5", "student_t:3", "student_t:5")


class Case(NamedTuple):
    """One simulation around a quadratic minimum."""

    examples: str
    batch: int
    momentum: float = 0.0
    sampling: str = "with_replacement"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(RATE, self.batch, N, momentum=self.momentum, sampling=self.sampling)

    def __str__(self) -> str:
        momentum = f", m = {self.momentum:g}" if self.momentum else ""
        drawn = "" if self.sampling == "with_replacement" else ", without replacement"
        return f"{self.examples}, B = {self.batch}{momentum}{drawn}"


HEAVY_ALONE = [Case(examples, 1) for examples in HEAVY]


@dataclass(frozen=True)
class Size:
    """Paths of the minimum and of the double well, and the batch sizes of both."""

    paths: int
    batches: tuple[int, ...]
    escaping: int
    wells: tuple[int, ...]

    @property
    def cases(self) -> list[Case]:
        plain = [Case(examples, batch) for examples in EXAMPLES for batch in self.batches]
        return [
            *plain,
            *(Case("student_t:3", batch, momentum=0.9) for batch in self.batches[:3]),
            *(Case("student_t:3", batch, sampling="without_replacement") for batch in self.batches[1:4]),
        ]

    def plan(self, seconds: float) -> Plan:
        minimum = 3 * len(self.cases) + len(HEAVY) + len(REJECTED)
        return Plan(minimum + len(EXAMPLES) * len(self.wells) + 1 + len(REJECTED), seconds, self)


@claim(
    title="With heavy-tailed examples SGD is not normal at small B, and becomes so as 1/B",
    statement=(
        "The SDE knows the covariance F of the examples' gradients and nothing else of them. Around a quadratic "
        "minimum its law is normal; SGD's has cumulants of every order. Its excess kurtosis is roughly εh/B times that "
        "of the examples; the exact factor holds at any ε, with momentum, and with and without replacement. With "
        "examples from Student's t paths leave a double well up to three times as often as the SDE says at B = 1, with "
        "signs for examples less often, at the same ε, F and g; by B = 16 most of the difference is gone."
    ),
    formula="κᵣ(ω) = (−ε)ʳ κᵣ(ḡ) Σₖ aₖʳ,   aₖ = (Mᵏ(1, 1))_ω;    without momentum Σₖ aₖʳ = 1/(1 − (1 − εh)ʳ)",
    source="cumulants of sums of independent batches; against the normal law of Smith & Le, arXiv 1710.06451, eq. 4",
    plans=plans("heavy_tails", Size),
)
def heavy_tails(context: Context) -> Finding:
    size: Size = context.size
    tables = {name: _quantiles(name) for name in EXAMPLES}
    checks: dict[tuple[str, Case], Check] = {}
    tails: dict[int, list[Check]] = {}
    for done, case in enumerate(size.cases):
        context.progress(0.5 * done / len(size.cases))
        sample = _sample(context, case, tables[case.examples])
        checks |= _cumulant_checks(case, tables[case.examples], sample)
        if case == Case(HEAVIEST, case.batch) or case in HEAVY_ALONE:
            far = _tail_checks(case, tables[case.examples], sample)
            if case.batch == 1:
                checks["tail", case] = far[LEVELS.tolist().index(FAR)]
            if case.examples == HEAVIEST:
                tails[case.batch] = far
    escapes = escape_checks(context, tables, size.wells, size.escaping)
    spread = {name: float((table**4).mean() / (table**2).mean() ** 2) - 3 for name, table in tables.items()}
    return Finding(
        (*checks.values(), *escapes.values()),
        headline=checks["kurtosis", Case(HEAVIEST, 1)].label,
        pictures=(
            _kurtosis_picture(checks, size, tables),
            _tail_picture(tails, tables[HEAVIEST]),
            escape_picture(escapes, tables, size.wells, EXAMPLES),
        ),
        method=(
            f"The N = {N} examples of each distribution are its quantiles at (i − ½)/N, so that no draw decides how "
            f"heavy the tails are; each prediction is for that very table, whose moments are finite. {size.paths:,} "
            f"independent paths around a quadratic minimum (ε = {RATE:g}, h = "
            f"{CURVATURE:g}, F = {NOISE:g}), drawn with replacement where nothing else is said, sampled a few times "
            "after the transient has decayed by e¹². With x = ω over its exact standard deviation, kurtosis is 3 + "
            "E(x⁴ − 6x² + 3) and skewness E(x³ − 3x), which have less scatter than the powers alone and no bias. The "
            f"exact tail beyond {FAR:g} σ is from the characteristic function. Escape: {size.escaping:,} paths, half "
            "in each well of ω⁴/4 − ω²/2, T F/2 a fifth of the barrier, 200 updates at ε = 0.1; a path that is then in "
            "the other well has escaped. Its exact law is the batches' characteristic function taken back update by "
            "update. In which cases the SDE is rejected was chosen from pilots on other seeds."
        ),
        notes=tuple(
            f"Excess kurtosis of the {N} examples from {name}: {value:.2f}; the largest is "
            f"{np.abs(tables[name]).max():.1f} standard deviations from the mean."
            for name, value in spread.items()
        ),
    )


def _quantiles(name: str) -> Array:
    """(N,) examples: the quantiles of a distribution at (i − ½)/N, whitened."""
    levels = (np.arange(N) + 0.5) / N
    kind, _, freedom = name.partition(":")
    values = stdtrit(float(freedom), levels) if kind == "student_t" else np.sign(levels - 0.5)
    return np.asarray(whitened_examples(values[:, None], N, 1)[:, 0])


def _sample(context: Context, case: Case, table: Array) -> Array:
    """(paths, times) of ω in units of its exact standard deviation."""
    bowl = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)
    decay = sg.theory.relaxation_time(CURVATURE, case.config) / 2
    every = math.ceil(2 * decay)
    settled = math.ceil(12 * decay / every)
    # Heavier tails need more of a sample, and small batches take less time.
    updates = every * (settled + max(4, 32 // case.batch))
    run = sg.simulate_sgd(
        bowl, case.config, [0.0], updates, context.size.paths, examples=table[:, None], save_every=every,
        seed=context.seed("minimum", *case),
    )  # fmt: skip
    _, variance, _, _ = _law(case, table)
    return np.asarray(whole(run).snapshots[settled:, :, 0].T / math.sqrt(variance))


def _law(case: Case, table: Array) -> Array:
    return sg.theory.stationary_cumulants(CURVATURE, math.sqrt(NOISE) * table, case.config)


def _cumulant_checks(case: Case, table: Array, x: Array) -> dict[tuple[str, Case], Check]:
    _, variance, third, fourth = _law(case, table)
    sde = float(sg.theory.stationary_covariance(CURVATURE, NOISE, case.config)[0, 0]) / variance
    kurtosis, skewness = 3 + fourth / variance**2, third / variance**1.5
    found = {
        "variance": (x**2, 1.0, sde, 1.0),
        "skewness": (x**3 - 3 * x, skewness, 0.0, math.sqrt(kurtosis - 1)),  # the most that it could be
        "kurtosis": (x**4 - 6 * x**2 + 6, kurtosis, 3.0, kurtosis),
    }
    checks = {}
    for name, (values, predicted, wrong, scale) in found.items():
        value, error = _average(values)
        checks[name, case] = Check(f"{name} of ω, {case}", predicted, value, error, {"the SDE": wrong}, scale=scale)
        if name == "kurtosis" and case in {Case(examples, 1) for examples in REJECTED}:
            checks["SDE", case] = Check(f"kurtosis of ω is the SDE's 3, {case}", 3.0, value, error)
    return checks


def _average(values: Array) -> tuple[float, float]:
    """Over times first: paths are independent."""
    found = mean(values.mean(axis=1))
    return float(found.value), float(found.standard_error)


def _exact_tails(table: Array, batch: int, levels: Array) -> Array:
    case = Case(HEAVIEST, batch)
    deviation = math.sqrt(_law(case, table)[1])
    shrink = 1 - RATE * CURVATURE
    lags = np.arange(math.ceil(math.log(1e-4) / math.log(shrink)))
    response: Array = np.asarray(-RATE * math.sqrt(NOISE) * shrink**lags, dtype=np.float64)
    reach = float(np.abs(table).max() * np.abs(response).sum())
    return beyond(batch_means(table, batch), response, reach, deviation, levels * deviation)


def _tail_checks(case: Case, table: Array, x: Array) -> list[Check]:
    checks = []
    for level, predicted in zip(LEVELS, _exact_tails(table, case.batch, LEVELS), strict=True):
        value, error = _average((np.abs(x) > level).astype(float))
        checks.append(
            Check(f"fraction beyond {level:g} σ, {case}", predicted, value, error, {"a normal law": _normal(level)})
        )
    return checks


def _normal(level: Any) -> Any:
    return erfc(level / math.sqrt(2))


def _kurtosis_picture(checks: dict[tuple[str, Case], Check], size: Size, tables: dict[str, Array]) -> Picture:
    """Absolute excess kurtosis against B: that of signs is negative."""
    kinds = {EXAMPLES[name]: Case(name, 1) for name in EXAMPLES}
    kinds |= {"t, 3, m = 0.9": Case("student_t:3", 1, 0.9)}
    kinds |= {"t, 3, without replacement": Case("student_t:3", 1, sampling="without_replacement")}
    series = []
    for title, kind in kinds.items():
        cases = [case for case in size.cases if case == kind._replace(batch=case.batch)]
        found = [checks["kurtosis", case] for case in cases]
        fine = np.unique(np.geomspace(cases[0].batch, cases[-1].batch, 20).astype(int))
        laws = [_law(kind._replace(batch=int(batch)), tables[kind.examples]) for batch in fine]
        series.append(
            Series(
                title,
                [case.batch for case in cases],
                [abs(check.measured - 3) for check in found],
                [check.standard_error for check in found],
                [abs(check.predicted - 3) for check in found],
                fine,
                [abs(law[3]) / law[1] ** 2 for law in laws],
            )
        )
    figure = against_theory(
        series, "batch size B", "|excess kurtosis of ω|   (SDE: 0)", ratio="measured / exact", columns=3
    )
    caption = (
        f"Excess kurtosis of the stationary law around a quadratic minimum at εh = {RATE * CURVATURE:g}. Lines are the "
        "exact fourth cumulant for these examples; that of signs is negative. It falls as 1/B, faster without "
        "replacement where B comes near N. Bars are one standard error."
    )
    alt = "Points follow lines that fall as 1/B: highest for t with 2.5 degrees of freedom, lowest for 5 and signs."
    return Picture("kurtosis", caption, alt, figure)


def _tail_picture(tails: dict[int, list[Check]], table: Array) -> Picture:
    """How often ω is far out, against how far."""
    fine = np.union1d(np.linspace(LEVELS[0], LEVELS[-1], 60), LEVELS)
    series = []
    for batch, checks in tails.items():
        seen = [check.measured > 3 * check.standard_error for check in checks]
        found = [check for check, kept in zip(checks, seen, strict=True) if kept]
        series.append(
            Series(
                f"B = {batch}",
                LEVELS[seen],
                [check.measured for check in found],
                [check.standard_error for check in found],
                [check.predicted for check in found],
                fine[fine <= LEVELS[seen][-1]],
                _exact_tails(table, batch, fine)[fine <= LEVELS[seen][-1]],
            )
        )
    short = np.linspace(LEVELS[0], 5.0, 60)
    figure = against_theory(
        series, "x = |ω| / its standard deviation", "P(beyond x)", [Line("normal law: SDE", short, _normal(short))],
        x_scale="linear", ratio="measured / exact", columns=4,
    )  # fmt: skip
    caption = (
        "How often ω is further than x standard deviations from the minimum, with examples from t with 2.5 degrees of "
        "freedom. Lines are SGD's exact law. Bars are one standard error; where fewer than nine paths or so "
        "were seen there is no point."
    )
    alt = "At B = 1 the tail lies orders of magnitude above the normal law; as B grows it comes down to it."
    return Picture("tails", caption, alt, figure)
