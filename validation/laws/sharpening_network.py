"""A small network with square loss, whose sharpness rises to the edge of stability: λ_max and batch sharpness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.models.batch_sharpness import batch_sharpness, largest_curvature
from validation.claim import Check
from validation.context import Context
from validation.measure import mean_check
from validation.signs import of_sign_in

Array = NDArray[np.float64]

#: Digits that are learnt, hidden units, and steps of the SDE in an update.
DIGITS, HIDDEN, SUBSTEPS = 128, 20, 4
#: The least effect that counts as one, of ln λ_max.
LEAST = 0.05


@dataclass(frozen=True)
class NetworkSize:
    """ε, batch sizes of SGD (N: gradient descent) and of the SDE, updates, readings, how many count."""

    rate: float
    batches: tuple[int, ...]
    updates: int
    readings: int
    averaged: int
    replicas: int
    drawn: int
    sde_batch: int
    sde_replicas: int


@dataclass(frozen=True)
class Run:
    """λ_max and batch sharpness in units of 2/ε, (replicas, readings), after so many updates."""

    batch: int
    dynamics: str
    step: Array
    sharpness: Array
    of_batches: Array


@cache
def digits() -> sg.data.Dataset:
    """Digits less their mean, with targets of 0 and 1 for square loss."""
    held = sg.data.digits(n_train=DIGITS)
    mean = np.asarray(held.x_train).mean(axis=0)
    targets = [np.eye(10)[np.asarray(labels)] for labels in (held.y_train, held.y_test)]
    return sg.data.Dataset("digits, one-hot", held.x_train - mean, targets[0], held.x_test - mean, targets[1])


def network_runs(context: Context, size: NetworkSize) -> list[Run]:
    """SGD at each batch size, and the SDE."""
    wanted = [*((batch, "sgd") for batch in size.batches), (size.sde_batch, "sde")]
    return [_run(size, *each, context.seed("network", *each)) for each in wanted]


def _run(size: NetworkSize, batch: int, dynamics: str, seed: int) -> Run:
    model, config, unit = sg.models.mlp(64, HIDDEN, 10), sg.SGDConfig(size.rate, batch, DIGITS), size.rate / 2

    def sharpness(weights: Any, x: Any, y: Any) -> float:
        return unit * largest_curvature(model, weights, x, y)

    def of_batches(weights: Any, x: Any, y: Any) -> float:
        return unit * batch_sharpness(model, weights, x, y, batch, 1 if batch == DIGITS else size.drawn)

    sde = dynamics == "sde"
    found = sg.models.train(
        model, digits(), config, size.updates, size.sde_replicas if sde else size.replicas, dynamics,
        evaluate_every=size.updates // size.readings, seed=seed, loss="mse", substeps=SUBSTEPS if sde else 1,
        measures={"sharpness": sharpness, "of_batches": of_batches},
    )  # fmt: skip
    if found.diverged.any():
        raise RuntimeError(f"{int(found.diverged.sum())} replicas of {dynamics} diverged at B = {batch}")
    return Run(batch, dynamics, found.step.values, found.sharpness.values, found.of_batches.values)


def network_checks(runs: list[Run], size: NetworkSize) -> Iterator[Check]:
    """Averages over the last readings: what stays at 2/ε, and λ_max at the smallest batch size and under the SDE."""
    descent, smallest, sde = (
        next(run for run in runs if (run.batch, run.dynamics) == wanted)
        for wanted in ((DIGITS, "sgd"), (min(size.batches), "sgd"), (size.sde_batch, "sde"))
    )

    def late(values: Array) -> Array:
        return np.asarray(values[:, -size.averaged :].mean(axis=1))

    rivals = {"no edge": float(late(sde.sharpness).mean())}
    yield mean_check("λ_max of gradient descent, in units of 2/ε", late(descent.sharpness), rivals, predicted=1.0)
    what = f"batch sharpness, B = {smallest.batch}, in units of 2/ε"
    yield mean_check(what, late(smallest.of_batches), {}, predicted=1.0)
    for label, run, sign in ((f"B = {smallest.batch}", smallest, -1), (f"SDE, B = {sde.batch}", sde, 1)):
        yield of_sign_in(f"ln of λ_max in units of 2/ε, {label}", np.log(late(run.sharpness)), sign, LEAST)
