"""Mutations of linear_regression."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.statistics import mean
from tests.mutations import mutation


@mutation("linear_regression", "the SDE with constant noise")
def constant(patch: pytest.MonkeyPatch) -> None:
    """the SDE with the noise of the minimum in SGD's place, in steps that are exact"""
    _patched(patch)


@mutation("linear_regression", "the closed form of the SDE")
def closed(patch: pytest.MonkeyPatch) -> None:
    """the same: its best ε is that of the closed form"""
    _patched(patch)


def _patched(patch: pytest.MonkeyPatch) -> None:
    for module in (sg.models, import_module("sgdsde.models.regression_descent")):
        patch.setattr(module, "sgd_on_regression", _sde)


def _sde(
    problem: sg.models.LinearRegression, config: sg.SGDConfig, updates: int, replicas: int, burn_in: int, seed: int,
    covariance_groups: int = 0, draws: str = "examples",
) -> Any:  # fmt: skip
    curvature, basis = problem.modes
    law = sg.theory.stationary_covariance(
        np.diag(curvature), basis.T @ problem.noise_covariance() @ basis, config, "sde"
    )
    decay = np.exp(-curvature * config.mean_loss_time_per_update)
    root = np.linalg.cholesky(law - decay[:, None] * law * decay)
    diagonal = np.count_nonzero(root) == len(root)
    generator, w = np.random.default_rng(seed), np.zeros((replicas, len(curvature)))
    groups = max(covariance_groups, 1)
    squares, products = np.zeros(replicas), np.zeros((groups, len(curvature), len(curvature)))
    for update in range(updates):
        z = generator.standard_normal(w.shape)
        w = decay * w + (z * np.diagonal(root) if diagonal else z @ root.T)
        if update >= burn_in:
            squares += (w**2).sum(axis=1)
            if covariance_groups:
                wide = w.reshape(groups, -1, w.shape[1])
                products += wide.swapaxes(1, 2) @ wide
    trace, pairs = mean(squares / (updates - burn_in)), (updates - burn_in) * replicas / groups
    return SimpleNamespace(
        diverged=np.zeros(replicas, dtype=bool), trace=trace.value, trace_standard_error=trace.standard_error,
        covariance=SimpleNamespace(to_numpy=lambda: basis @ (products / pairs) @ basis.T),
    )  # fmt: skip
