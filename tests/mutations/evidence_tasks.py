"""Changes to what the claims about logistic regression study: labels, evidence, and what annealing measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sgdsde.evidence import EvidenceEstimate, EvidenceStudy
from sgdsde.theory import Evidence, evidence_of_fit, laplace_evidence
from validation.evidence import tasks


def fresh(patch: pytest.MonkeyPatch) -> None:
    """Nothing that was studied before is looked at again."""
    patch.setattr(tasks, "_KEPT", {})


def other_labels(patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """A task of the module has tossed labels where they are said to be true, and true ones where tossed."""
    fresh(patch)
    original, other = getattr(module, name), {"random": "informative", "informative": "random"}

    def swapped(*arguments: Any, **options: Any) -> Any:
        return original(*(other.get(each, each) if isinstance(each, str) else each for each in arguments), **options)

    patch.setattr(module, name, swapped)


def studies_changed(patch: pytest.MonkeyPatch, change: Callable[[EvidenceStudy], EvidenceStudy]) -> None:
    """Every study is another one."""
    fresh(patch)
    original = tasks.evidence_studies
    patch.setattr(tasks, "evidence_studies", lambda *given, **options: tuple(map(change, original(*given, **options))))


def evidence_is(patch: pytest.MonkeyPatch, value: Callable[[EvidenceStudy], np.ndarray]) -> None:
    """Ln evidence of studies is ``value``, (L,)."""

    def changed(study: EvidenceStudy) -> EvidenceStudy:
        return replace(study, evidences=tuple(laplace_evidence(-each, [1.0], 1.0) for each in value(study).tolist()))

    studies_changed(patch, changed)


def train_decides(patch: pytest.MonkeyPatch) -> None:
    """Evidence that is the likelihood of the fit: it is most where the training cross-entropy is least."""
    evidence_is(patch, lambda study: -study.model.n_examples * study.train[:, 0])


def annealing_gives(patch: pytest.MonkeyPatch, module: Any, value: Callable[[Evidence], float]) -> None:
    """Annealing measures what is made of Laplace's evidence, to 0.05 nats."""

    def sampled(model: Any, regularization: Any, *, seed: int, **_: Any) -> EvidenceEstimate:
        given = np.atleast_1d(regularization)
        found = np.array([value(evidence_of_fit(model, fit)) for fit in model.path(given)])
        error = np.full(len(found), 0.05)
        found = found + error * np.random.default_rng(seed).standard_normal(len(found))
        found, error = (each if np.ndim(regularization) else each[0] for each in (found, error))
        return EvidenceEstimate(regularization, found, error, 16.0 + 0 * error, error > 0, 15, "changed")

    patch.setattr(module, "sampled_log_evidence", sampled)


def log_evidence(evidence: Evidence) -> float:
    """Laplace's own."""
    return evidence.log_evidence


def without_half(evidence: Evidence) -> float:
    """Laplace's, with −Σ ln(λ_i/λ) for −½ Σ ln(λ_i/λ)."""
    return evidence.log_evidence + evidence.log_occam_factor
