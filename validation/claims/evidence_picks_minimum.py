"""Evidence and noise between a deep sharp minimum and a shallow wide one: which of them is chosen, and by whom."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.escape.occupancy import N
from validation.evidence.well_cases import SHORT, Case, Checks, against_evidence, measured_preference
from validation.evidence.well_pictures import occam_picture, preference_picture, sides_picture
from validation.evidence.wells import DEPTH, crossing, evidence_preference, hottest, laplace_preference, tilt
from validation.measure import fitted_root
from validation.sizes import plans

#: Share of F that follows the curvature where the crossing moves and is not yet gone.
PARTLY = 0.1
#: Between these temperatures lie all crossings.
CROSSINGS = (0.08, 0.7)


@dataclass(frozen=True)
class Size:
    """Paths; D by dimension where F = σ² I; D where F follows the curvature, partly and wholly; runs of SGD.

    `between` are runs at which evidence and noise choose different minima, also among the runs above.
    """

    paths: int
    isotropic: dict[int, tuple[float, ...]]
    partly: tuple[float, ...]
    wholly: tuple[float, ...]
    sgd: tuple[Case, ...]
    between: tuple[Case, ...]

    @property
    def cases(self) -> list[Case]:
        found = [Case(d, dimension) for dimension, ds in self.isotropic.items() for d in ds]
        found += [Case(d, aligned=PARTLY) for d in self.partly] + [Case(d, aligned=1.0) for d in self.wholly]
        return [*found, *self.sgd]

    @property
    def sweeps(self) -> list[list[Case]]:
        """Runs from which a crossing is found."""
        found = [[Case(d, dimension) for d in ds] for dimension, ds in self.isotropic.items()]
        found.append([Case(d, aligned=PARTLY) for d in self.partly])
        return [cases for cases in found if len(cases) > 3]

    def plan(self, seconds: float) -> Plan:
        return Plan(len(self.cases) + len(self.sweeps) + len(self.between), seconds, self)


@claim(
    title="Noise that is the same everywhere chooses the minimum of larger evidence; noise that follows H goes further",
    statement=(
        "Between a deep sharp minimum A and a shallow wide one B, the SDE with isotropic noise is on each side as "
        "often as that side's Bayesian evidence at temperature D = Tσ²/2 says: A at small noise, B at large. Each "
        "further direction that is sharper at A adds an Occam factor and lowers the temperature of the change. "
        "Where F follows the Hessian the noise is not a temperature: with a tenth of F the choice changes near half "
        "the temperature, with all of it the paths are in B at every noise, and at the smallest most of all. In "
        "between evidence and dynamics choose different minima. SGD does as its SDE, off by O(ε)."
    ),
    formula=(
        "ln(p_B/p_A) = ln(Z_B/Z_A) ≈ (L_A − L_B)/D + ½ Σ ln(λ_i^A/λ_i^B) for F = σ² I\n"
        "F ∝ H:  ln(p_B/p_A) ≈ −(1/D) ∫_A^B L'σ²/F dx + ln(λ^A/λ^B)"
    ),
    source=(
        "Smith & Le, arXiv 1710.06451, eqs 1–2 and §4; Jastrzębski et al., Three Factors, arXiv 1711.04623; Xie, Sato "
        "& Sugiyama, arXiv 2002.03495; stationary densities in one dimension (Gardiner, Handbook of Stochastic Methods)"
    ),
    plans=plans("evidence_picks_minimum", Size),
)  # fmt: skip
def evidence_picks_minimum(context: Context) -> Finding:
    size: Size = context.size
    checks: Checks = {}
    for case in size.cases:
        measured = measured_preference(case, size.paths, context.seed(*case))
        scale = max(1.0, abs(case.exact))
        checks[case] = Check(case.label, case.exact, *measured, case.rivals, scale=scale)
        context.progress(len(checks) / len(size.cases))
    crossings = [_crossing_check(checks, cases) for cases in size.sweeps]
    headline = crossings[0].label if crossings else next(iter(checks.values())).label
    return Finding(
        (*checks.values(), *crossings, *(against_evidence(case, checks[case]) for case in size.between)),
        headline=headline,
        pictures=(preference_picture(checks), sides_picture(checks), occam_picture((1, 2, 4), 0.24)),
        method=(
            f"Minima A = (−1, 0) at L = 0 and B = (1, 0) at L = {DEPTH:g}, curvatures 8.375 and 1.625 along x, 2 and "
            "4/3 along each of P − 1 further directions; a side is x below or above the maximum of L between them. "
            f"{size.paths:,} independent paths for each number, half from each minimum; 24 snapshots after 8 "
            "relaxation times. The evidence of a side is the integral of e^(−L/D) over it, by quadrature, the Gaussian "
            "integrals over y being exact. F = σ²(1 − a + a h(x)/√(h_A h_B)), h(x) going smoothly from the curvature "
            "of A to that of B; D = Tσ²/2 is the geometric mean of TF/2 at both minima when a = 1. Schemes have a "
            f"stationary law of second order in the step, ε ≤ 0.02, or {SHORT:g} where F is not constant. SGD draws "
            f"with replacement from N = {N} quantiles of the normal law and is held against the law of its own "
            "updates, an integral equation. Crossings: the zero of a parabola in ln D through the log ratios, less "
            "what such a parabola misses on the exact ones."
        ),
        notes=_notes(checks, crossings, size.between),
    )


def _crossing_check(checks: Checks, cases: Iterable[Case]) -> Check:
    found = {case.temperature: checks[case] for case in cases}
    one = next(iter(cases))
    x, errors = np.log(list(found)), np.array([check.standard_error for check in found.values()])
    root, scatter = fitted_root(x, np.array([check.measured for check in found.values()]), errors)
    exact = crossing(lambda d: one.at(d).exact, *CROSSINGS)
    # The parabola is not the law: what it misses on exact log ratios is taken off.
    missed = fitted_root(x, np.array([check.predicted for check in found.values()]), errors)[0] - math.log(exact)
    value = math.exp(root - missed)
    plain = crossing(evidence_preference, *CROSSINGS)
    rivals = {"half the temperature": exact / 2} if one == Case(one.temperature) else {"the evidence for P = 1": plain}
    return Check(f"D beyond which B is chosen, {one.model}", exact, value, value * scatter, rivals)


def _notes(checks: Checks, crossings: list[Check], between: tuple[Case, ...]) -> tuple[str, ...]:
    plain = crossing(evidence_preference, *CROSSINGS)
    partly = crossing(lambda d: Case(d, aligned=PARTLY).exact, *CROSSINGS)
    gone = float(brentq(tilt, 0.0, 1.0))
    by_dimension = ", ".join(
        f"{crossing(lambda d, p=p: evidence_preference(d, p), *CROSSINGS):.3f} "  # type: ignore[misc]
        f"({crossing(lambda d, p=p: laplace_preference(d, p), *CROSSINGS):.3f})"  # type: ignore[misc]
        for p in (1, 2, 4)
    )
    apart = "; ".join(
        f"{case.model}, D = {case.temperature:g}: {checks[case].measured:+.2f} ± {checks[case].standard_error:.2f}, "
        f"{evidence_preference(case.temperature):+.2f}, "
        f"{evidence_preference(hottest(case.temperature, case.aligned)):+.2f}"
        for case in between
    )
    first, second = (Case(0.44, batch=b).exact - evidence_preference(0.44) for b in (2, 4))
    return (
        f"The evidence, and isotropic noise, change from A to B at D = {by_dimension} for P = 1, 2, 4; in brackets "
        "Laplace's approximation, which takes both wells for parabolas.",
        f"With {100 * PARTLY:g} % of F after H the paths change at {partly:.3f} in place of {plain:.3f}, and between "
        f"these they choose B where the evidence chooses A. Beyond {100 * gone:.0f} % they choose B down to D = 0: the "
        "way up from A, where F is large, is shorter in units of noise than that from B.",
        "ln(p_B/p_A) of the paths, ln(Z_B/Z_A) at D, and at the temperature TF/2 of the noise at A, where there is "
        f"most: {apart}. Where the last is negative, no reading of the temperature makes the evidence choose as the "
        "paths do.",
        f"Isotropic SGD at D = 0.44 is {first:+.3f} nats from the evidence at B = 2, ε = 0.022, and {second:+.3f} at "
        "B = 4, ε = 0.044, by the exact law of its updates.",
        "The posterior of N examples is D = 1/N. Isotropic noise of that temperature weighs depth against width as the "
        "posterior does, and in this sense it is the best; less noise prefers depth, more of it width. With F ∝ H the "
        "paths are in B whichever the evidence chooses, and no noise shown gives the posterior's odds. Which minimum "
        "generalises better is not measured here.",
    )
