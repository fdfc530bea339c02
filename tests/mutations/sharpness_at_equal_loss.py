"""Mutations of sharpness_at_equal_loss: other settings than it is said."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.settings import Setting, trained_at
from validation.claims.sharpness_at_equal_loss import sharpness_at_equal_loss
from validation.mnist.sharpness import Size

SIZES: list[Size] = [size for plan in sharpness_at_equal_loss.plans.values() for size in plan.size.values()]


def common(said: Setting) -> Setting:
    """The (ε, B) that both scans have, of the sizes to which a setting belongs."""
    for size in SIZES:
        scans = {run.setting for run in size.batches}, {run.setting for run in size.rates}
        if said in scans[0] | scans[1] | {run.setting for run in size.many}:
            (both,) = scans[0] & scans[1]
            return both
    raise ValueError(f"no size has {said}")


@mutation("sharpness_at_equal_loss", "no dependence")
def one_ratio(patch: pytest.MonkeyPatch) -> None:
    """every run has one ε and one B"""
    trained_at(patch, lambda said, n: common(said))


@mutation("sharpness_at_equal_loss", "ε alone")
def rate_alone(patch: pytest.MonkeyPatch) -> None:
    """every run has one B"""
    trained_at(patch, lambda said, n: (said[0], common(said)[1]))


@mutation("sharpness_at_equal_loss", "B alone")
def batch_alone(patch: pytest.MonkeyPatch) -> None:
    """every run has one ε"""
    trained_at(patch, lambda said, n: (common(said)[0], said[1]))
