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
DIGITS, HIDDEN, SUBSTEPS = 128, 20, 8
#: The least effect that counts as one, of ln λ_max.
LEAST = 0.05


@dataclass(frozen=True)
class NetworkSize:
    """ε, batch sizes of SGD (N: gradient descent), updates with `readings`, of which the last `averaged` count."""

    rate: float
    batches: tuple[int, ...]
    updates: int
    readings: int
    averaged: int
    replicas: int
    drawn: int
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
    """SGD at each batch size, and the SDE of the smallest."""
    wanted = [*((batch, "sgd") for batch in size.batches), (min(size.batches), "sde")]
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
    """Averages over the last readings: what stays at 2/ε, and the sign of what the batch does to λ_max."""
    late = {(run.batch, run.dynamics): run for run in runs}
    for batch in size.batches:
        run = late[batch, "sgd"]
        sharpness, of_batches = (part[:, -size.averaged :].mean(axis=1) for part in (run.sharpness, run.of_batches))
        what = "λ_max of gradient descent" if batch == DIGITS else f"batch sharpness, B = {batch}"
        at_edge = sharpness if batch == DIGITS else of_batches
        passed = late[min(size.batches), "sde"].sharpness[:, -size.averaged :].mean()
        yield mean_check(f"{what}, in units of 2/ε", at_edge, {"no edge": float(passed)}, predicted=1.0)
        if batch != DIGITS:
            yield of_sign_in(f"ln of λ_max in units of 2/ε, B = {batch}", np.log(sharpness), -1, LEAST)
    sde = late[min(size.batches), "sde"].sharpness[:, -size.averaged :].mean(axis=1)
    yield of_sign_in("ln of λ_max of the SDE in units of 2/ε", np.log(sde), 1, LEAST)
