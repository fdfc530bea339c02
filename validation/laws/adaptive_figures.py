"""Pictures of the claim ``adaptive``."""

from __future__ import annotations

import math

import numpy as np

from sgdsde.plotting import Curve, CurvePanel, Figure, Line, against_theory, curve_panels
from validation.check import Check
from validation.laws.adaptive import COLD, READINGS, START, WARM, Scaled, Sign
from validation.measure import Array, series

#: Relaxation times of a course.
SHOWN = 4


def sign_figure(checks: dict[Sign, Check]) -> Figure:
    """Variance over the law of small ε, with the exact one of the lattice."""
    shown = []
    for kind in dict.fromkeys(case[1:] for case in checks):
        of = [case for case in checks if case[1:] == kind]
        fine = np.geomspace(min(case.ratio for case in of), max(case.ratio for case in of), 80)
        start = "from ε/2 off the minimum" if kind[0] else "from the minimum"
        label = f"from it, t with {kind[1][-1]} degrees of freedom, B = 1" if kind[1] else start
        line = [Sign(float(ratio), *kind).law() for ratio in fine]
        shown.append(series(label, [case.ratio for case in of], [checks[case] for case in of], fine, line))
    ends = [min(case.ratio for case in checks), max(case.ratio for case in checks)]
    y = "Var ω / (ε√(π/8) σ/(h√B))"
    return against_theory(shown, "εh√B/σ", y, [Line("ε → 0", ends, [1, 1])], ratio="measured / exact", columns=2)


def rule_figure(checks: dict[Scaled, Check]) -> Figure:
    """Variance in units of that at κ = 1, by the two rules."""
    shown = []
    for name in dict.fromkeys(case.dynamics for case in checks):
        for linear in (False, True):
            of = [case for case in checks if case.dynamics == name and case.linear == linear]
            if of:
                label = f"{name}, {'ε → κε' if linear else 'ε → √κ ε'}"
                shown.append(series(label, [case.kappa for case in of], [checks[case] for case in of]))
    kappas = np.unique([case.kappa for case in checks])
    lines = [Line("square-root rule", kappas, np.ones(len(kappas))), Line("linear rule", kappas, np.sqrt(kappas))]
    return against_theory(shown, "κ, batches are 4κ", "Var ω / SDE's at κ = 1", lines, columns=3)


def course_figure(courses: dict[Scaled, Array]) -> Figure:
    """Mean and variance of Adam on the way, from a warm and a cold start, against its SDE."""
    x_label, panels = "relaxation times σ/(εh√B)", []
    for start, which, y in (
        (WARM, 0, "mean of ω / start"),
        (WARM, 1, "Var ω / stationary"),
        (COLD, 1, "Var ω / stationary"),
    ):
        of = {case: x[: READINGS * SHOWN] for case, x in courses.items() if case.start == start}
        curves = []
        for case, x in of.items():
            at, unit = np.arange(1, len(x) + 1) * case.relaxations, case.base if which else START
            value = x.var(axis=1) if which else x.mean(axis=1)
            error = value * math.sqrt(2) if which else x.std(axis=1)
            curves.append(
                Curve(f"Adam, κ = {case.kappa}", at, value / unit, error / unit / math.sqrt(x.shape[1]), joined=False)
            )
        case = next(iter(of))
        readings = np.linspace(0.02, SHOWN * READINGS, 200)
        fine, unit = readings * case.relaxations, case.base if which else START
        lines = [
            Line(label, fine, case.course(readings, memory=memory)[which] / unit)
            for label, memory in (("its SDE", True), ("the same at β₁ = 0", False))
        ]
        title = "averages start at 0, as Adam's do" if start == COLD else "averages start at their means"
        panels.append(CurvePanel(x_label, y, curves, lines, title=title, level=0.0 if not which else None))
    return curve_panels(panels, columns=5)
