"""Mutations of reshuffling_repaired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.escape import epoched_wells as wells
from validation.laws.epoched_bowl import Case


def brownian(patch: pytest.MonkeyPatch, factor: Callable[[sg.Landscape, sg.SGDConfig, Any], float]) -> None:
    """Brownian motion at this factor times the T that it has with a bridge's 1/B."""
    original = sg.simulate_sde

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, *rest: Any, **options: Any) -> sg.Ensemble:
        noise = landscape.parameters["f"] * factor(landscape, config, w0)
        return original(landscape.with_parameters(f=noise), config, w0, *rest, driver="brownian", **options)

    patch.setattr(sg, "simulate_sde", changed)


def shuffled_once_as(patch: pytest.MonkeyPatch, sampling: str) -> None:
    """Other batches where one permutation for all epochs is asked for."""
    original = sg.simulate_sgd

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *rest: Any, **options: Any) -> sg.Ensemble:
        other = replace(config, sampling=sampling) if config.repeated else config
        return original(landscape, other, *rest, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("reshuffling_repaired", "Brownian motion")
def same_temperature(patch: pytest.MonkeyPatch) -> None:
    """Brownian motion drives the SDE, and fresh batches SGD with one permutation"""
    brownian(patch, lambda landscape, config, w0: 1.0)
    shuffled_once_as(patch, "without_replacement")


@mutation("reshuffling_repaired", "Brownian motion, T fitted")
def fitted(patch: pytest.MonkeyPatch) -> None:
    """Brownian motion at a fitted T drives the SDE"""

    def factor(landscape: sg.Landscape, config: sg.SGDConfig, w0: Any) -> float:
        batches = config.n_examples // config.batch_size
        for well in wells.WELLS:
            here = well.landscape.name == landscape.name and well.config == config and np.all(w0 == well.bottom)
            if here and well.noise == landscape.parameters["f"]:
                return well.fitted / well.temperature
        case = Case(config.learning_rate * batches, batches, config.momentum)
        return case.fitted() / case.over("brownian")

    brownian(patch, factor)


@mutation("reshuffling_repaired", "Brownian motion, any T")
def any_temperature(patch: pytest.MonkeyPatch) -> None:
    """Brownian motion at the T with the largest share of the wide well drives the SDE"""
    best = max(wells.TEMPERATURES, key=lambda one: wells.brownian_share(wells.SHARED.temperature * one))
    brownian(patch, lambda landscape, config, w0: best)


@mutation("reshuffling_repaired", "new bridges")
def renewed(patch: pytest.MonkeyPatch) -> None:
    """a new permutation in every epoch where one is to serve all"""
    shuffled_once_as(patch, "reshuffle")
