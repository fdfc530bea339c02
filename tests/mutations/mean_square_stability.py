"""Mutations of mean_square_stability: what grows is that of another dynamics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.studies.second_moment import population_growth
from tests.mutations import mutation
from validation.claims import mean_square_stability as claim
from validation.laws.growing import GROUPS, SDE, SGD, Array, Case
from validation.laws.growing import growth as original

CLAIM = "mean_square_stability"
#: Of the SDE's time, and steps of Euler and Maruyama's method in it.
PIECE, STEPS = 0.1, 20


@mutation(CLAIM, "2(1 + m)/λ_max", "limit, *")
def without_noise(patch: pytest.MonkeyPatch) -> None:
    """every batch has all N examples"""
    patch.setitem(claim.HIGHEST, SGD, 1.5)
    _of_sgd(patch, lambda case, config: replace(config, batch_size=config.n_examples))


@mutation(CLAIM, "2(1 + m)/λ_max", "limit of the SDE, *")
def gradient_descent(patch: pytest.MonkeyPatch) -> None:
    """gradient descent in the place of the SDE"""
    patch.setitem(claim.HIGHEST, SDE, 7.0)  # of halves of 8 one is ε = 1, by which it is at the minimum at once

    def changed(case: Case, config: sg.SGDConfig, seed: int, rate: float, **options: Any) -> Array:
        if case.dynamics == SGD:
            return original(case, config, seed, rate, **options)
        at = replace(config, batch_size=config.n_examples)
        return original(replace(case, dynamics=SGD), at, seed, rate, **options)

    patch.setattr(claim, "growth", changed)


@mutation(CLAIM, "SGD")
def sgd(patch: pytest.MonkeyPatch) -> None:
    """SGD in the place of the SDE"""
    patch.setattr(
        claim, "growth", lambda case, *given, **options: original(replace(case, dynamics=SGD), *given, **options)
    )


@mutation(CLAIM, "(1 + m) times that without momentum", "limit, *")
def momentum_left_out(patch: pytest.MonkeyPatch) -> None:
    """runs have no momentum and ε/(1 + m)"""

    def changed(case: Case, config: sg.SGDConfig, seed: int, rate: float, **options: Any) -> Array:
        return original(case, replace(config, momentum=0.0), seed, rate / (1 + config.momentum), **options)

    patch.setattr(claim, "growth", changed)


@mutation(CLAIM, "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in the place of SGD, by Euler and Maruyama's method in short steps"""
    patch.setitem(claim.HIGHEST, SGD, 16.0)  # its limit may be far above that of gradient descent

    def changed(case: Case, config: sg.SGDConfig, seed: int, rate: float, *, fewer: int = 1) -> Array:
        problem, at = case.problem, replace(config, learning_rate=rate)
        parts = problem.parts.swapaxes(1, 2) @ problem.parts if problem.factored else problem.parts
        values, basis = np.linalg.eigh(problem.mean)
        kept = basis[:, values > 1e-9 * values[-1]]
        parts = kept.T @ parts @ kept
        mean = parts.mean(axis=0)
        step = PIECE / STEPS / np.linalg.eigvalsh(mean)[-1]
        noise = np.sqrt(at.temperature * step / (len(parts) - 1)) * (parts - mean)

        def advance(state: Array, own: int) -> Array:
            generator, x = np.random.default_rng(own), state[:, 0]
            for _ in range(STEPS):
                z = generator.standard_normal((len(x), len(parts)))
                x = x - step * x @ mean + np.einsum("rn,nab,rb->ra", z, noise, x, optimize=True)
            return x[:, None]

        return population_growth(advance, np.ones(len(mean)), 3 * case.blocks, 8192 // fewer, GROUPS, 20, seed)

    def only_sgd(case: Case, *given: Any, **options: Any) -> Array:
        return (original if case.dynamics == SDE else changed)(case, *given, **options)

    patch.setattr(claim, "growth", only_sgd)


def _of_sgd(patch: pytest.MonkeyPatch, change: Any) -> None:
    def changed(case: Case, config: sg.SGDConfig, *given: Any, **options: Any) -> Array:
        return original(case, config if case.dynamics == SDE else change(case, config), *given, **options)

    patch.setattr(claim, "growth", changed)
