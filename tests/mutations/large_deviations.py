"""Mutations of large_deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import sgdsde as sg
from tests.mutations import mutation
from validation.claims import large_deviations as claim
from validation.laws.large_deviations import BEYOND, START, WELL
from validation.measure import exits_of


@dataclass(frozen=True)
class Waited:
    """Exits that no run waits for: their mean time is by splitting."""

    found: sg.RareExitTime

    def mean_time(self) -> sg.RareExitTime:
        return self.found


def _with_the_sde(patch: pytest.MonkeyPatch, landscape: sg.Landscape) -> None:
    """Exit times of the SDE of this landscape by splitting; of signs that cannot climb, from the SDE of their own."""
    original = sg.rare_exit_time

    def split(_: sg.Landscape, config: sg.SGDConfig, *arguments: Any, **options: Any) -> sg.RareExitTime:
        options = {name: value for name, value in options.items() if name != "examples"} | {"dynamics": "sde"}
        return original(landscape, config, *arguments, substeps=2, **options)

    def waited(of: sg.Landscape, config: sg.SGDConfig, *arguments: Any, examples: Any, **options: Any) -> Any:
        if options["stop"] != BEYOND:
            return sg.simulate_sde(of, config, *arguments, substeps=2, **options)
        return Waited(
            original(
                landscape, config, START, BEYOND, dynamics="sde", substeps=2, trials=512, repetitions=8,
                seed=options["seed"],
            )
        )  # fmt: skip

    patch.setattr(sg, "rare_exit_time", split)
    patch.setattr(sg, "simulate_sgd", waited)
    patch.setattr(claim, "exits_of", lambda run: run if isinstance(run, Waited) else exits_of(run))


@mutation("large_deviations", "the SDE")
def sde(patch: pytest.MonkeyPatch) -> None:
    """the SDE in the place of SGD"""
    _with_the_sde(patch, WELL)


@mutation("large_deviations", "Kramers with the F of the minimum")
def kramers(patch: pytest.MonkeyPatch) -> None:
    """the SDE with the F of the minimum everywhere"""
    noise = float(WELL.noise_covariance([START])[0, 0])
    _with_the_sde(patch, sg.Landscape(WELL.text, WELL.variables, noise_covariance=noise))
