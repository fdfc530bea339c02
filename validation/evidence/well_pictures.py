"""Pictures of the claim ``evidence_picks_minimum``: choices against the temperature, and what the evidence weighs."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Line, Series, against_theory
from sgdsde.plotting.style import COLOURS, bare_figure, house_style
from validation.claim import Picture
from validation.escape.occupancy import SHARP, WIDE, Array
from validation.evidence.well_cases import Checks
from validation.evidence.wells import DEPTH, evidence_preference, laplace, laplace_preference, wells

AXIS = "temperature D = Tσ²/2  (units of loss)"


def preference_picture(checks: Checks) -> Picture:
    """Isotropic noise in several dimensions: the evidence is the line."""
    shown = {case: check for case, check in checks.items() if not case.batch and not case.aligned}
    lines = []
    for p in dict.fromkeys(case.dimension for case in shown):
        fine = _fine({case: check for case, check in shown.items() if case.dimension == p})
        lines.append(Line(f"Laplace, P = {p}", fine, np.exp([laplace_preference(d, p) for d in fine])))
    figure = against_theory(_series(shown), AXIS, "p_B / p_A", lines, "linear", "linear", "measured / evidence")
    caption = (
        "How much longer the SDE with isotropic noise is at the wide minimum B than at the deep one A, against the "
        "ratio of evidences of the two sides: coloured lines are the integrals, grey ones Laplace's approximation. "
        "Above 1 B is chosen. P − 1 directions besides x are sharper at A. Bars are one standard error."
    )
    alt = "Points lie on the lines of the evidence, which cross 1 at D = 0.38, 0.28 and 0.19 for P = 1, 2 and 4."
    return Picture("evidence", caption, alt, figure)


def sides_picture(checks: Checks) -> Picture:
    """One dimension, all kinds of noise, SDE and SGD; the isotropic SDE has the line of the evidence."""
    shown = {case: check for case, check in checks.items() if case.aligned or case.batch}
    fine = _fine(shown)
    lines = [
        Line("evidence", fine, np.exp([evidence_preference(d) for d in fine])),
        Line("equally likely", [fine[0], fine[-1]], [1.0, 1.0]),
    ]
    figure = against_theory(_series(shown), AXIS, "p_B / p_A", lines, "linear", "log", "measured / exact")
    caption = (
        "The same in one dimension, where a part or all of F follows the curvature, and for SGD. The isotropic SDE has "
        "the odds of the evidence. Lines through points are exact: the stationary density of the SDE, the stationary "
        "law of SGD's updates. Where a line is above 1 and the evidence below it, dynamics and evidence choose "
        "different minima. Bars are one standard error."
    )
    alt = "With F ∝ H the ratio is 10 and more and rises as the noise falls; with a tenth of F it passes 1 at D = 0.2."
    return Picture("noises", caption, alt, figure)


def occam_picture(dimensions: tuple[int, ...], temperature: float) -> Picture:
    """The landscape along x, and what the evidence takes off for cost and for each eigenvalue."""
    with house_style():
        figure = bare_figure(8.0, 3.6)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
        x = np.linspace(-1.55, 2.1, 200)
        left.plot(x, wells().loss(x[:, None]), color="#333333")
        for name, at, height in (("A", SHARP, 0.0), ("B", WIDE, DEPTH)):
            left.plot([at], [height], "o", color=COLOURS[0])
            left.annotate(name, (at, height), (0, -13), textcoords="offset points", ha="center")
        left.set(xlabel="x", ylabel="L", ylim=(-0.16, 1.3), title="Along x")
        widest = 0.0
        for row, dimension in enumerate(dimensions):
            for offset, name, evidence in zip((-0.2, 0.2), "AB", laplace(temperature, dimension), strict=True):
                # The largest eigenvalue is that of x at both minima.
                parts = np.array([evidence.cost, *(-evidence.log_occam_factors[::-1])])
                colours = [COLOURS[min(k, 2)] for k in range(len(parts))]
                starts = np.cumsum(parts) - parts
                right.barh(row + offset, parts, 0.34, starts, color=colours, alpha=0.75, edgecolor="white")
                end = (float(parts.sum()), row + offset)
                right.annotate(f"{name}: {end[0]:.2f}", end, (5, 0), textcoords="offset points", va="center")
                widest = max(widest, end[0])
        for k, name in enumerate(("cost L/D", "½ ln(λᵢ/λ), x", "½ ln(λᵢ/λ), each y")):
            right.barh(0, 0.0, 0.34, color=COLOURS[k], alpha=0.75, label=name)
        right.set(xlabel="−ln Z by Laplace  (nats)", title=f"D = {temperature:g}", xlim=(0, 1.2 * widest))
        right.set_yticks(range(len(dimensions)), [f"P = {dimension}" for dimension in dimensions])
        right.invert_yaxis()
        right.grid(visible=False, axis="y")
        right.legend(loc="upper right", fontsize=8.5)
    caption = (
        f"The loss along x, and what the evidence of each minimum loses at D = {temperature:g}, by Laplace, with a "
        "prior of λ = 1, common to both: its cost and, for each eigenvalue, by how much the posterior is narrower than "
        "the prior. The minimum with the shorter bar is chosen."
    )
    alt = "A has no cost and a longer bar for x; with each further direction B gains, and at P = 4 its bar is shorter."
    return Picture("occam", caption, alt, figure)


def _fine(checks: Checks) -> Array:
    every = [case.temperature for case in checks]
    return np.linspace(0.95 * min(every), 1.05 * max(every), 40)


def _series(checks: Checks) -> list[Series]:
    found = []
    for model in dict.fromkeys(case.model for case in checks):
        cases = {case: check for case, check in checks.items() if case.model == model}
        x = [case.temperature for case in cases]
        measured = np.exp([check.measured for check in cases.values()])
        error = measured * [check.standard_error for check in cases.values()]
        one = next(iter(cases))
        fine = np.linspace(min(x), max(x), 8 if one.batch else 30)
        exact = np.exp([check.predicted for check in cases.values()])
        line = np.exp([one.at(d).exact for d in fine.tolist()])
        found.append(Series(model, x, measured, error, exact, fine, line))
    return found
