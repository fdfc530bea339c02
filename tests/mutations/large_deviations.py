"""Mutations of large_deviations."""

from __future__ import annotations

from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.laws.large_deviations import START, WELL


def _with_the_sde(patch: pytest.MonkeyPatch, landscape: sg.Landscape) -> None:
    """Exit times of the SDE of this landscape, by splitting; runs that wait for exits are of the SDE of their own."""
    original = sg.rare_exit_time

    def split(_: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> sg.RareExitTime:
        options = {name: value for name, value in options.items() if name != "examples"} | {"dynamics": "sde"}
        return original(landscape, config, *arguments, substeps=2, **options)

    def waited(*arguments: Any, examples: Any, **options: Any) -> sg.Ensemble:
        return sg.simulate_sde(*arguments, substeps=2, **options)

    patch.setattr(sg, "rare_exit_time", split)
    patch.setattr(sg, "simulate_sgd", waited)


@mutation("large_deviations", "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in the place of SGD"""
    _with_the_sde(patch, WELL)


@mutation("large_deviations", "Kramers with the F of the minimum")
def kramers(patch: pytest.MonkeyPatch) -> None:
    """the SDE with the F of the minimum everywhere"""
    noise = float(WELL.noise_covariance([START])[0, 0])
    _with_the_sde(patch, sg.Landscape(WELL.text, WELL.variables, noise_covariance=noise))
