"""Mutations of momentum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation


@mutation("momentum", "1/(1 − m) forgotten")
def without(patch: pytest.MonkeyPatch) -> None:
    """no momentum in what is simulated"""
    for name in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, name)

        def changed(landscape: Any, config: Any, *arguments: Any, original: Any = original, **options: Any) -> Any:
            return original(landscape, replace(config, momentum=0.0), *arguments, **options)

        patch.setattr(sg, name, changed)
