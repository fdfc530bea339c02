"""Mutations of noise_geometry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

import sgdsde as sg
from sgdsde.landscapes import two_bowls
from tests.mutations import mutation
from validation.claims.noise_geometry import BATCH, DIRECTED, STRENGTH, N


@mutation("noise_geometry", "isotropic noise")
def undirected(patch: pytest.MonkeyPatch) -> None:
    """directed noises are isotropic, of the same trace"""
    _instead(patch, DIRECTED, "isotropic")


@mutation("noise_geometry", "covariance noise")
def directed(patch: pytest.MonkeyPatch) -> None:
    """undirected noises are that of the data, of the same trace"""
    _instead(patch, ("isotropic", "diagonal"), "covariance")


@mutation("noise_geometry", "the noise of batches")
def batches(patch: pytest.MonkeyPatch) -> None:
    """gradient descent has the noise of batches"""
    original = sg.simulate_sgd

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> sg.Ensemble:
        if config.batch_size == N:
            config = sg.SGDConfig(config.learning_rate, BATCH, N)
            landscape = landscape.with_parameters(trace=STRENGTH / config.temperature)
        return original(landscape, config, *arguments, **options)

    patch.setattr(sg, "simulate_sgd", changed)


def _instead(patch: pytest.MonkeyPatch, asked: Collection[str], simulated: str) -> None:
    for name in ("simulate_sgd", "simulate_sde"):
        original = getattr(sg, name)

        def changed(landscape: sg.Landscape, *arguments: Any, original: Any = original, **options: Any) -> sg.Ensemble:
            if landscape.name in asked:
                held = landscape.parameters
                landscape = two_bowls(simulated, held["trace"], ridge=held["ridge"])
            return original(landscape, *arguments, **options)

        patch.setattr(sg, name, changed)
