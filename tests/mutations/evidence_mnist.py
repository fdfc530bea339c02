"""Mutations of evidence_mnist."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.evidence_tasks import evidence_is, other_labels, train_decides
from validation.claims import evidence_mnist as module


@mutation("evidence_mnist", "the other labelling")
def labels(patch: pytest.MonkeyPatch) -> None:
    """tossed labels where they are said to be true, and true ones where they are said to be tossed"""
    other_labels(patch, module, "zeros_and_ones")


@mutation("evidence_mnist", "training cross-entropy")
def train(patch: pytest.MonkeyPatch) -> None:
    """an evidence that is the likelihood of the fit"""
    train_decides(patch)


@mutation("evidence_mnist", "the strongest penalty")
def strongest(patch: pytest.MonkeyPatch) -> None:
    """an evidence that grows with the penalty"""
    evidence_is(patch, lambda study: study.regularization)
