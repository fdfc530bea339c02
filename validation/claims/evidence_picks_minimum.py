"""Evidence and noise between a deep sharp minimum and a shallow wide one: which of them is chosen, and by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.optimize import brentq

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory, against_theory_panels, occam_chart
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence import two_minima as two
from validation.evidence.two_minima import Case, evidence_preference, laplace_preference

#: Share of F that follows the curvature where the crossing moves and is not yet gone.
PARTLY = 0.1
#: D of the bars.
SHOWN = 0.24
AXIS = "temperature D = Tσ²/2  (units of loss)"
Checks = dict[Case, Check]


@dataclass(frozen=True)
class Size:
    """Paths, and more of the cheapest runs; relaxation times before snapshots, and how many; D of each kind of noise.

    `isotropic` by dimension, `partly` and `wholly` where F follows the curvature; `sgd` are runs of SGD. `between` are
    those at which evidence and noise choose different minima, also among the runs above.
    """

    paths: int
    paths_of_one: int
    settled: float
    snapshots: int
    isotropic: dict[int, tuple[float, ...]]
    partly: tuple[float, ...]
    wholly: tuple[float, ...]
    sgd: tuple[Case, ...]
    between: tuple[Case, ...]

    @property
    def sweeps(self) -> list[list[Case]]:
        """Runs that differ in D alone."""
        found = [[Case(d, dimension) for d in ds] for dimension, ds in self.isotropic.items()]
        return [*found, [Case(d, aligned=PARTLY) for d in self.partly], [Case(d, aligned=1.0) for d in self.wholly]]


@claim(Size)
def evidence_picks_minimum(context: Context) -> Found:
    size: Size = context.size
    checks: Checks = {}
    for case in [*chain.from_iterable(size.sweeps), *size.sgd]:
        paths = size.paths_of_one if case == Case(case.temperature) else size.paths
        seed, length = context.seed(*case), {"settled": size.settled, "snapshots": size.snapshots}
        measured = two.measured_preference(case, paths, seed, **length)
        exact = case.exact
        label = f"ln(p_B/p_A), {case.model}, D = {case.temperature:g}"
        checks[case] = Check.of(label, exact, measured, _rivals(case), scale=max(1.0, abs(exact)))
        yield checks[case]
    for cases in size.sweeps:
        if len(cases) > 3 and cases[0].aligned < 1:
            yield _crossing_check({case: checks[case] for case in cases})
    for case in size.between:
        check = checks[case]
        label = f"{check.label}, as the evidence at A's own temperature has it"
        predicted = evidence_preference(two.hottest(case))
        yield Check(label, predicted, check.measured, check.standard_error, scale=1.0)
    yield Told(facts={"depth": two.DEPTH, "n": two.N, "short": two.SHORT, "shown": SHOWN, **_facts(checks, size)})
    yield Drawing("evidence", _dimensions({case: check for case, check in checks.items() if case.noise == "isotropic"}))
    yield Drawing("noises", _noises({case: check for case, check in checks.items() if case.dimension == 1}))
    x = np.linspace(-1.42, 1.75, 200)
    profile = (x, two.wells().loss(x[:, None]), {"A": (two.A, 0.0), "B": (two.B, two.DEPTH)})
    minima = {f"P = {p}": dict(zip("AB", two.laplace(SHOWN, p), strict=True)) for p in (1, 2, 4)}
    yield Drawing("occam", occam_chart(minima, profile, title=f"D = {SHOWN:g}"))


def _rivals(case: Case) -> dict[str, float]:
    """The evidence where F is not the same everywhere, depth alone, or the evidence at twice the temperature."""
    if case.aligned:
        return {"the evidence": evidence_preference(case.temperature)}
    if case.dimension > 1:
        return {"depth alone": -two.DEPTH / case.temperature}
    return {"twice the temperature": evidence_preference(2 * case.temperature)}


def _crossing_check(checks: Checks) -> Check:
    """Where the exact law, plus a line in ln D through what was measured beside it, is zero; to first order in it."""
    one = next(iter(checks))
    exact = two.crossing(one)
    x = np.log([case.temperature / exact for case in checks])
    errors = np.array([check.standard_error for check in checks.values()])
    off = np.array([check.measured - check.predicted for check in checks.values()])
    design = np.column_stack([np.ones_like(x), x]) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    shift = float((covariance @ design.T @ (off / errors))[0])
    step = 1e-3
    slope = (one.at(exact * (1 + step)).exact - one.at(exact * (1 - step)).exact) / (2 * step)
    value = exact * math.exp(-shift / slope)
    plain = one == Case(one.temperature)
    rivals = {"half the temperature": exact / 2} if plain else {"the evidence for P = 1": two.crossing(Case(exact))}
    error = value * math.sqrt(covariance[0, 0]) / slope
    return Check(f"D beyond which B is chosen, {one.model}", exact, value, error, rivals)


def _facts(checks: Checks, size: Size) -> dict[str, object]:
    """Numbers of the notes, by exact laws; and where evidence and paths choose different minima."""

    def laplaces(p: int) -> float:
        return float(brentq(lambda d: laplace_preference(d, p), *two.CROSSINGS))

    by_dimension = ", ".join(f"{two.crossing(Case(0.3, p)):.3f} ({laplaces(p):.3f})" for p in (1, 2, 4))
    apart = "; ".join(
        f"{case.model}, D = {case.temperature:g}: {checks[case].measured:+.2f} ± {checks[case].standard_error:.2f}, "
        f"{evidence_preference(case.temperature):+.2f}, {evidence_preference(two.hottest(case)):+.2f}"
        for case in size.between
    )
    first, second = (Case(0.44, batch=b).exact - evidence_preference(0.44) for b in (2, 4))
    gone = 100 * float(brentq(two.tilt, 0.0, 1.0))
    return {
        "by_dimension": by_dimension, "apart": apart, "first": first, "second": second, "gone": gone,
        "some": 100 * PARTLY, "partly_at": two.crossing(Case(0.3, aligned=PARTLY)), "plain": two.crossing(Case(0.3)),
    }  # fmt: skip


def _dimensions(checks: Checks) -> sg.plotting.Figure:
    """Isotropic noise in several dimensions: the evidence is the line."""
    lines, series = [], []
    for p in dict.fromkeys(case.dimension for case in checks):
        own = {case: check for case, check in checks.items() if case.dimension == p and not case.batch}
        fine = _fine(own)
        lines.append(Line(f"Laplace, P = {p}", fine, np.exp([laplace_preference(d, p) for d in fine])))
        series.append(_series(f"SDE, P = {p}", own))
    return against_theory(series, AXIS, "p_B / p_A", lines, "linear", "linear", "measured / evidence")


def _noises(checks: Checks) -> sg.plotting.Figure:
    """One dimension: a panel for each kind of noise, SDE and SGD; the evidence is the same dashed line in all."""
    panels = {}
    for noise in dict.fromkeys(case.noise for case in checks):
        own = {case: check for case, check in checks.items() if case.noise == noise}
        panels[noise] = [
            _series(f"SGD, B = {batch}" if batch else "SDE", {c: check for c, check in own.items() if c.batch == batch})
            for batch in sorted({case.batch for case in own})
        ]
    fine = _fine(checks)
    lines = [
        Line("the evidence", fine, np.exp([evidence_preference(d) for d in fine])),
        Line("equally likely", [fine[0], fine[-1]], [1.0, 1.0]),
    ]
    return against_theory_panels(panels, AXIS, "p_B / p_A", lines, "linear", "log", "measured / exact")


def _fine(checks: Checks) -> list[float]:
    every = [case.temperature for case in checks]
    return [float(each) for each in np.linspace(0.95 * min(every), 1.05 * max(every), 40)]


def _series(label: str, checks: Checks) -> Series:
    """Odds with the line of their exact law."""
    one, x = next(iter(checks)), [case.temperature for case in checks]
    measured = np.exp([check.measured for check in checks.values()])
    error = measured * [check.standard_error for check in checks.values()]
    fine = np.linspace(min(x), max(x), 8 if one.batch else 30) if len(x) > 1 else np.array([])
    exact = np.exp([check.predicted for check in checks.values()])
    return Series(label, x, measured, error, exact, fine, np.exp([one.at(d).exact for d in fine.tolist()]))
