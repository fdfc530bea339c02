"""Mutations of batch_near_n."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation, with_noise


@mutation("batch_near_n", "B ≪ N, c = 1/B")
def endless(patch: pytest.MonkeyPatch) -> None:
    """batches drawn with replacement, and F larger by N/(N − 1): c = 1/B"""
    original = sg.simulate_sgd

    def simulate(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        n = config.n_examples
        drawn = replace(config, sampling="with_replacement")
        return original(with_noise(landscape, n / (n - 1)), drawn, *arguments, **options)

    patch.setattr(sg, "simulate_sgd", simulate)
