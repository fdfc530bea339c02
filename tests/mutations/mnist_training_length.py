"""Mutations of mnist_training_length."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.synthetic_accuracy import trained_along_as


@mutation("mnist_training_length", "the square root")
def square_root(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at a B that grows as √N"""
    trained_along_as(patch, 0.5, 0.0)


@mutation("mnist_training_length", "no dependence")
def no_dependence(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at one B"""
    trained_along_as(patch, 0.0, 0.0)


@mutation("mnist_training_length", "as 1/√T")
def slowly(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at a B that falls as 1/√T"""
    trained_along_as(patch, 0.5, -0.5)


@mutation("mnist_training_length", "as 1/T")
def quickly(patch: pytest.MonkeyPatch) -> None:
    """synthetic accuracies, best at a B that falls as 1/T"""
    trained_along_as(patch, 0.5, -1.0)
