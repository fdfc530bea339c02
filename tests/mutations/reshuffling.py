"""Mutations of reshuffling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation


@mutation("reshuffling", "batches of an epoch independent")
def independent(patch: pytest.MonkeyPatch) -> None:
    """batches drawn afresh where permutations are asked for"""
    original = sg.simulate_sgd

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> sg.Ensemble:
        return original(landscape, replace(config, sampling="without_replacement"), *arguments, **options)

    patch.setattr(sg, "simulate_sgd", changed)
