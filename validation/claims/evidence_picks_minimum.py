"""Evidence and noise between a deep sharp minimum and a shallow wide one: which of them is chosen, and by whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.optimize import brentq

from sgdsde.plotting import occam_chart
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence import two_minima as two
from validation.evidence.preference_figures import Checks, dimensions_figure, noises_figure
from validation.evidence.two_minima import Case, evidence_preference
from validation.evidence.wells import DEPTH, A, B, laplace, laplace_preference, wells

#: Share of F that follows the curvature where the crossing moves and is not yet gone.
PARTLY = 0.1
#: D of the bars.
SHOWN = 0.24


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
    yield Told(facts={"depth": DEPTH, "n": two.N, "short": two.SHORT, "shown": SHOWN, **_facts(checks, size)})
    isotropic = {case: check for case, check in checks.items() if case.noise == "isotropic"}
    yield Drawing("evidence", dimensions_figure(isotropic))
    yield Drawing("noises", noises_figure({case: check for case, check in checks.items() if case.dimension == 1}))
    x = np.linspace(-1.42, 1.75, 200)
    profile = (x, wells().loss(x[:, None]), {"A": (A, 0.0), "B": (B, DEPTH)})
    minima = {f"P = {p}": dict(zip("AB", laplace(SHOWN, p), strict=True)) for p in (1, 2, 4)}
    yield Drawing("occam", occam_chart(minima, profile, title=f"D = {SHOWN:g}"))


def _rivals(case: Case) -> dict[str, float]:
    """The evidence where F is not the same everywhere, depth alone, or the evidence at twice the temperature."""
    if case.aligned:
        return {"the evidence": evidence_preference(case.temperature)}
    if case.dimension > 1:
        return {"depth alone": -DEPTH / case.temperature}
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
