"""Mutations of mnist_sde_reshuffled: other noises, and independent batches, in place of reshuffled SGD."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.mnist_sde_low_loss import cases_changed, isotropic, no_noise, stronger
from validation.mnist.sde.grid import FRESH
from validation.mnist.sde.runs import NOISY, SGD


@mutation("mnist_sde_reshuffled", "gradient descent")
def quiet(patch: pytest.MonkeyPatch) -> None:
    """gradient descent in place of reshuffled SGD"""
    cases_changed(patch, SGD, no_noise)


@mutation("mnist_sde_reshuffled", "noise g × 1.5")
def louder(patch: pytest.MonkeyPatch) -> None:
    """reshuffled SGD with two thirds of the batch size"""
    cases_changed(patch, SGD, stronger)


@mutation("mnist_sde_reshuffled", "isotropic noise")
def without_directions(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise in place of reshuffled SGD"""
    cases_changed(patch, SGD, isotropic)


@mutation("mnist_sde_reshuffled", "independent batches")
def independent(patch: pytest.MonkeyPatch) -> None:
    """batches drawn with replacement"""
    cases_changed(patch, SGD, lambda size, key, case: case._replace(sampling=FRESH))


@mutation("mnist_sde_reshuffled", "SDE")
def steps_in_between(patch: pytest.MonkeyPatch) -> None:
    """the SDE in place of noisy gradient descent"""
    cases_changed(
        patch, NOISY, lambda size, key, case: case._replace(dynamics="sde", substeps=size.svag_steps(key.rate))
    )
