"""Mutations of escape_time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from tests.mutations import mutation, noise_scaled


@mutation("escape_time", "g larger by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """noise of 1.1 times the covariance"""
    noise_scaled(patch, 1.1)


@mutation("escape_time", "exponential")
def memoryless(patch: pytest.MonkeyPatch) -> None:
    """the SDE's times are exponential, of the mean that they have"""
    original = sg.simulate_sde

    def changed(*arguments: Any, **options: Any) -> sg.Ensemble:
        run = original(*arguments, **options)
        drawn = np.random.default_rng(options["seed"]).exponential(run.exits.update.mean(), run.paths)
        object.__setattr__(run, "exits", replace(run.exits, update=drawn))
        return run

    patch.setattr(sg, "simulate_sde", changed)
