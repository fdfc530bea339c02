"""Mutations of mnist_sde: other noises in place of what approximates SGD."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.mutations import mutation
from validation.mnist.sde.runs import APPROXIMATIONS, SVAG, Size

#: Dynamics, steps for an update, B and replicas of a run.
Case = tuple[str, int, int, int]


def cases_changed(patch: pytest.MonkeyPatch, change: Callable[[Size, str, float, Case], Case]) -> None:
    """What is run is as `change` has it."""
    original = Size.cases

    def cases(self: Size) -> Iterator[tuple[tuple[str, float], str, int, int, int]]:
        for (name, rate), *case in original(self):
            yield (name, rate), *change(self, name, rate, tuple(case))

    patch.setattr(Size, "cases", cases)


def approximations_are(patch: pytest.MonkeyPatch, new: Callable[[Size, Case], Case]) -> None:
    """At the smallest ε."""
    cases_changed(
        patch,
        lambda size, name, rate, case: new(size, case) if name in APPROXIMATIONS and rate == size.smallest else case,
    )


@mutation("mnist_sde", "gradient descent")
def no_noise(patch: pytest.MonkeyPatch) -> None:
    """SVAG, noisy gradient descent and the SDE without noise"""
    approximations_are(patch, lambda size, case: ("gd", 1, size.n_examples, case[3]))


@mutation("mnist_sde", "noise g × 1.5")
def stronger(patch: pytest.MonkeyPatch) -> None:
    """the same with two thirds of the batch size"""
    approximations_are(patch, lambda size, case: (case[0], case[1], case[2] * 2 // 3, case[3]))


@mutation("mnist_sde", "isotropic noise")
def isotropic(patch: pytest.MonkeyPatch) -> None:
    """the same with isotropic noise"""
    approximations_are(patch, lambda size, case: ("isotropic", 1, case[2], size.isotropic_replicas))


@mutation("mnist_sde", "SGD")
def no_steps_in_between(patch: pytest.MonkeyPatch) -> None:
    """SGD in place of SVAG at the larger ε"""
    cases_changed(
        patch,
        lambda size, name, rate, case: ("sgd", 1, *case[2:]) if name == SVAG and rate > size.smallest else case,
    )
