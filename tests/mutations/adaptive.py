"""Mutations of adaptive."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.laws.adaptive import CURVATURE, NOISE, Scaled

RULES = "Var / SDE's at κ = 1, *"


@mutation("adaptive", "the linear rule", match=RULES)
def linear(patch: pytest.MonkeyPatch) -> None:
    """a learning rate that makes the linear rule keep the variance: ε by 1/√κ of what it is"""
    own = Scaled.config.fget

    def slower(self: Scaled) -> sg.SGDConfig:
        held = own(self)
        return replace(held, learning_rate=held.learning_rate / self.kappa**0.5)

    _run_with(patch, Scaled, slower)


@mutation("adaptive", "the law of ε → 0")
def small(patch: pytest.MonkeyPatch) -> None:
    """in the place of signSGD, SGD in noise that gives it the variance of signSGD at small ε"""
    original = sg.simulate_sgd

    def changed(
        landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, updates: int, paths: int, **options: Any
    ) -> Any:
        if "burn_in" in options and "save_every" not in options:
            variance = float(sg.theory.signsgd_variance(CURVATURE, NOISE, config))
            config = replace(config, learning_rate=0.5)
            exact = sg.theory.stationary_variance(CURVATURE, 1.0, config, "sgd")
            landscape = landscape.with_parameters(f=variance / float(exact))
            options = {name: value for name, value in options.items() if name != "examples"}
            options |= {"dynamics": "sgd", "noise": "normal"}
        return original(landscape, config, w0, updates, paths, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("adaptive", "normal noise")
def normal(patch: pytest.MonkeyPatch) -> None:
    """normal noise in the place of the examples"""
    original = sg.simulate_sgd

    def changed(*arguments: Any, **options: Any) -> Any:
        options.pop("examples", None)
        return original(*arguments, **options | {"noise": "normal"})

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("adaptive", "SGD's law")
def sgd(patch: pytest.MonkeyPatch) -> None:
    """SGD in the place of each rule"""
    _dynamics(patch, "sgd", "sgd")


@mutation("adaptive", "signSGD's law")
def sign(patch: pytest.MonkeyPatch) -> None:
    """signSGD in the place of RMSprop and Adam"""
    _dynamics(patch, "signsgd", "signsgd")


@mutation("adaptive", "Adam's law")
def adam(patch: pytest.MonkeyPatch) -> None:
    """RMSprop in the place of signSGD, whose law is Adam's"""
    _dynamics(patch, "", "rmsprop")


@mutation("adaptive", "no memory of gradients")
def memoryless(patch: pytest.MonkeyPatch) -> None:
    """Adam at β₁ = 0"""
    own = Scaled.config.fget

    def forgetful(self: Scaled) -> sg.SGDConfig:
        held = own(self)
        return replace(held, hyperparameters=held.hyperparameters | {"beta1": 0.0}) if self.dynamics == "adam" else held

    _run_with(patch, Scaled, forgetful)


@mutation("adaptive", "a drift linear in the gradient")
def drift(patch: pytest.MonkeyPatch) -> None:
    """single steps by SGD, of the slope that signSGD's has at the minimum"""
    original = sg.simulate_sgd

    def changed(
        landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, updates: int, paths: int, **options: Any
    ) -> Any:
        if updates == 1:
            slope = math.sqrt(2 / (math.pi * config.batch_noise))
            config, options = replace(config, learning_rate=config.learning_rate * slope), options | {"dynamics": "sgd"}
        return original(landscape, config, w0, updates, paths, **options)

    patch.setattr(sg, "simulate_sgd", changed)


@mutation("adaptive", "no noise")
def silent(patch: pytest.MonkeyPatch) -> None:
    """a ten-thousandth of the noise in single steps"""
    original = sg.simulate_sgd

    def changed(
        landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, updates: int, paths: int, **options: Any
    ) -> Any:
        quiet = landscape.with_parameters(f=1e-8) if updates == 1 else landscape
        return original(quiet, config, w0, updates, paths, **options)

    patch.setattr(sg, "simulate_sgd", changed)


def _run_with(patch: pytest.MonkeyPatch, kind: Any, config: Any) -> None:
    """Runs of a kind of case have another config; its laws keep their own."""
    own = kind.run

    def run(self: Any, paths: int, seed: int) -> sg.Ensemble:
        with pytest.MonkeyPatch.context() as inside:
            inside.setattr(kind, "config", property(config))
            return own(self, paths, seed)

    patch.setattr(kind, "run", run)


def _dynamics(patch: pytest.MonkeyPatch, adaptive: str, signs: str) -> None:
    """Other rules in the place of RMSprop and Adam, and of signSGD, where there is a name."""
    original = sg.simulate_sgd

    def changed(
        landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, updates: int, paths: int, **options: Any
    ) -> Any:
        other = signs if options["dynamics"] == "signsgd" else adaptive
        if updates > 1 and other:
            state = {"square_avg": [config.batch_noise]} if other == "rmsprop" else None
            numbers = {"alpha": 0.9995} if other == "rmsprop" else {}
            config = replace(config, hyperparameters=numbers)
            options |= {"dynamics": other, "state0": state}
        return original(landscape, config, w0, updates, paths, **options)

    patch.setattr(sg, "simulate_sgd", changed)
