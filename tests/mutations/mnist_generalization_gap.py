"""Mutations of mnist_generalization_gap."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.synthetic_accuracy import trained_as, without_gap


@mutation("mnist_generalization_gap", "no gap")
def no_gap(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies that are the same at every B"""
    trained_as(patch, without_gap)
