"""Mutations of large_learning_rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation


@mutation("large_learning_rate", "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in SGD's place, in steps that are exact"""
    original = sg.simulate_sgd

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        if config.learning_rate >= 2 * (1 + config.momentum) or "h" not in landscape.parameters:
            return original(landscape, config, *arguments, **options)
        return sg.simulate_sde(landscape, config, *arguments, scheme="exact_ou", **options)

    patch.setattr(sg, "simulate_sgd", simulate)


@mutation("large_learning_rate", "no growth")
def steady(patch: pytest.MonkeyPatch) -> None:
    """half the stable ε where it should be beyond the limit: the second moment settles"""
    _stable(patch)


@mutation("large_learning_rate", "none lost")
def kept(patch: pytest.MonkeyPatch) -> None:
    """half the stable ε where it should be beyond the limit: paths stay"""
    _stable(patch)


@mutation("large_learning_rate", "a bowl's factor 1/(1 − ε)")
def wider(patch: pytest.MonkeyPatch) -> None:
    """noise larger by the factor 1/(1 − ε)"""
    original = sg.simulate_sde

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        wide = landscape.with_parameters(f=landscape.parameters["f"] / (1 - config.learning_rate))
        return original(wide, config, *arguments, **options)

    patch.setattr(sg, "simulate_sde", simulate)


def _stable(patch: pytest.MonkeyPatch) -> None:
    original = sg.simulate_sgd

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        limit = 2 * (1 + config.momentum)
        stable = min(config.learning_rate, 0.5 * limit)
        return original(landscape, replace(config, learning_rate=stable), *arguments, **options)

    patch.setattr(sg, "simulate_sgd", simulate)
