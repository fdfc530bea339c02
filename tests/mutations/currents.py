"""Mutations of currents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation


def _angles(patch: pytest.MonkeyPatch, turn: Any) -> None:
    """Simulations are of the bowl whose F is turned by another angle."""
    for name in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, name)

        def changed(landscape: sg.Landscape, *arguments: Any, original: Any = original, **options: Any) -> Any:
            angle = turn(landscape.parameters["angle"])
            return original(landscape.with_parameters(angle=angle), *arguments, **options)

        patch.setattr(sg, name, changed)


@mutation("currents", "detailed balance")
def rest(patch: pytest.MonkeyPatch) -> None:
    """F that commutes with H"""
    _angles(patch, lambda angle: 0.0)


@mutation("currents", "the other way round")
def mirrored(patch: pytest.MonkeyPatch) -> None:
    """F turned the other way"""
    _angles(patch, lambda angle: -angle)


@mutation("currents", "F turned against H")
def turned(patch: pytest.MonkeyPatch) -> None:
    """F turned by π/4 where it should commute with H"""
    _angles(patch, lambda angle: 0.7853981633974483)


@mutation("currents", "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in the place of SGD, in exact steps"""

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        plain = replace(config, sampling="without_replacement")
        return sg.simulate_sde(landscape, plain, *arguments, scheme="exact_ou", substeps=1, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("currents", "as with fresh batches")
def fresh(patch: pytest.MonkeyPatch) -> None:
    """fresh batches in the place of reshuffled ones"""
    original = sg.simulate_sgd

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        return original(landscape, replace(config, sampling="without_replacement"), *arguments, **options)

    patch.setattr(sg, "simulate_sgd", changed)
