"""Mutations of balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.landscapes import two_weights
from tests.mutations import mutation, noise_scaled
from validation.balance import law, weights
from validation.balance.data import CONSTANT, NORMAL, STRATONOVICH, Data, rivals
from validation.balance.weights import BALANCED, FIRST, FRESH, NOISY, RESHUFFLED
from validation.claims import balance as claim
from validation.context import Context

LAWS = "[Pχ]*"


def _drawn(rival: str) -> Callable[[Context, Data, float, float], np.ndarray]:
    def draw(context: Context, data: Data, ratio: float, span: float) -> np.ndarray:
        grid = np.geomspace(1e-9, 100.0, 200_001)
        below = rivals(data.law, ratio * data.law.critical_temperature)[rival](grid)
        held = np.r_[True, np.diff(np.maximum.accumulate(below)) > 0]
        chance = np.random.default_rng(context.seed("drawn", ratio)).uniform(size=context.size.paths)
        return np.interp(chance, below[held], grid[held])

    return draw


def _laws(patch: pytest.MonkeyPatch, rival: str) -> None:
    draw, original = _drawn(rival), weights.followed

    def changed(context: Context, name: str, ratio: float, *arguments: Any, **options: Any) -> Any:
        if ratio != claim.COOL:
            return original(context, name, ratio, *arguments, **options)
        v = draw(context, NOISY, ratio, 0.0)
        return SimpleNamespace(final=np.column_stack([v, np.ones_like(v)]))

    patch.setattr(law, "settled", draw)
    patch.setattr(weights, "followed", changed)


@mutation("balance", NORMAL, LAWS)
def normal(patch: pytest.MonkeyPatch) -> None:
    """v drawn from the normal law of the linear equation"""
    _laws(patch, NORMAL)


@mutation("balance", STRATONOVICH, LAWS)
def stratonovich(patch: pytest.MonkeyPatch) -> None:
    """v drawn from the law that noise in Stratonovich's sense has"""
    _laws(patch, STRATONOVICH)


@mutation("balance", CONSTANT, LAWS)
def constant(patch: pytest.MonkeyPatch) -> None:
    """v drawn from the law of inputs without spread"""
    _laws(patch, CONSTANT)


@mutation("balance", STRATONOVICH, "growth*")
def silent(patch: pytest.MonkeyPatch) -> None:
    """next to no noise: without Itô's term ln v grows on average as it does then"""
    noise_scaled(patch, 1e-6)


def _sampled(patch: pytest.MonkeyPatch, sampling: str) -> None:
    original = sg.simulate_sgd

    def changed(landscape: Any, config: sg.SGDConfig, *arguments: Any, **options: Any) -> Any:
        return original(landscape, replace(config, sampling=sampling), *arguments, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("balance", f"as of {RESHUFFLED}")
def reshuffled(patch: pytest.MonkeyPatch) -> None:
    """reshuffled batches in the place of fresh ones"""
    _sampled(patch, "reshuffle")


@mutation("balance", f"as of {FRESH}")
def fresh(patch: pytest.MonkeyPatch) -> None:
    """fresh batches in the place of reshuffled ones"""
    _sampled(patch, "without_replacement")


@mutation("balance", FIRST)
def isotropic(patch: pytest.MonkeyPatch) -> None:
    """isotropic noise in the place of SGD's"""
    sgd, sde = sg.simulate_sgd, sg.simulate_sde

    def plain(*arguments: Any, examples: Any, **options: Any) -> Any:
        return sgd(*arguments, noise="isotropic", **options)

    def level(network: sg.Landscape, *arguments: Any, **options: Any) -> Any:
        same = sg.Landscape(network.text, network.variables, network.parameters, noise_covariance=64.0)
        return sde(same, *arguments, **options)

    patch.setattr(sg, "simulate_sgd", plain)
    patch.setattr(weights, "sg", SimpleNamespace(**{**vars(sg), "simulate_sde": level, "simulate_sgd": plain}))


@mutation("balance", "half the rate")
def half(patch: pytest.MonkeyPatch) -> None:
    """half the noise"""
    noise_scaled(patch, 0.5)


@mutation("balance", "as much less as the variance")
def less(patch: pytest.MonkeyPatch) -> None:
    """as much less noise as reshuffling leaves of the variance"""
    noise_scaled(patch, 0.11)


@mutation("balance", BALANCED)
def balanced(patch: pytest.MonkeyPatch) -> None:
    """SGD's noise in the place of isotropic noise"""
    network = two_weights(*NOISY.pairs)[0]
    patch.setattr(weights, "sg", SimpleNamespace(**{**vars(sg), "Landscape": lambda *_, **__: network}))


@mutation("balance", "T_c = β2/(2α3)")
def twice(patch: pytest.MonkeyPatch) -> None:
    """twice the noise"""
    noise_scaled(patch, 2.0)


@mutation("balance", "T_c = 2β2/α3")
def halved(patch: pytest.MonkeyPatch) -> None:
    """half the noise"""
    noise_scaled(patch, 0.5)


@mutation("balance", "where the mode leaves, T_c/3")
def thrice(patch: pytest.MonkeyPatch) -> None:
    """three times the noise"""
    noise_scaled(patch, 3.0)
