"""Mutations of evidence_picks_minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import sgdsde as sg
from sgdsde.escapes import sides
from tests.mutations import mutation, with_noise
from validation.evidence.wells import DEPTH, NOISE

Change = Callable[[sg.Landscape], sg.Landscape]


def simulated(patch: pytest.MonkeyPatch, change: Change) -> None:
    """Paths are on another landscape."""
    for name in ("simulate_sde", "simulate_sgd"):
        original = getattr(sides, name)

        def run(landscape: sg.Landscape, *given: Any, original: Any = original, **options: Any) -> Any:
            return original(change(landscape), *given, **options)

        patch.setattr(sides, name, run)


def without(landscape: sg.Landscape, *parts: str) -> sg.Landscape:
    """Isotropic noise, and a loss without these parts of its text."""
    text = landscape.text
    for part in parts:
        assert part in text
        text = text.replace(part, "")
    return sg.Landscape(text, landscape.variables, {"depth": DEPTH, "noise": NOISE}, noise_covariance="noise")


@mutation("evidence_picks_minimum", "twice the temperature")
def hotter(patch: pytest.MonkeyPatch) -> None:
    """noise of twice the variance"""
    simulated(patch, lambda landscape: with_noise(landscape, 2.0))


@mutation("evidence_picks_minimum", "half the temperature")
def hotter_too(patch: pytest.MonkeyPatch) -> None:
    """noise of twice the variance"""
    simulated(patch, lambda landscape: with_noise(landscape, 2.0))


@mutation("evidence_picks_minimum", "the evidence")
def isotropic(patch: pytest.MonkeyPatch) -> None:
    """noise that is the same everywhere"""
    simulated(patch, lambda landscape: without(landscape))


@mutation("evidence_picks_minimum", "depth alone")
def alike(patch: pytest.MonkeyPatch) -> None:
    """two minima of one width"""
    simulated(patch, lambda it: without(it, " - 3/4*x/(1 + x**2)", " - 2/3*x/(1 + x**2)") if it.dimension > 1 else it)


@mutation("evidence_picks_minimum", "the evidence for P = 1")
def plain(patch: pytest.MonkeyPatch) -> None:
    """further directions, and the share of noise that follows the curvature, which do not matter"""
    simulated(patch, lambda it: without(it, " - 2/3*x/(1 + x**2)") if it.dimension > 1 else without(it))
