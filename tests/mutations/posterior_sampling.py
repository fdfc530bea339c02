"""Mutations of posterior_sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from tests.mutations import mutation, noise_scaled


@mutation("posterior_sampling", "noise stronger by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise and that of the SDE with F(ω) of 1.1 times the covariance, and SGD's learning rates times 1.1"""
    sgd, sde = sg.posterior.sample_sgd, sg.posterior.sample_sde

    def warmer_sgd(posterior: Any, config: Any, start: Any, snapshots: int, seed: int, matrix: Any = None) -> Any:
        config = replace(config, learning_rate=1.1 * config.learning_rate)
        return sgd(posterior, config, start, snapshots, seed, None if matrix is None else 1.1 * matrix)

    def warmer_sde(posterior: Any, temperature: float, *arguments: Any) -> Any:
        return sde(posterior, 1.1 * temperature, *arguments)

    noise_scaled(patch, 1.1, ("simulate_sde",))
    patch.setattr(sg.posterior, "sample_sgd", warmer_sgd)
    patch.setattr(sg.posterior, "sample_sde", warmer_sde)


@mutation("posterior_sampling", "F = H")
def equal(patch: pytest.MonkeyPatch) -> None:
    """SGD with normal gradient noise of the constant covariance H/B in place of that of batches"""

    def sampled(posterior: Any, config: Any, start: Any, snapshots: int, seed: int, matrix: Any = None) -> Any:
        rates = config.learning_rate * np.eye(2) if matrix is None else matrix
        every = int(np.ceil((1 - config.momentum) / np.linalg.eigvals(rates @ posterior.hessian).real.min()))
        generator, w, found = np.random.default_rng(seed), np.array(start), []
        root, v = np.linalg.cholesky(config.batch_noise * posterior.hessian), np.zeros_like(w)
        for step in range(1, (4 + snapshots) * every + 1):
            kick = posterior.mean_gradient(w) + generator.standard_normal(w.shape) @ root.T
            v = config.momentum * v - kick @ rates.T
            w = w + v
            if step > 4 * every and step % every == 0:
                found.append(w.copy())
        return np.array(found)

    patch.setattr(sg.posterior, "sample_sgd", sampled)
