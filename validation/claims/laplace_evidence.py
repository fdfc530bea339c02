"""Is Laplace's evidence right? Measured by methods that do not use it, where data are many and where they are few."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sgdsde import evidence as methods
from sgdsde.data import gaussian_task
from sgdsde.evidence import EvidenceEstimate, EvidenceStudy, evidence_study, sampled_log_evidence
from sgdsde.evidence.annealing import REPETITIONS
from sgdsde.logistic import LogisticRegression
from sgdsde.plotting import evidence_ratio_chart, laplace_error_chart
from sgdsde.theory import null_log_evidence
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.evidence.checks import NO_HALF, without_half
from validation.evidence.tasks import Array

#: Examples for each number of weights.
EXAMPLES = {2: 20, 5: 50, 20: 100, 200: 200}
LABELS = ("informative", "random")
#: λ from which on Laplace's method is claimed to be right, and up to which it is claimed to be wrong for many weights.
STRONG, WEAK = 100.0, 1.0
#: Where the likelihood is a step.
VANISHING = 1e-7
#: Laplace's evidence at some λ, and the measured one.
Pair = tuple[EvidenceStudy, EvidenceEstimate]


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


@claim(Size)
def laplace_evidence(context: Context) -> Found:
    size: Size = context.size
    measured: dict[str, Pair] = {}
    for p, count in size.particles.items():
        for labels in LABELS:
            title = f"P = {p}, {labels}"
            task = gaussian_task(labels, context.seed("task", p), n_train=EXAMPLES[p], n_test=2, features=p)
            model = LogisticRegression(task.x_train.astype(np.float64), task.y_train)
            measured[title] = _measured(context, model, np.array(size.penalties), count, p, labels)
            yield from _own_checks(measured[title], p, title)
    yield from _orthogonal(context, *size.orthogonal)
    for p, value in size.nested:
        yield _nested(context, measured[f"P = {p}, informative"][0].model, p, value)
    yield _cone(context, *size.cone)
    largest = max(size.particles)
    widest = [f"P = {largest}, {labels}" for labels in LABELS]
    sizes = ", ".join(f"{EXAMPLES[p]} for P = {p}" for p in size.particles)
    yield Told(
        {"sizes": sizes, "repetitions": REPETITIONS, "largest": size.particles[largest], "strong": STRONG},
        tuple(_note(*pair, title) for title, pair in measured.items()),
    )
    yield Drawing("error", laplace_error_chart(measured))
    shown, points = {title: measured[title][0] for title in widest}, {title: measured[title][1] for title in widest}
    yield Drawing("ratio", evidence_ratio_chart(shown, points))


def _measured(context: Context, task: LogisticRegression, penalties: Array, count: int, *labels: object) -> Pair:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a note says it
        found = sampled_log_evidence(task, penalties, particles=count, seed=context.seed("annealing", *labels))
    return evidence_study(task.inputs, task.labels, penalties), found


def _own_checks(pair: Pair, p: int, title: str) -> Iterator[Check]:
    study, found = pair
    for k, value in enumerate(study.regularization.tolist()):
        laplace = study.evidences[k]
        own = (found.log_evidence[k], found.standard_error[k], {NO_HALF: without_half(laplace)})  # type: ignore[index]
        label = f"ln evidence, {title}, λ = {value:g}"
        if p == 2:
            exact = methods.quadrature_log_evidence(study.model, value)
            yield Check(f"{label}, quadrature and annealing", exact, *own, dof=found.dof)
        elif p == 5 and value >= STRONG:
            yield Check(f"{label}, Laplace and annealing", laplace.log_evidence, *own, dof=found.dof)
        elif p == 200 and value <= WEAK:
            yield Check(f"{label}, not Laplace's", laplace.log_evidence, *own[:2], dof=found.dof)


def _orthogonal(context: Context, p: int, count: int, penalties: tuple[float, ...]) -> Iterator[Check]:
    """Annealing against exact evidences, with as many weights as the toy task."""
    task = methods.orthogonal_task(p, context.seed("orthogonal"))
    study, found = _measured(context, task, np.array(penalties), count, "orthogonal")
    for k, value in enumerate(penalties):
        yield Check(
            f"ln evidence, P = {p}, orthogonal, λ = {value:g}, exact and annealing",
            methods.orthogonal_log_evidence(task, value), found.log_evidence[k], found.standard_error[k],  # type: ignore[index]
            {NO_HALF: without_half(study.evidences[k])}, dof=found.dof,
        )  # fmt: skip


def _nested(context: Context, task: LogisticRegression, p: int, value: float) -> Check:
    """Nested sampling against annealing."""
    size: Size = context.size
    near = methods.nested_log_evidence(task, value, points=size.points, seed=context.seed("nested", p, value))
    seed = context.seed("beside nested", p, value)
    annealed = sampled_log_evidence(task, value, particles=size.particles[p], seed=seed)
    control = without_half(evidence_study(task.inputs, task.labels, [value]).evidences[0])
    label = f"ln evidence, P = {p}, informative, λ = {value:g}, annealing and nested sampling"
    error = math.hypot(float(near.standard_error), float(annealed.standard_error))
    return Check(label, float(annealed.log_evidence), float(near.log_evidence), error, {NO_HALF: control})


def _cone(context: Context, weights: int, count: int) -> Check:
    """Annealing against the share of directions that classify every example, which the evidence becomes as λ → 0."""
    inputs = np.random.default_rng(context.seed("cone")).standard_normal((weights, weights))
    task = LogisticRegression(inputs, (inputs.sum(axis=1) > 0).astype(np.int64))
    limit = methods.weak_penalty_log_evidence(task, seed=context.seed("cone", "tilting"))
    study, found = _measured(context, task, np.array([VANISHING]), count, "cone")
    label = f"ln evidence, P = N = {weights}, informative, λ = {VANISHING:g}, share of directions and annealing"
    value, error = (float(np.asarray(each)[0]) for each in (found.log_evidence, found.standard_error))
    return Check(
        label, float(limit.log_evidence), value, math.hypot(float(limit.standard_error), error),
        {"Laplace": study.evidences[0].log_evidence}, dof=found.dof,
    )  # fmt: skip


def _note(study: EvidenceStudy, found: EvidenceEstimate, name: str) -> str:
    """The largest error of Laplace, where it has E on the wrong side of zero, and where errors cannot be trusted."""
    laplace, penalties, error = study.log_evidence_ratio, study.regularization, np.asarray(found.standard_error)
    ratio = null_log_evidence(study.model.n_examples) - np.asarray(found.log_evidence)
    k = int(np.argmax(np.abs(ratio - laplace)))
    text = (
        f"{name}: Laplace errs by up to {ratio[k] - laplace[k]:+.2f} ± {error[k]:.2f} nats, at λ = "
        f"{penalties[k]:g}, where E is {ratio[k]:.2f} and Laplace's {laplace[k]:.2f}"
    )
    turned = (np.abs(ratio) > 4 * error) & (np.sign(ratio) != np.sign(laplace))
    for where, words in (
        (turned, "the sign of E is not that of Laplace's"),
        (~np.asarray(found.trusted), "too few repetitions count, and errors are too small,"),
    ):
        if where.any():
            text += f"; {words} at λ = {', '.join(f'{value:g}' for value in penalties[where])}"
    return f"{text}."
