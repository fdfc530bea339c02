"""Figures of the claim ``evidence_picks_minimum``: odds of the two minima against the temperature."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Figure, Line, Series, against_theory, against_theory_panels
from validation.check import Check
from validation.evidence.two_minima import Case, evidence_preference
from validation.evidence.wells import laplace_preference
from validation.measure import series

AXIS = "temperature D = Tσ²/2  (units of loss)"
Checks = dict[Case, Check]


def dimensions_figure(checks: Checks) -> Figure:
    """Isotropic noise in several dimensions: the evidence is the line."""
    lines, shown = [], []
    for p in dict.fromkeys(case.dimension for case in checks):
        own = {case: check for case, check in checks.items() if case.dimension == p and not case.batch}
        fine = _fine(own)
        lines.append(Line(f"Laplace, P = {p}", fine, np.exp([laplace_preference(d, p) for d in fine])))
        shown.append(_series(f"SDE, P = {p}", own))
    return against_theory(shown, AXIS, "p_B / p_A", lines, "linear", "linear", "measured / evidence")


def noises_figure(checks: Checks) -> Figure:
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
    fine = np.linspace(min(x), max(x), 8 if one.batch else 30) if len(x) > 1 else np.array([])
    line = np.exp([one.at(d).exact for d in fine.tolist()])
    return series(label, x, list(checks.values()), fine, line, logs=True)
