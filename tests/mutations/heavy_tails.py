"""Mutations of heavy_tails."""

from __future__ import annotations

from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.laws.heavy_tailed import HEAVIEST, quantiles


@mutation("heavy_tails", "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in the place of SGD"""

    def changed(*arguments: Any, examples: Any, **options: Any) -> sg.Ensemble:
        return sg.simulate_sde(*arguments, scheme="weak_taylor_2", substeps=4, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("heavy_tails", "a normal law")
def normal(patch: pytest.MonkeyPatch) -> None:
    """SGD with normal noise of the covariance of its batches"""
    original = sg.simulate_sgd

    def changed(*arguments: Any, examples: Any, **options: Any) -> sg.Ensemble:
        return original(*arguments, noise="normal", **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("heavy_tails", "SGD with heavy tails")
def heavy(patch: pytest.MonkeyPatch) -> None:
    """SGD with the examples of the heaviest tails in the place of the SDE"""

    def changed(*arguments: Any, substeps: int, **options: Any) -> sg.Ensemble:
        return sg.simulate_sgd(*arguments, examples=quantiles(HEAVIEST)[:, None], **options)

    patch.setattr(sg, "simulate_sde", changed)
