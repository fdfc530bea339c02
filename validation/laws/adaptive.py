"""signSGD, RMSprop and Adam around a quadratic minimum, and their laws: for the claim ``adaptive``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

import sgdsde as sg
from validation.laws.heavy_tailed import quantiles
from validation.measure import Array, whole

#: h, F, B of the smallest batches, and N: of examples, and where noise is normal and N does not matter.
CURVATURE, NOISE, BATCH, EXAMPLES, MANY = 1.0, 1.0, 4, 512, 10**6
#: Of the rules: εh√B/σ, 1 − β₁, 1 − β₂ (RMSprop's 1 − α) and ϵ at the smallest batches, and where paths start.
WIDTH, FORGETS, SQUARES, SMALL, START = 0.002, 0.004, 0.0005, 1e-6, 0.05
#: Relaxation times before averages are taken, and of them; readings of a course for a relaxation time.
SETTLE, AVERAGE, READINGS = 4, 8, 4
#: Where Adam's averages start: at their means, or at 0 with corrections, as its own do.
WARM, COLD = "warm start", "cold start"


class Sign(NamedTuple):
    """signSGD at εh/√(cF) = ratio, from `start` steps off the minimum; with the examples of a name at B = 1."""

    ratio: float
    start: float = 0.0
    examples: str = ""

    @property
    def config(self) -> sg.SGDConfig:
        batch = 1 if self.examples else BATCH
        spread = math.sqrt(sg.SGDConfig(1.0, batch, EXAMPLES, sampling="with_replacement").batch_noise * NOISE)
        return sg.SGDConfig(self.ratio * spread / CURVATURE, batch, EXAMPLES, sampling="with_replacement")

    @property
    def place(self) -> float:
        """Where paths start."""
        return self.start * self.config.learning_rate

    def law(self) -> float:
        """The exact variance, over the law of small ε."""
        table = math.sqrt(NOISE) * quantiles(self.examples) if self.examples else ()
        exact = sg.theory.signsgd_stationary(CURVATURE, NOISE, self.config, self.place, examples=table)
        return exact.variance / self.unit

    @property
    def unit(self) -> float:
        """The law of small ε and normal noise."""
        return float(sg.theory.signsgd_variance(CURVATURE, NOISE, self.config))

    def run(self, paths: int, seed: int) -> sg.Ensemble:
        """After the transient, over an even number of updates."""
        memory = math.ceil(2 / self.ratio)
        options: dict[str, Any] = {"noise": "normal"}
        if self.examples:
            options = {"examples": quantiles(self.examples)[:, None]}
        return whole(
            sg.simulate_sgd(
                bowl(), self.config, self.place, 14 * memory + 20, paths, dynamics="signsgd", seed=seed,
                burn_in=8 * memory + 10, **options,
            )
        )  # fmt: skip

    def __str__(self) -> str:
        start = f", from {self.start:g} ε" if self.start else ""
        return f"εh√B/σ = {self.ratio:g}{start}" + (f", {self.examples}, B = 1" if self.examples else "")


class Scaled(NamedTuple):
    """A rule at κ times the batch, with ε → √κ ε, or κ ε by the linear rule; at rest, or from a start."""

    dynamics: str
    kappa: int
    linear: bool = False
    start: str = ""

    @property
    def config(self) -> sg.SGDConfig:
        k = self.kappa
        base = WIDTH / math.sqrt(BATCH) / CURVATURE
        numbers = {
            "signsgd": {},
            "rmsprop": {"alpha": 1 - SQUARES * k, "eps": SMALL / k**0.5},
            "adam": {"beta1": 1 - FORGETS * k, "beta2": 1 - SQUARES * k, "eps": SMALL / k**0.5},
        }[self.dynamics]
        rate = base * (k if self.linear else k**0.5)
        return sg.SGDConfig(rate, BATCH * k, MANY, sampling="with_replacement", hyperparameters=numbers)

    @property
    def every(self) -> int:
        """Updates from reading to reading."""
        return max(1, round(1 / (WIDTH * self.kappa * READINGS)))

    @property
    def relaxations(self) -> float:
        """Relaxation times of the square-root rule, 1/(ηh), from reading to reading."""
        return WIDTH * self.kappa * self.every

    @property
    def base(self) -> float:
        """The law at κ = 1 as ε → 0: the SDE's."""
        config = self._replace(kappa=1, linear=False).config
        if self.dynamics == "signsgd":
            return float(sg.theory.signsgd_variance(CURVATURE, NOISE, config))
        return sg.theory.adaptive_variance(CURVATURE, NOISE, config)

    def law(self) -> float:
        """Its own variance at this ε, over that."""
        if self.dynamics == "signsgd":
            return sg.theory.signsgd_stationary(CURVATURE, NOISE, self.config).variance / self.base
        return sg.theory.adaptive_variance(CURVATURE, NOISE, self.config, self.dynamics) / self.base

    @property
    def state(self) -> dict[str, Any] | None:
        """Averages at their means, with nothing to correct."""
        squares = [self.config.batch_noise * NOISE]
        warm: dict[str, dict[str, Any]] = {
            "rmsprop": {"square_avg": squares},
            "adam": {
                "exp_avg": [CURVATURE * START], "exp_avg_sq": squares, "bias_of_beta1": 1.0, "bias_of_beta2": 1.0,
            },
        }  # fmt: skip
        return None if self.start == COLD else warm.get(self.dynamics)

    def run(self, paths: int, seed: int) -> sg.Ensemble:
        """From `START`, with averages after the transient; of a start the transient of four times as many paths."""
        burn_in, updates = (count * READINGS * self.every for count in (SETTLE, SETTLE + AVERAGE))
        if self.start:
            burn_in, updates, paths = 0, burn_in, 4 * paths
        return whole(
            sg.simulate_sgd(
                bowl(), self.config, 0.0 if self.dynamics == "signsgd" else START, updates, paths * self.kappa,
                dynamics=self.dynamics, noise="normal", seed=seed, burn_in=burn_in, save_every=self.every,
                state0=self.state,
            )
        )  # fmt: skip

    def course(self, readings: Array, memory: bool = True) -> tuple[Array, Array]:
        """Mean and variance of Adam's SDE at times in readings; or of that without a memory of gradients."""
        config = self.config
        if not memory:
            config = replace(config, hyperparameters={**config.hyperparameters, "beta1": 0.0})
        return sg.theory.adam_moments(CURVATURE, NOISE, config, START, readings * self.every, cold=self.start == COLD)

    def __str__(self) -> str:
        return f"{self.dynamics}, κ = {self.kappa}"


def bowl() -> sg.Landscape:
    """h and F."""
    return sg.landscapes.quadratic(h=CURVATURE, f=NOISE)


def marks(run: sg.Ensemble) -> Array:
    """States of all paths at the readings (readings, paths), without the start."""
    return np.asarray(run.snapshots[1:, :, 0])


def facts() -> dict[str, Any]:
    """What texts name."""
    return {
        "h": CURVATURE, "f": NOISE, "n": EXAMPLES, "batch": BATCH, "width": WIDTH, "forgets": FORGETS,
        "squares": SQUARES, "begin": START,
    }  # fmt: skip
