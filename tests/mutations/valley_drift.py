"""Mutations of valley_drift."""

from __future__ import annotations

from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.laws.sparse import Training
from validation.laws.valley import ACROSS, BOTH, LABELS, Valley


@mutation("valley_drift", "no drift")
def none(patch: pytest.MonkeyPatch) -> None:
    """no noise across the valley but what does not depend on x in sum: h is 1 everywhere; no noise of labels"""
    original = sg.simulate_sgd

    def flat(landscape: sg.Landscape, *arguments: Any, **options: Any) -> sg.Ensemble:
        factor = [[entry.replace("x*y", "0").replace("x**2", "0") for entry in row] for row in _factor(landscape)]
        return original(sg.Landscape("y**2/2", "x y", landscape.parameters, noise_factor=factor), *arguments, **options)

    patch.setattr(sg, "simulate_sgd", flat)
    _trained(patch, noise=None)


@mutation("valley_drift", "the drift of the other noise", match="drift / theory's, *")
def other(patch: pytest.MonkeyPatch) -> None:
    """F constant where it is to be proportional to the Hessian, and the reverse"""
    own = Valley.landscape.fget
    swapped = {LABELS: ACROSS, ACROSS: LABELS}

    def landscape(self: Valley) -> sg.Landscape:
        held = own(self._replace(noise=swapped.get(self.noise, self.noise)))
        if self.noise != BOTH:
            return held
        steep = [["sigma", "0"], ["0", "sigma*sqrt(1 + x**2)"]]
        return sg.Landscape(held.text, held.variables, held.parameters, noise_factor=steep)

    patch.setattr(Valley, "landscape", property(landscape))


@mutation("valley_drift", "twice the drift")
def twice(patch: pytest.MonkeyPatch) -> None:
    """twice the noise across the valley, and √2 times that of labels"""
    original = sg.simulate_sgd

    def louder(landscape: sg.Landscape, *arguments: Any, **options: Any) -> sg.Ensemble:
        rows = _factor(landscape)
        along = len(rows[0]) == 2  # noise of its own along the valley, which stays
        factor = [row if along and k == 0 else [f"sqrt(2)*({entry})" for entry in row] for k, row in enumerate(rows)]
        return original(
            sg.Landscape(landscape.text, landscape.variables, landscape.parameters, noise_factor=factor),
            *arguments, **options,
        )  # fmt: skip

    patch.setattr(sg, "simulate_sgd", louder)
    _trained(patch, louder=2**0.5)


@mutation("valley_drift", "the law of ε → 0")
def small(patch: pytest.MonkeyPatch) -> None:
    """a tenth of ε in ten times as many updates, at the same noise in the SDE; of labels a third and three times σ"""
    original = sg.simulate_sgd

    def finer(landscape: sg.Landscape, config: sg.SGDConfig, w0: Any, updates: int, paths: int, **options: Any) -> Any:
        parameters = landscape.parameters | {"sigma": landscape.parameters["sigma"] * 10**0.5}
        options["save_every"] *= 10
        small = sg.SGDConfig(
            config.learning_rate / 10, 1, config.n_examples, momentum=config.momentum, sampling=config.sampling
        )
        return original(landscape.with_parameters(**parameters), small, w0, 10 * updates, paths // 10, **options)

    patch.setattr(sg, "simulate_sgd", finer)
    own = Training.run

    def trained(self: Training, seed: int, noise: str | None) -> Any:
        return own(self._replace(rate=self.rate / 5), seed, noise and f"labels:{5 * self.sigma:g}")

    patch.setattr(Training, "run", trained)


@mutation("valley_drift", "as with label noise")
def labels(patch: pytest.MonkeyPatch) -> None:
    """label noise in the control too"""
    own = Training.run

    def noisy(self: Training, seed: int, noise: str | None) -> Any:
        return own(self, seed, f"labels:{self.sigma:g}")

    patch.setattr(Training, "run", noisy)


def _factor(landscape: sg.Landscape) -> Any:
    return landscape.noise.arguments()["noise_factor"]


def _trained(patch: pytest.MonkeyPatch, noise: str | None = "", louder: float = 1.0) -> None:
    own = Training.run

    def changed(self: Training, seed: int, held: str | None) -> Any:
        return own(self, seed, held and (f"labels:{louder * self.sigma:g}" if noise == "" else noise))

    patch.setattr(Training, "run", changed)
