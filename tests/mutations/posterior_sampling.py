"""Mutations of posterior_sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.posterior import langevin
from tests.mutations import mutation, with_noise
from validation.posterior.runs import tumours


@mutation("posterior_sampling", "noise stronger by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise and that of the SDE with F(ω) of 1.1 times the covariance, and SGD's learning rates times 1.1"""
    sgd, sde = sg.posterior.sample_sgd, sg.posterior.sample_sde

    def warmer_sgd(posterior: Any, config: Any, start: Any, snapshots: int, seed: int, matrix: Any = None) -> Any:
        config = replace(config, learning_rate=1.1 * config.learning_rate)
        return sgd(posterior, config, start, snapshots, seed, None if matrix is None else 1.1 * matrix)

    def warmer_sde(posterior: Any, temperature: float, *arguments: Any) -> Any:
        return sde(posterior, 1.1 * temperature, *arguments)

    simulate = langevin.simulate_sde

    def louder(landscape: sg.Landscape, *arguments: Any, **options: Any) -> Any:
        return simulate(with_noise(landscape, 1.1), *arguments, **options)

    patch.setattr(langevin, "simulate_sde", louder)
    patch.setattr(sg.posterior, "sample_sgd", warmer_sgd)
    patch.setattr(sg.posterior, "sample_sde", warmer_sde)


@mutation("posterior_sampling", "Laplace's normal law")
def normal(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise on the parabola of the loss at its minimum"""
    simulate = langevin.simulate_sde

    def in_a_bowl(landscape: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        posterior, held = tumours(), landscape.parameters
        if held["power"] == 1:
            (a, b), ((p, q), (_, r)) = posterior.fit.weights.tolist(), posterior.hessian.tolist()
            text = f"{p!r}*(u - {a!r})**2/2 + {q!r}*(u - {a!r})*(v - {b!r}) + {r!r}*(v - {b!r})**2/2"
            landscape = sg.Landscape(text, "u v", {"f": held["f"]}, noise_covariance="f")
        return simulate(landscape, config, *arguments, **options)

    patch.setattr(langevin, "simulate_sde", in_a_bowl)


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
