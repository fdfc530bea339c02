"""Mutations of sharp_vs_flat."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import sgdsde as sg
from sgdsde.statistics import Estimate
from tests.mutations import mutation, noise_scaled, with_noise
from validation.escape import occupancy
from validation.escape.sharpness import SHAPES


@mutation("sharp_vs_flat", "noise of twice the variance")
def noise(patch: pytest.MonkeyPatch) -> None:
    """noise of twice the covariance"""
    noise_scaled(patch, 2.0)
    module = importlib.import_module("validation.claims.sharp_vs_flat")  # a name that the claim shares
    original = module.log_odds_of_sides

    def changed(landscape: sg.Landscape, *arguments: Any, **options: Any) -> Estimate:
        return original(with_noise(landscape, 2.0), *arguments, **options)

    patch.setattr(module, "log_odds_of_sides", changed)


@mutation("sharp_vs_flat", "F = 50 |H|")
def following(patch: pytest.MonkeyPatch) -> None:
    """noise that follows the curvature in place of white noise"""
    _instead(patch, "white", "hessian")


@mutation("sharp_vs_flat", "F = 150")
def white(patch: pytest.MonkeyPatch) -> None:
    """white noise in place of that which follows the curvature"""
    _instead(patch, "hessian", "white")


def _instead(patch: pytest.MonkeyPatch, asked: str, simulated: str) -> None:
    """Landscapes with the noise of one shape are simulated with that of another, until all paths have left."""
    patch.setattr(occupancy, "LASTING", 20 * occupancy.LASTING)
    own = sg.Landscape("x**2/2", "x", {"h": 1.0}, noise_covariance=SHAPES[asked].noise).noise.arguments()
    for name in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, name)

        def changed(landscape: sg.Landscape, *arguments: Any, original: Any = original, **options: Any) -> sg.Ensemble:
            if landscape.parameters.keys() == {"h"} and landscape.noise.arguments() == own:
                noise = SHAPES[simulated].noise
                landscape = sg.Landscape(landscape.text, "x", landscape.parameters, noise_covariance=noise)
            return original(landscape, *arguments, **options)

        patch.setattr(sg, name, changed)
