"""A regression in squares with a sparse truth, trained with label noise: for the claim ``valley_drift``."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import sgdsde as sg
from validation.measure import Array

#: d, N and how many of β* are not 0; the size of u and v at the start, and the seed of inputs and signs.
WIDTH, EXAMPLES, SPARSE, SIZE, DATA = 100, 40, 5, 0.4, 1


class Squares(nn.Module):
    """⟨z, u∘u − v∘v⟩."""

    def __init__(self) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.full((WIDTH,), SIZE))
        self.v = nn.Parameter(torch.full((WIDTH,), SIZE))

    def forward(self, z: Tensor) -> Tensor:
        """Inputs (n, d) → outputs (n, 1)."""
        return z @ (self.u**2 - self.v**2)[:, None]


def problem() -> tuple[Array, Array]:
    """Inputs ±1 (N, d), and β* (d,) of `SPARSE` entries ±1."""
    generator = np.random.default_rng(DATA)
    inputs, truth = generator.choice([-1.0, 1.0], (EXAMPLES, WIDTH)), np.zeros(WIDTH)
    truth[:SPARSE] = generator.choice([-1.0, 1.0], SPARSE)
    return inputs, truth


class Training(NamedTuple):
    """How the regression is trained; σ is the deviation of the noise of a label."""

    rate: float
    batch: int
    sigma: float
    updates: int
    replicas: int
    marks: int

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.rate, self.batch, EXAMPLES)

    @property
    def at(self) -> Array:
        """Numbers of updates at which it is measured."""
        return np.linspace(0, self.updates, self.marks + 1)[1:].astype(int)

    def course(self, at: Array, *, residuals: bool = True) -> sg.theory.LabelNoiseCourse:
        """The theory's."""
        inputs, truth = problem()
        return sg.theory.label_noise_course(
            inputs, inputs @ truth, SIZE, self.sigma, self.config, at, residuals=residuals
        )

    def run(self, seed: int, noise: str | None) -> tuple[Array, Array]:
        """Mean over j of ln(u_j v_j/u v at the start), and |β − β*|²/|β*|², both (replicas, marks)."""
        inputs, truth = problem()
        goal = torch.tensor(truth)

        def products(weights: dict[str, Tensor], *_: Tensor) -> Tensor:
            return (weights["u"] * weights["v"]).abs().log().mean() - 2 * math.log(SIZE)

        def missed(weights: dict[str, Tensor], *_: Tensor) -> Tensor:
            return (weights["u"] ** 2 - weights["v"] ** 2 - goal).square().sum() / SPARSE

        targets = (inputs @ truth)[:, None]
        runs = sg.models.train(
            Squares(), sg.data.Dataset("sparse", inputs, targets, inputs[:1], targets[:1]), self.config,
            self.updates, self.replicas, evaluate_every=self.at.tolist(),
            seed=seed, device="cpu", initialization="shared", dtype="float64", noise=noise, loss="mse",
            measures={"products": products, "missed": missed},
        )  # fmt: skip
        return runs["products"].to_numpy(), runs["missed"].to_numpy()
