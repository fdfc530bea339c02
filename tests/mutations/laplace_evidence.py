"""Mutations of laplace_evidence."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.evidence_tasks import annealing_gives, log_evidence, without_half
from validation.claims import laplace_evidence as module


@mutation("laplace_evidence", "the Occam factor without its half")
def occam(patch: pytest.MonkeyPatch) -> None:
    """annealing that finds −Σ ln(λ_i/λ) for −½ Σ ln(λ_i/λ)"""
    annealing_gives(patch, module, without_half)


@mutation("laplace_evidence", "Laplace")
def laplace(patch: pytest.MonkeyPatch) -> None:
    """annealing that finds what Laplace's method says"""
    annealing_gives(patch, module, log_evidence)
