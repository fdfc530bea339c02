"""Mutations of noise_follows_loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.models import LinearRegression
from sgdsde.statistics import Estimate
from tests.mutations import mutation
from validation.check import Check
from validation.claims import noise_follows_loss as claim
from validation.laws import loss_noise
from validation.laws.loss_noise import ARRHENIUS, ESCAPES, LESS, MINIMUM, MINUS, PLAIN, STRATONOVICH


def _as_at(landscape: sg.Landscape, w0: Any) -> sg.Landscape:
    """The landscape with the noise of a point everywhere."""
    noise = landscape.noise_covariance(np.asarray(w0, dtype=float)).tolist()
    return sg.Landscape(landscape.text, landscape.variables, landscape.parameters, noise_covariance=noise)


@mutation("noise_follows_loss", MINIMUM)
def minimum(patch: pytest.MonkeyPatch) -> None:
    """the noise of the minimum everywhere, but for the SDE's escapes, which would not end"""
    integrate, simulate = sg.integrate, sg.simulate_sgd

    def laws(landscape: sg.Landscape, w0: Any, *arguments: Any, **options: Any) -> Any:
        return integrate(landscape if "stop" in options else _as_at(landscape, w0), w0, *arguments, **options)

    def sgd(landscape: sg.Landscape, config: Any, w0: Any, updates: int, *arguments: Any, **options: Any) -> Any:
        return simulate(_as_at(landscape, w0), config, w0, 1000 * updates, *arguments, **options)

    patch.setattr(sg, "integrate", laws)
    patch.setattr(sg, "simulate_sgd", sgd)


def _power(patch: pytest.MonkeyPatch, change: float) -> None:
    """Laws of the SDE are those of another a = 1/(Th), with h = 1."""
    original = sg.integrate

    def changed(*arguments: Any, temperature: float, **options: Any) -> Any:
        other = temperature if "stop" in options else 1 / (1 / temperature + change)
        return original(*arguments, temperature=other, **options)

    patch.setattr(sg, "integrate", changed)


@mutation("noise_follows_loss", LESS)
def less(patch: pytest.MonkeyPatch) -> None:
    """a temperature at which the power of L is less by 1"""
    _power(patch, -1.0)


@mutation("noise_follows_loss", STRATONOVICH)
def stratonovich(patch: pytest.MonkeyPatch) -> None:
    """a temperature at which the power of L is less by ½, as the factor 1/√F for 1/F makes it"""
    _power(patch, -0.5)


@mutation("noise_follows_loss", ARRHENIUS)
def arrhenius(patch: pytest.MonkeyPatch) -> None:
    """times drawn from the exponential law that Arrhenius' mean has: no simulation would end"""

    def drawn(context: Any, where: str, ratio: float) -> Check:
        exact, wrong = loss_noise.exact_time(where, ratio), loss_noise.arrhenius(where, ratio)
        times = wrong * np.random.default_rng(context.seed("drawn", where, ratio)).exponential(
            size=context.size.escaping
        )
        found = Estimate(times.mean(), times.std() / len(times) ** 0.5)
        return Check.of(f"mean time {where}, L_s/L₀ = {ratio:g}", exact, found, {ARRHENIUS: wrong})

    patch.setattr(claim, "_escape", drawn)


def _escapes(patch: pytest.MonkeyPatch, change: float) -> None:
    """Escapes of the SDE are those of another a."""
    original = sg.integrate

    def changed(landscape: Any, w0: Any, time: float, steps: int, *arguments: Any, **options: Any) -> Any:
        if "stop" in options:
            options["temperature"] *= ESCAPES / (ESCAPES + change)
            time, steps = 10 * time, 10 * steps
        return original(landscape, w0, time, steps, *arguments, **options)

    patch.setattr(sg, "integrate", changed)


@mutation("noise_follows_loss", "exponent B/(εh) + 1")
def more(patch: pytest.MonkeyPatch) -> None:
    """escapes at a temperature at which their exponent is higher by ½"""
    _escapes(patch, 0.5)


@mutation("noise_follows_loss", "exponent B/(εh)")
def fewer(patch: pytest.MonkeyPatch) -> None:
    """escapes at a temperature at which their exponent is lower by ½"""
    _escapes(patch, -0.5)


def _noise(patch: pytest.MonkeyPatch, sign: float) -> None:
    """F of linear regression is 2LH + sign ∇L∇Lᵀ."""

    def changed(problem: LinearRegression, w: np.ndarray) -> np.ndarray:
        away = w - problem.optimum
        slope = problem.hessian @ away
        return (away @ slope + problem.label_variance) * problem.hessian + sign * np.outer(slope, slope)

    patch.setattr(LinearRegression, "noise_covariance", changed)


@mutation("noise_follows_loss", MINUS)
def minus(patch: pytest.MonkeyPatch) -> None:
    """F = 2LH − ∇L∇Lᵀ"""
    _noise(patch, -1.0)


@mutation("noise_follows_loss", PLAIN)
def plain(patch: pytest.MonkeyPatch) -> None:
    """F = 2LH"""
    _noise(patch, 0.0)
