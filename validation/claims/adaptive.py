"""signSGD, RMSprop and Adam around a minimum: their laws, their SDEs, and the square-root rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws import adaptive as laws
from validation.laws.adaptive import COLD, CURVATURE, NOISE, READINGS, START, WARM, Scaled, Sign
from validation.laws.adaptive_figures import course_figure, rule_figure, sign_figure
from validation.measure import Array, mean_check

LINEAR, SMALL, NORMAL, SGD = "the linear rule", "the law of ε → 0", "normal noise", "SGD's law"
SIGN, ADAM, MEMORYLESS = "signSGD's law", "Adam's law", "no memory of gradients"
#: Of a batch's gradient, in its deviations: where steps of signSGD are measured.
GRADIENTS = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Size:
    """Paths of single steps, of signSGD and of the rules at κ = 1; κ times as many for a κth of the updates."""

    steps: int
    paths: int
    scaled: int
    signs: tuple[Sign, ...]
    kappas: tuple[int, ...]


@claim(Size)
def adaptive(context: Context) -> Found:
    size: Size = context.size
    yield from _steps(context, size.steps)
    variances: dict[Sign, Check] = {}
    for sign, part in context.part(0, 0.3).shares(size.signs):
        variances[sign] = _sign_check(sign, sign.run(size.paths, part.seed("sign", *sign)))
        yield variances[sign]
    runs = [
        Scaled(name, kappa, linear)
        for name in ("signsgd", "rmsprop", "adam") for kappa in size.kappas for linear in (False, True)
        if not linear or kappa > 1
    ] + [Scaled("adam", kappa, start=start) for start in (WARM, COLD) for kappa in size.kappas]  # fmt: skip
    found: dict[Scaled, Check] = {}
    courses: dict[Scaled, Array] = {}
    for case, part in context.part(0.3, 1.0).shares(runs):
        run = case.run(size.scaled, part.seed("rule", *case))
        if case.start:
            courses[case] = laws.marks(run)
            yield from _course_checks(case, courses[case])
            continue
        measured = np.array([run.covariance[0, 0], run.standard_error.covariance[0, 0]]) / case.base
        found[case] = _rule_check(case, *measured)
        yield found[case]
        if case.linear:
            yield Check(f"the linear rule keeps the variance, {case}", 1.0, *measured)
    yield Told(laws.facts())
    yield Drawing("signs", sign_figure(variances))
    yield Drawing("rule", rule_figure(found))
    yield Drawing("course", course_figure(courses))


def _steps(context: Context, paths: int) -> Iterator[Check]:
    """One step of signSGD, in units of −ε, from where the gradient is so many deviations of a batch's."""
    config = Sign(1.0).config
    deviation = math.sqrt(config.batch_noise * NOISE)
    for gradient in GRADIENTS:
        place = gradient * deviation / CURVATURE
        run = sg.simulate_sgd(
            laws.bowl(),
            config,
            place,
            1,
            paths,
            dynamics="signsgd",
            noise="normal",
            seed=context.seed("step", gradient),
        )
        step = (place - run.final[:, 0]) / config.learning_rate
        exact = -float(sg.theory.signsgd_drift(gradient * deviation, NOISE, config)) / config.learning_rate
        rivals = {"a drift linear in the gradient": gradient * math.sqrt(2 / math.pi), "no noise": 1.0}
        yield mean_check(f"mean step / −ε, gradient {gradient:g} σ/√B", step, rivals, predicted=exact, scale=None)


def _sign_check(case: Sign, run: sg.Ensemble) -> Check:
    measured, error = run.covariance[0, 0], run.standard_error.covariance[0, 0]
    sgd = case.config.learning_rate * case.config.batch_noise * NOISE / (2 * CURVATURE)
    rivals = {SMALL: 1.0, ADAM: 0.5 / math.sqrt(math.pi / 8), SGD: sgd / case.unit}
    if case.examples:
        rivals[NORMAL] = Sign(case.ratio, case.start).law()
    return Check(f"Var / law of ε → 0, {case}", case.law(), measured / case.unit, error / case.unit, rivals)


def _rule_check(case: Scaled, measured: float, error: float) -> Check:
    """The variance in units of that at κ = 1, as its SDE has it."""
    config, law = case.config, case.law()
    other = math.sqrt(math.pi / 8) / 0.5
    rivals = {
        LINEAR: 1.0 if case.linear else 1 / math.sqrt(case.kappa),
        **({ADAM: law / other} if case.dynamics == "signsgd" else {SIGN: law * other}),
        SGD: config.learning_rate * config.batch_noise * NOISE / (2 * CURVATURE * case.base),
    }
    by = ", by the linear rule" if case.linear else ""
    return Check(f"Var / SDE's at κ = 1, {case}{by}", law, measured, error, rivals)


def _course_checks(case: Scaled, x: Array) -> Iterator[Check]:
    """Variance after half a relaxation time, and from a warm start the mean."""
    half = READINGS // 2
    (mean,), (variance,) = case.course(np.array([half]))
    (bare,), (spread,) = case.course(np.array([half]), memory=False)
    at = x[half - 1]
    squares = (at - at.mean()) ** 2 / case.base
    found = {"Var / stationary": (squares, variance / case.base, spread / case.base)}
    if case.start == WARM:
        found["mean / start"] = at / START, mean / START, bare / START
    for name, (values, predicted, rival) in found.items():
        label = f"{name}, half a relaxation from a {case.start}, {case}"
        yield mean_check(label, values, {MEMORYLESS: rival}, predicted=predicted, scale=None)
