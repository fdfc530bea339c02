"""Mutations of mnist_momentum_range."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.synthetic_accuracy import by_its_square_root, independent, trained_as


@mutation("mnist_momentum_range", "the square root")
def square_root(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at a B that grows as the square root of ε, N and 1/(1 − m)"""
    trained_as(patch, by_its_square_root)


@mutation("mnist_momentum_range", "no dependence")
def no_dependence(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at one B"""
    trained_as(patch, independent)
