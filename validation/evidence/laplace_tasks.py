"""Tasks of the claim ``laplace_evidence``: small copies of Smith & Le's toy task, and one whose evidence is exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.data import gaussian_task
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.logistic import LogisticRegression
from sgdsde.theory import Evidence, evidence_of_fit

Array = NDArray[np.float64]


def toy_task(examples: int, weights: int, labels: str, seed: int) -> LogisticRegression:
    """The toy task at another size, its training examples."""
    task = gaussian_task(labels, seed, n_train=examples, n_test=2, features=weights)
    return LogisticRegression(task.x_train.astype(np.float64), task.y_train)


def orthogonal_task(weights: int, seed: int) -> LogisticRegression:
    """P/2 orthogonal directions of P, each an input twice, of |x|² = P as in the toy task; random labels."""
    generator = np.random.default_rng(seed)
    rotation = np.linalg.qr(generator.standard_normal((weights, weights)))[0]
    inputs = np.sqrt(weights) * np.repeat(rotation[: weights // 2], 2, axis=0)
    return LogisticRegression(inputs, generator.permutation(np.arange(len(inputs)) % 2))


def orthogonal_log_evidence(task: LogisticRegression, regularization: float) -> float:
    """ln evidence of an orthogonal task, exact: a product of integrals over one weight each."""
    size = np.linalg.norm(task.inputs[0])
    pairs = task.labels.reshape(-1, 2)
    # σ(z)² and σ(z)σ(−z): the label 0 of an input is the label 1 of its negative.
    agree, differ = (
        quadrature_log_evidence(LogisticRegression(np.array([[size], [sign * size]]), np.array([1, 0])), regularization)
        for sign in (-1.0, 1.0)
    )
    same = int((pairs[:, 0] == pairs[:, 1]).sum())
    return same * agree + (len(pairs) - same) * differ


def laplace(task: LogisticRegression, regularization: Array) -> list[Evidence]:
    """Laplace's evidence at each λ."""
    return [evidence_of_fit(task, fit) for fit in task.path(regularization)]


def title(weights: int, labels: str) -> str:
    """What a toy task is called."""
    return f"P = {weights}, {labels}"


def without_half(evidence: Evidence) -> float:
    """The rival: Laplace's ln evidence with −Σ ln(λ_i/λ) for −½ Σ ln(λ_i/λ)."""
    return evidence.log_evidence + evidence.log_occam_factor
