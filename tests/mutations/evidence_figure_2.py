"""Mutations of evidence_figure_2."""

from __future__ import annotations

import pytest

from sgdsde.evidence import tosses
from tests.mutations import mutation
from tests.mutations.evidence_tasks import annealing_gives, log_evidence, train_decides, without_half
from validation.claims import evidence_figure_2 as module


@mutation("evidence_figure_2", "training cross-entropy")
def train(patch: pytest.MonkeyPatch) -> None:
    """an evidence that is the likelihood of the fit"""
    train_decides(patch)


@mutation("evidence_figure_2", "Laplace without its next order")
def first_order(patch: pytest.MonkeyPatch) -> None:
    """the evidence of tossed labels by Laplace's method alone"""
    patch.setattr(tosses, "laplace_correction", lambda *_: 0.0)


@mutation("evidence_figure_2", "the Occam factor without its half")
def occam(patch: pytest.MonkeyPatch) -> None:
    """annealing that finds −Σ ln(λ_i/λ) for −½ Σ ln(λ_i/λ)"""
    annealing_gives(patch, module, without_half)


@mutation("evidence_figure_2", "Laplace")
def laplace(patch: pytest.MonkeyPatch) -> None:
    """annealing that finds what Laplace's method says"""
    annealing_gives(patch, module, log_evidence)
