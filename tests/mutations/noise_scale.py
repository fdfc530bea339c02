"""Mutations of noise_scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation, noise_scaled, with_noise


@mutation("noise_scale", "g off by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """noise of 1.1 times the covariance, on the landscape and of the network's batches"""
    noise_scaled(patch, 1.1, ("simulate_sgd",))
    original = sg.models.batch_errors
    patch.setattr(sg.models, "batch_errors", lambda *arguments: 1.1**0.5 * original(*arguments))


@mutation("noise_scale", "independent batches")
def independent(patch: pytest.MonkeyPatch) -> None:
    """batches drawn afresh, and grouped as if they were of epochs"""
    simulated, drawn = sg.simulate_sgd, sg.models.batch_errors

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        return simulated(landscape, replace(config, sampling="without_replacement"), *arguments, **options)

    def errors(gradients: Any, config: sg.SGDConfig, *arguments: Any) -> Any:
        fresh = drawn(gradients, replace(config, sampling="without_replacement"), *arguments)
        return fresh.reshape(-1, config.n_examples // config.batch_size if config.permuted else 1, fresh.shape[-1])

    patch.setattr(sg, "simulate_sgd", simulate)
    patch.setattr(sg.models, "batch_errors", errors)


@mutation("noise_scale", "as inside an epoch")
def long_epochs(patch: pytest.MonkeyPatch) -> None:
    """epochs of twice the length, with noise that keeps the covariance −N F between their batches"""
    original = sg.simulate_sgd

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        longer = replace(config, n_examples=2 * config.n_examples)
        return original(with_noise(landscape, 2.0), longer, *arguments, **options)

    patch.setattr(sg, "simulate_sgd", simulate)
