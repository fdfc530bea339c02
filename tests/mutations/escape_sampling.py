"""Mutations of escape_sampling."""

from __future__ import annotations

from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation, noise_scaled


@mutation("escape_sampling", "g larger by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """noise of 1.1 times the covariance"""
    noise_scaled(patch, 1.1)


@mutation("escape_sampling", "only g counts")
def without_velocity(patch: pytest.MonkeyPatch) -> None:
    """momentum is but a larger learning rate, ε/(1 − m)"""
    original = sg.simulate_sgd

    def changed(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> sg.Ensemble:
        rate = config.mean_loss_time_per_update
        plain = sg.SGDConfig(rate, config.batch_size, config.n_examples, sampling=config.sampling)
        return original(landscape, plain, *arguments, **options)

    patch.setattr(sg, "simulate_sgd", changed)
