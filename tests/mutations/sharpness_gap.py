"""Mutations of sharpness_gap: noise as a rival has it, or another dynamics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.claims import sharpness_gap as module
from validation.laws import sharpening_network as network
from validation.laws.edge import Point, gap_of

CLAIM = "sharpness_gap"


def _noise(patch: pytest.MonkeyPatch, factor: Callable[[Point], float]) -> None:
    """Every point is run with that factor of its noise, and is said to have had its own."""

    def changed(point: Point, *given: Any) -> tuple[float, float]:
        return gap_of(replace(point, noise=factor(point) * point.noise), *given)

    patch.setattr(module, "gap_of", changed)


def _powers(power: float) -> dict[Point, float]:
    """By which factor a point's noise makes the gaps of its slope go with that power, through the largest."""
    slopes = [slope for plan in module.sharpness_gap.plans.values() for slope in plan.size.slopes]
    return {
        point: (x / max(slope.x)) ** (power - 1)
        for slope in slopes
        for x, point in zip(slope.x, slope.points, strict=True)
    }


@mutation(CLAIM, "no gap")
def noiseless(patch: pytest.MonkeyPatch) -> None:
    """a hundredth of the noise"""
    _noise(patch, lambda point: 0.01)


@mutation(CLAIM, "gap ∝ its square root")
def root(patch: pytest.MonkeyPatch) -> None:
    """noise that makes the gap go with the square root of what is varied"""
    factors = _powers(0.5)
    _noise(patch, lambda point: factors.get(point, 1.0))


@mutation(CLAIM, "gap ∝ its square")
def square(patch: pytest.MonkeyPatch) -> None:
    """noise that makes the gap go with the square of what is varied"""
    factors = _powers(2.0)
    _noise(patch, lambda point: factors.get(point, 1.0))


@mutation(CLAIM, "the gap to first order")
def first_order(patch: pytest.MonkeyPatch) -> None:
    """so much less noise that the law of all orders has the gap of the first"""

    def factor(point: Point) -> float:
        kappa = 4 * point.gap("first") / point.edge
        return float((1 - (1 - kappa / 2) ** 2) / kappa)

    _noise(patch, factor)


@mutation(CLAIM, "an edge")
def sgd(patch: pytest.MonkeyPatch) -> None:
    """gradient descent in the place of the SDE"""
    original = sg.simulate_sgd

    def changed(landscape: Any, *given: Any, substeps: int, **options: Any) -> sg.Ensemble:
        return original(landscape.with_parameters(sigma=1e-6), *given, **options)

    patch.setattr(sg, "simulate_sde", changed)


@mutation(CLAIM, "no edge")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the network is trained by the SDE where SGD is said"""
    original = network._run

    def changed(size: Any, batch: int, dynamics: str, seed: int) -> network.Run:
        return replace(original(size, size.sde_batch, "sde", seed), batch=batch, dynamics=dynamics)

    patch.setattr(network, "_run", changed)


@mutation(CLAIM, "no dependence")
def descent(patch: pytest.MonkeyPatch) -> None:
    """the network is trained by gradient descent, whatever is said"""
    original = network._run

    def changed(size: Any, batch: int, dynamics: str, seed: int) -> network.Run:
        found = original(size, network.DIGITS, "sgd", seed)

        return replace(found, batch=batch, dynamics=dynamics)

    patch.setattr(network, "_run", changed)
