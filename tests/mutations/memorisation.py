"""Mutations of memorisation: other settings than it is said."""

from __future__ import annotations

import pytest

from tests.mutations import mutation
from tests.mutations.settings import trained_at
from validation.claims.memorisation import memorisation
from validation.mnist.memorisation import Size

SIZES: list[Size] = [size for plan in memorisation.plans.values() for size in plan.size.values()]


def smallest(setting: tuple[float, ...]) -> int:
    """The smallest B of the runs among which a setting is."""
    every = [{run.setting for run in held.runs} for size in SIZES for held in size.shares.values()]
    return int(min(batch for settings in every if setting in settings for _, batch in settings))


@mutation("memorisation", "no dependence")
def one_ratio(patch: pytest.MonkeyPatch) -> None:
    """every run has the ε/B of ε = 0.1 at the smallest B"""
    trained_at(patch, lambda said, n: (0.1, smallest(said)))


@mutation("memorisation", "ε alone")
def rate_alone(patch: pytest.MonkeyPatch) -> None:
    """every run has the smallest B"""
    trained_at(patch, lambda said, n: (said[0], smallest(said)))
