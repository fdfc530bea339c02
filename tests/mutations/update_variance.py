"""Mutations of update_variance."""

from __future__ import annotations

from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation


@mutation("update_variance", "F at the minimum")
def constant(patch: pytest.MonkeyPatch) -> None:
    """noise that is everywhere that of the minimum"""
    for name in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, name)

        def changed(landscape: sg.Landscape, *arguments: Any, original: Any = original, **options: Any) -> Any:
            still = landscape.noise_covariance([0.0] * landscape.dimension).tolist()
            flat = sg.Landscape(landscape.text, landscape.variables, landscape.parameters, noise_covariance=still)
            return original(flat, *arguments, **options)

        patch.setattr(sg, name, changed)
