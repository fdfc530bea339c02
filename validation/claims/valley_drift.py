"""Noise across a valley of minima moves SGD along it: F ∝ H down the trace of the Hessian, constant F down its log."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Curve, CurvePanel, Figure, Line, Series, against_theory_panels, curve_panels
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.sparse import DATA, EXAMPLES, SIZE, SPARSE, WIDTH, Training, problem
from validation.laws.valley import ACROSS, BOTH, LABELS, Valley
from validation.measure import Array, mean_and_error, mean_check

NONE, OTHER, TWICE, SMALL = "no drift", "the drift of the other noise", "twice the drift", "the law of ε → 0"
#: Replicas without label noise, which are nearly alike.
CONTROL = 6


@dataclass(frozen=True)
class Size:
    """Valleys with their paths, paths where noise along the valley moves x too, and the regression."""

    paths: int
    diffusing: int
    cases: tuple[Valley, ...]
    regression: Training


@claim(Size)
def valley_drift(context: Context) -> Found:
    size: Size = context.size
    seen: dict[Valley, Array] = {}
    for case, part in context.part(0, 0.5).shares(size.cases):
        paths = size.diffusing if case.noise == BOTH else size.paths
        x = case.run(paths, part.seed("valley", *case))
        seen[case] = np.array([mean_and_error(each) for each in x])
        yield _drift_check(case, *seen[case][-1])
    yield Drawing("valley", _valley_figure(seen))
    yield from _regression(context.part(0.5, 1.0), size)


def _drift_check(case: Valley, mean: float, error: float) -> Check:
    """How far x came, in units of the theory's."""
    far = case.start - case.course(case.times)[-1]
    ways = {
        OTHER: case.course(case.times, noise=ACROSS if case.noise == LABELS else LABELS),
        TWICE: case.course(case.times, factor=2.0),
        SMALL: case.course(case.times, "sde"),
    }
    rivals = {NONE: 0.0} | {name: (case.start - course[-1]) / far for name, course in ways.items()}
    return Check(f"drift / theory's, {case}", 1.0, (case.start - mean) / far, error / far, rivals)


def _regression(context: Context, size: Size) -> Found:
    plan = size.regression
    logs, missed = plan.run(context.seed("label noise"), f"labels:{plan.sigma:g}")
    context.progress(0.9)
    _, dense = plan._replace(replicas=CONTROL).run(context.seed("no label noise"), None)
    course, limit = plan.course(plan.at), plan.course(plan.at, residuals=False)
    falls = [each.log_products.mean(axis=1) - 2 * math.log(SIZE) for each in (course, limit)]
    measured, error, dof = _sum_of_windows(logs)
    rivals = {NONE: 0.0, TWICE: 2 * falls[0][-1], SMALL: falls[1][-1]}
    yield Check("mean ln uv, label noise", falls[0][-1], measured, error, rivals, dof=dof)
    inputs, truth = problem()
    far = [((each.weights - truth) ** 2).sum(axis=1) / SPARSE for each in (course, limit)]
    expected, flow = far[0] + course.spread / SPARSE, sg.theory.least_entropy_fit(inputs, inputs @ truth, SIZE**2)
    stays = float(((flow - truth) ** 2).sum()) / SPARSE
    yield mean_check("share of the truth missed, label noise", missed[:, -1], {NONE: stays}, predicted=expected[-1])
    with_noise = {"as with label noise": expected[-1]}
    yield mean_check("share of the truth missed, no label noise", dense[:, -1], with_noise, predicted=stays)
    yield Told({"width": WIDTH, "examples": EXAMPLES, "sparse": SPARSE, "size": SIZE, "data": DATA, "stays": stays})
    yield Drawing("regression", _regression_figure(plan, (logs, missed, dense), (falls, [expected, far[1]])))


def _sum_of_windows(logs: Array) -> tuple[float, float, float]:
    """What ln uv came to, its error, and degrees of freedom: over replicas of each window, which are independent."""
    steps = np.diff(logs, axis=1, prepend=0.0)
    windows, replicas = steps.shape[1], len(steps)
    variance = steps.var(axis=0, ddof=1).mean() * windows / replicas
    return float(logs[:, -1].mean()), math.sqrt(variance), float(windows * (replicas - 1))


def _valley_figure(seen: dict[Valley, Array]) -> Figure:
    """x against τ, with the slow equation of SGD, and those of ε → 0 in grey."""
    panels: dict[str, list[Series]] = {LABELS: [], "F = f": []}
    for case, found in seen.items():
        fine = np.linspace(case.times[0] / 50, case.times[-1], 60)
        title, along = (LABELS, "") if case.noise == LABELS else ("F = f", "along too, " * (case.noise == BOTH))
        label = along + str(case).split(", ", 1)[1].rpartition(",")[0]
        panels[title].append(
            Series(label, case.times, found[:, 0], found[:, 1], case.course(case.times), fine, case.course(fine))
        )
    last = max(float(case.times[-1]) for case in seen)
    fine = np.linspace(0, last, 60)
    lines = [
        Line(f"ε → 0, {noise.removesuffix(' across')}", fine, Valley(noise, 0.1, 0.01).course(fine, "sde"))
        for noise in (LABELS, ACROSS)
    ]
    x, y = "τ = Tσ²s or Tfs,   s the time of the SDE", "x, along the valley"
    return against_theory_panels(panels, x, y, lines, "linear", "linear", "measured / theory", columns=4)


def _regression_figure(plan: Training, seen: tuple[Array, ...], theory: tuple[list[Array], list[Array]]) -> Figure:
    logs, missed, dense = (_points(each) for each in seen)
    at, names = plan.at, ("theory", "theory of ε → 0")
    panels = [
        CurvePanel(
            "updates", "|β − β*|² / |β*|²",
            [
                Curve("SGD with label noise", at, *missed, joined=False),
                Curve("SGD without", at, *dense),
            ],
            [Line(*each) for each in zip(names, (at, at), theory[1], strict=True)], level=0.0,
            title="what is left to find",
        ),
        CurvePanel(
            "updates", "mean of ln u v, from its start",
            [Curve("SGD with label noise", at, *logs, joined=False)],
            [Line(*each) for each in zip(names, (at, at), theory[0], strict=True)],
            title="the valley's slow variable",
        ),
    ]  # fmt: skip
    return curve_panels(panels)


def _points(values: Array) -> tuple[Array, Array]:
    """Means over replicas and their standard errors."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(len(values))
