"""Mutations of reshuffled_drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.laws.orders_of_batches import Scene
from validation.measure import Array


def fresh_instead(patch: pytest.MonkeyPatch, sampling: str, instead: str) -> None:
    """Other batches, in simulations and in the courses that an epoch may take."""
    original, ends = sg.simulate_sgd, Scene.ends

    def simulated(landscape: sg.Landscape, config: sg.SGDConfig, *rest: Any, **options: Any) -> sg.Ensemble:
        other = instead if config.sampling == sampling else config.sampling
        return original(landscape, replace(config, sampling=other), *rest, **options)

    def summed(scene: Scene, rate: float, starts: Array, asked: str = "reshuffle") -> Array:
        return ends(scene, rate, starts, instead if asked == sampling else asked)

    patch.setattr(sg, "simulate_sgd", simulated)
    patch.setattr(Scene, "ends", summed)


def driven(patch: pytest.MonkeyPatch, asked: str, driver: str, share: float) -> None:
    """An SDE with another driver, on the loss with so many times (ε/4) c Tr F."""
    original = sg.simulate_sde

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *rest: Any, **options: Any) -> sg.Ensemble:
        if options["driver"] == asked:
            options["driver"] = driver
            own = landscape if "batch_noise" in landscape.parameters else sg.modified_for(landscape, config, "epoched")
            landscape = own.with_parameters(batch_noise=share * config.batch_noise)
        return original(landscape, config, *rest, **options)

    patch.setattr(sg, "simulate_sde", changed)


@mutation("reshuffled_drift", "no drift", "*eshuffled*")
def fresh(patch: pytest.MonkeyPatch) -> None:
    """fresh batches where permutations are asked for"""
    fresh_instead(patch, "reshuffle", "without_replacement")


@mutation("reshuffled_drift", "no drift", "drift of the SDE *")
def brownian(patch: pytest.MonkeyPatch) -> None:
    """Brownian motion without Tr F drives the SDEs"""
    driven(patch, "epoched", "brownian", 0.0)
    driven(patch, "brownian", "brownian", 0.0)


@mutation("reshuffled_drift", "the modified loss", "*fresh batches*")
def reshuffled(patch: pytest.MonkeyPatch) -> None:
    """permutations where fresh batches are asked for"""
    fresh_instead(patch, "without_replacement", "reshuffle")


@mutation("reshuffled_drift", "the modified loss", "drift of the SDE of Brownian motion, *")
def bridges(patch: pytest.MonkeyPatch) -> None:
    """bridges drive the SDE of Brownian motion"""
    driven(patch, "brownian", "epoched", 0.0)


@mutation("reshuffled_drift", "Tr F twice", "drift of the SDE with bridges*")
def twice(patch: pytest.MonkeyPatch) -> None:
    """bridges on the loss that is right for Brownian motion"""
    driven(patch, "epoched", "epoched", 1.0)


@mutation("reshuffled_drift", "Tr F of the bridges alone")
def alone(patch: pytest.MonkeyPatch) -> None:
    """bridges on the loss without Tr F"""
    driven(patch, "epoched", "epoched", 0.0)


@mutation("reshuffled_drift", "SGD's")
def bridged(patch: pytest.MonkeyPatch) -> None:
    """bridges in the place of the modified loss"""
    driven(patch, "brownian", "epoched", 0.0)


@mutation("reshuffled_drift", "order 1")
def without_trace(patch: pytest.MonkeyPatch) -> None:
    """the flow without Tr F"""
    original = Scene.flow
    patch.setattr(Scene, "flow", lambda scene, rate, epochs, share: original(scene, rate, epochs, 0.0))


@mutation("reshuffled_drift", "order 2")
def with_trace(patch: pytest.MonkeyPatch) -> None:
    """the flow with Tr F"""
    original = Scene.flow
    patch.setattr(Scene, "flow", lambda scene, rate, epochs, share: original(scene, rate, epochs, 1.0))


@mutation("reshuffled_drift", "1/B for c")
def larger(patch: pytest.MonkeyPatch) -> None:
    """noise of batches as large as if c were 1/B"""
    original = Scene.orders

    def changed(scene: Scene, sampling: str) -> Array:
        return original(scene, sampling) * (scene.n_examples / (scene.n_examples - scene.batch)) ** 0.5

    patch.setattr(Scene, "orders", changed)
