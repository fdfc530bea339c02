"""Is Laplace's evidence right? Measured by methods that do not use it, where data are many and where they are few."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.evidence.annealing import REPETITIONS, sampled_log_evidence
from sgdsde.evidence.nested import nested_log_evidence
from sgdsde.evidence.orthant import weak_penalty_log_evidence
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.logistic import LogisticRegression
from sgdsde.theory.evidence import Evidence, null_log_evidence
from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.evidence import laplace_tasks as tasks
from validation.evidence.laplace_pictures import Curve, error_picture, ratio_picture
from validation.evidence.laplace_tasks import Array, laplace, title, without_half
from validation.sizes import plans

#: Examples for each number of weights.
EXAMPLES = {2: 20, 5: 50, 20: 100, 200: 200}
LABELS = ("informative", "random")
NO_HALF = "the Occam factor without its half"
#: Laplace's error below which it counts as right, in nats, and the λ from which on it is claimed to be.
SMALL, STRONG = 0.1, 100.0
#: Where the likelihood is a step.
VANISHING = 1e-7
#: Where the many weights are so free that Laplace is claimed to be wrong.
WEAK = 1.0


@dataclass(frozen=True)
class Size:
    """Particles for each number of weights; λ of all tasks, of nested sampling (P ≤ 5) and of the orthogonal task.

    `cone`: weights, of as many examples, and particles where the penalty vanishes.
    """

    particles: dict[int, int]
    penalties: tuple[float, ...]
    nested: tuple[tuple[int, float], ...]
    points: int
    orthogonal: tuple[int, int, tuple[float, ...]]
    cone: tuple[int, int]

    def plan(self, seconds: float) -> Plan:
        strong = sum(value >= STRONG for value in self.penalties) * len(LABELS)
        weak = sum(value <= WEAK for value in self.penalties) * len(LABELS) if 200 in self.particles else 0
        exact = len(self.penalties) * len(LABELS) + len(self.orthogonal[2])
        return Plan(exact + strong + weak + len(self.nested) + 1, seconds, self)


@dataclass(frozen=True, eq=False)
class Measured:
    """A task with its evidence at each λ, by annealing and by Laplace."""

    task: LogisticRegression
    curve: Curve
    laplace: list[Evidence]
    trusted: NDArray[np.bool_]


@claim(
    title="Laplace's evidence is right for few weights, and off by tens of nats for as many weights as examples",
    statement=(
        "The evidence of logistic regression by annealing agrees with quadrature for two weights, with nested sampling "
        "for five, with the exact value of a task of many weights, and at vanishing penalty with the share of all "
        "directions that classify every example. Laplace's method is within a tenth of a nat of it for five weights "
        "and strong penalties. With 200 weights and 200 examples it is not: at weak penalties the posterior is a cone "
        "that is far from its highest point, the evidence levels off, and Laplace's falls on. With informative labels "
        "the penalty of most evidence, which Laplace's method finds near λ = 10, is then no optimum: weaker ones have "
        "as much and more."
    ),
    formula="ln p(data) = ln ∫ (λ/2π)^{P/2} e^{−C(ω)} dω   ≟   −C(ω₀) − ½ Σ ln(λᵢ/λ)",
    source=(
        "Smith & Le, arXiv 1710.06451, eqs 1–2; Kuss & Rasmussen, JMLR 6 (2005), who found the same of Gaussian "
        "process classification; Botev, J. R. Stat. Soc. B 79 (2017) 125, for shares of directions"
    ),
    plans=plans("laplace_evidence", Size),
)
def laplace_evidence(context: Context) -> Finding:
    size: Size = context.size
    measured: dict[tuple[int, str], Measured] = {}
    penalties = np.array(size.penalties)
    for p, count in size.particles.items():
        for labels in LABELS:
            context.progress(0.7 * len(measured) / (len(LABELS) * len(size.particles)))
            task = tasks.toy_task(EXAMPLES[p], p, labels, context.seed("task", p))
            measured[p, labels] = _measured(context, task, penalties, count, p, labels)
    checks = [check for (p, labels), found in measured.items() for check in _own_checks(found, p, labels)]
    exact = _orthogonal(context, size)
    context.progress(0.85)
    nested = [_nested(context, measured[p, "informative"], p, value) for p, value in size.nested]
    largest = max(size.particles)
    widest = {title(*key): found.curve for key, found in measured.items() if key[0] == largest}
    checks = [*checks, *exact, *nested, _cone(context, *size.cone)]
    return Finding(
        tuple(checks),
        headline=exact[-1].label,
        pictures=(error_picture({title(*key): found.curve for key, found in measured.items()}), ratio_picture(widest)),
        method=(
            "Inputs are standard normal, each component normalised over the examples, N = "
            + ", ".join(f"{EXAMPLES[p]} for P = {p}" for p in size.particles)
            + f"; labels are 1[Σ xᵢ > 0] or random. Annealing is sequential Monte Carlo in the width of the prior, "
            f"from λ = ∞ where the evidence is the null model's, in {REPETITIONS} independent repetitions, from which "
            f"errors follow; {size.particles[largest]:,} particles for the most weights. One run gives all λ: its "
            f"errors are correlated. Nested sampling is dynesty's, {size.points} live points, with its own error. "
            "The exact task has pairs of examples in orthogonal directions, |x|² = P: its evidence is a product of "
            f"integrals over one weight. The share of directions is by minimax tilting. "
            f"Laplace is held against annealing at λ ≥ {STRONG:g} for P = 5, where "
            f"{SMALL:g} nat is allowed."
        ),
        notes=tuple(_note(found, title(*key)) for key, found in measured.items()),
    )


def _measured(context: Context, task: LogisticRegression, penalties: Array, count: int, *labels: object) -> Measured:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a note says it
        found = sampled_log_evidence(task, penalties, particles=count, seed=context.seed("annealing", *labels))
    approximate = laplace(task, penalties)
    values = np.array([evidence.log_evidence for evidence in approximate])
    null = null_log_evidence(task.n_examples)
    curve = Curve(penalties, np.asarray(found.log_evidence), np.asarray(found.standard_error), values, null)
    return Measured(task, curve, approximate, np.asarray(found.trusted))


def _own_checks(found: Measured, p: int, labels: str) -> list[Check]:
    checks, curve = [], found.curve
    for k, value in enumerate(curve.regularization.tolist()):
        own = (float(curve.measured[k]), float(curve.error[k]), {NO_HALF: without_half(found.laplace[k])})
        label = f"ln evidence, {title(p, labels)}, λ = {value:g}"
        if p == 2:
            exact = quadrature_log_evidence(found.task, value)
            checks.append(Check(f"{label}, quadrature and annealing", exact, *own, dof=REPETITIONS - 1))
        law = float(curve.laplace[k])
        if p == 5 and value >= STRONG:
            label = f"{label}, Laplace and annealing"
            checks.append(Check(label, law, *own, rounding=SMALL, dof=REPETITIONS - 1))
        elif p == 200 and value <= WEAK:
            checks.append(Check(f"{label}, not Laplace's", law, *own[:2], dof=REPETITIONS - 1))
    return checks


def _orthogonal(context: Context, size: Size) -> list[Check]:
    """Annealing against exact evidences, with as many weights as the toy task."""
    p, count, penalties = size.orthogonal
    task = tasks.orthogonal_task(p, context.seed("orthogonal"))
    found = _measured(context, task, np.array(penalties), count, "orthogonal")
    return [
        Check(
            f"ln evidence, P = {p}, orthogonal, λ = {value:g}, exact and annealing",
            tasks.orthogonal_log_evidence(task, value),
            float(found.curve.measured[k]),
            float(found.curve.error[k]),
            {NO_HALF: without_half(found.laplace[k])},
            dof=REPETITIONS - 1,
        )
        for k, value in enumerate(penalties)
    ]


def _nested(context: Context, found: Measured, p: int, value: float) -> Check:
    """Nested sampling against annealing."""
    near = nested_log_evidence(found.task, value, points=context.size.points, seed=context.seed("nested", p, value))
    annealed = sampled_log_evidence(
        found.task, value, particles=context.size.particles[p], seed=context.seed("beside nested", p, value)
    )
    error = math.hypot(float(near.standard_error), float(annealed.standard_error))
    control = laplace(found.task, np.array([value]))[0]
    label = f"ln evidence, {title(p, 'informative')}, λ = {value:g}, annealing and nested sampling"
    return Check(label, float(annealed.log_evidence), float(near.log_evidence), error, {NO_HALF: without_half(control)})


def _cone(context: Context, weights: int, count: int) -> Check:
    """Annealing against the share of directions that classify every example, which the evidence becomes as λ → 0."""
    inputs = np.random.default_rng(context.seed("cone")).standard_normal((weights, weights))
    task = LogisticRegression(inputs, (inputs.sum(axis=1) > 0).astype(np.int64))
    limit = weak_penalty_log_evidence(task, seed=context.seed("cone", "tilting"))
    found = _measured(context, task, np.array([VANISHING]), count, "cone")
    label = f"ln evidence, P = N = {weights}, informative, λ = {VANISHING:g}, share of directions and annealing"
    error = math.hypot(float(limit.standard_error), float(found.curve.error[0]))
    return Check(
        label, float(limit.log_evidence), float(found.curve.measured[0]), error,
        {"Laplace": float(found.curve.laplace[0])},
        dof=REPETITIONS - 1,
    )  # fmt: skip


def _note(found: Measured, name: str) -> str:
    """The largest error of Laplace, and where it has E on the wrong side of zero by more than four standard errors."""
    curve, doubted = found.curve, found.curve.regularization[~found.trusted]
    k = int(np.argmax(np.abs(curve.laplace_error)))
    text = (
        f"{name}: Laplace errs by up to {curve.laplace_error[k]:+.2f} ± {curve.error[k]:.2f} nats, at λ = "
        f"{curve.regularization[k]:g}, where E is {curve.ratio[k]:.2f} and Laplace's {curve.laplace_ratio[k]:.2f}"
    )
    sure = np.abs(curve.ratio) > 4 * curve.error
    turned = np.flatnonzero(sure & (np.sign(curve.ratio) != np.sign(curve.laplace_ratio)))
    if len(turned):
        values = ", ".join(f"{curve.regularization[k]:g}" for k in turned)
        text += f"; the sign of E is not that of Laplace's at λ = {values}"
    if len(doubted):
        text += "; too few repetitions count, and errors are too small, at λ = " + ", ".join(f"{v:g}" for v in doubted)
    return f"{text}."
