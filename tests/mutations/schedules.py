"""Mutations of schedules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from tests.mutations import mutation


def _kept(patch: pytest.MonkeyPatch, name: str) -> None:
    """A schedule stays at its first value in every simulation."""
    for function in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, function)

        def changed(
            landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, original: Any = original, **options: Any
        ) -> sg.Ensemble:
            first = {"learning_rates": config.learning_rate, "batch_sizes": config.batch_size}[name]
            options[name] = np.full_like(options[name], first)
            return original(landscape, config, *arguments, **options)

        patch.setattr(sg, function, changed)


@mutation("schedules", "ε does not fall")
def rates(patch: pytest.MonkeyPatch) -> None:
    """ε stays where it begins"""
    _kept(patch, "learning_rates")


@mutation("schedules", "B does not grow")
def sizes(patch: pytest.MonkeyPatch) -> None:
    """B stays where it begins"""
    _kept(patch, "batch_sizes")
