"""Mutations of mnist_sde_low_loss: other noises in place of SGD, and no steps in between in place of SVAG."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.mutations import mutation
from validation.mnist.sde.grid import FRESH, Case, Key, Size
from validation.mnist.sde.runs import NOISY, SGD, SVAG

Change = Callable[[Size, Key, Case], Case]


def cases_changed(patch: pytest.MonkeyPatch, run: str, change: Change) -> None:
    """What a run is, is as `change` has it."""
    original = Size.cases

    def cases(self: Size, sampling: str) -> Iterator[tuple[Key, Case]]:
        for key, case in original(self, sampling):
            yield key, change(self, key, case) if key.run == run else case

    patch.setattr(Size, "cases", cases)


def no_noise(size: Size, key: Key, case: Case) -> Case:
    """Gradient descent."""
    return case._replace(sampling=FRESH, dynamics="gd", batch_size=size.n_examples)


def stronger(size: Size, key: Key, case: Case) -> Case:
    """Two thirds of the batch size, to whole examples."""
    return case._replace(batch_size=round(case.batch_size * 2 / 3))


def isotropic(size: Size, key: Key, case: Case) -> Case:
    """Isotropic noise."""
    return case._replace(sampling=FRESH, dynamics="isotropic", replicas=2)


def in_steps(size: Size, key: Key, case: Case) -> Case:
    """The SDE."""
    return case._replace(dynamics="sde", substeps=size.svag_steps(key.rate))


@mutation("mnist_sde_low_loss", "gradient descent")
def quiet(patch: pytest.MonkeyPatch) -> None:
    """gradient descent in place of SGD"""
    cases_changed(patch, SGD, no_noise)


@mutation("mnist_sde_low_loss", "noise g × 1.5")
def louder(patch: pytest.MonkeyPatch) -> None:
    """SGD with two thirds of the batch size"""
    cases_changed(patch, SGD, stronger)


@mutation("mnist_sde_low_loss", "isotropic noise")
def without_directions(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise in place of SGD"""
    cases_changed(patch, SGD, isotropic)


@mutation("mnist_sde_low_loss", "SGD")
def no_steps_in_between(patch: pytest.MonkeyPatch) -> None:
    """SGD in place of SVAG"""
    cases_changed(patch, SVAG, lambda size, key, case: case._replace(dynamics="sgd", substeps=1))


@mutation("mnist_sde_low_loss", "SDE")
def steps_in_between(patch: pytest.MonkeyPatch) -> None:
    """the SDE in place of noisy gradient descent"""
    cases_changed(
        patch, NOISY, lambda size, key, case: case._replace(dynamics="sde", substeps=size.svag_steps(key.rate))
    )
