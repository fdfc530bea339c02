"""The cells of ``mnist_sde``: replicas of one network on one training set, in one dynamics, and what they become."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

import sgdsde as sg
from sgdsde.models.networks import Weights
from sgdsde.models.parallel import in_threads
from validation.context import derived_seed
from validation.mnist.cells.curvature import hessian_trace, logits
from validation.mnist.cells.training import subsets
from validation.stores import lasting

FloatArray = NDArray[np.float64]
#: Test images whose class probabilities are returned.
LOOKED_AT = 100


class Kept:
    """A measure of `train` that keeps the weights: the number it returns is the ticket they are kept under."""

    def __init__(self) -> None:
        self._tickets = itertools.count()
        self._weights: dict[int, Weights] = {}

    def __call__(self, weights: Weights, x: Tensor, y: Tensor) -> float:
        ticket = next(self._tickets)
        self._weights[ticket] = weights
        return float(ticket)

    def of(self, tickets: xr.DataArray) -> list[list[Weights]]:
        """The weights of every replica at every reading."""
        return [[self._weights[int(ticket)] for ticket in row] for row in tickets.to_numpy()]


@lasting("1")
def followed(
    source: str,
    n_examples: int,
    n_test: int,
    hidden: int,
    dynamics: str,
    substeps: int,
    learning_rate: float,
    batch_size: int,
    time: float,
    readings: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with the same training set and initial weights, without momentum, batches with replacement.

    `dynamics` is one of `train`'s; "gd", gradient descent without noise; or "isotropic", noise of the trace of SGD's
    without its directions. `readings` are at equal distances up to T = εk = `time`. The set and the weights depend on
    `seed` alone, and the noise on the dynamics and its clock too: no two runs have the same.

    Returns
    -------
    xarray.Dataset
        Over (replica, reading): ``train_loss``, ``test_accuracy`` on the first `n_test` images, ``weight_norm``,
        ``hessian_trace``, and ``weight_spread`` (`squared_deviations` of ω). ``outputs`` (replica, reading, output):
        probabilities of the classes of `LOOKED_AT` test images.

    Raises
    ------
    ValueError
        When a reading is at no update.
    RuntimeWarning
        As an error, when a replica diverged: there is no mean then.
    """
    every = round(time / readings / learning_rate)
    if not np.isclose(every * readings * learning_rate, time):
        raise ValueError(f"time must be {readings} readings of whole updates of {learning_rate}, got {time}")
    whole = subsets(source, n_examples, 1, seed)[0]
    data = replace(whole, x_test=whole.x_test[:n_test], y_test=whole.y_test[:n_test])
    model = sg.models.mlp(data.x_train.shape[1], hidden, whole.n_classes, seed=seed % 2**32)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, sampling="with_replacement")
    own = derived_seed(seed, dynamics, substeps, learning_rate, batch_size)
    if dynamics == "gd":
        config, dynamics = sg.SGDConfig(learning_rate, n_examples, n_examples), "sgd"
    noise = None
    if dynamics == "isotropic":
        dynamics, noise = "sgd", "isotropic"
    kept = Kept()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        runs = sg.models.train(
            model, data, config, every * readings, replicas, dynamics, every, own, device, "shared", noise=noise,
            substeps=substeps, measures={"ticket": kept, "hessian_trace": hessian_trace},
        )  # fmt: skip
    states = kept.of(runs["ticket"])
    names = ["train_loss", "test_accuracy", "weight_norm", "hessian_trace"]
    looked = torch.from_numpy(data.x_test[:LOOKED_AT]).to(next(iter(states[0][0].values())).device)

    def look(replica: int, stop: Event) -> list[FloatArray]:
        return [logits(w, looked)[1].double().softmax(1).flatten().cpu().numpy() for w in states[replica]]

    outputs = in_threads(look, range(replicas))
    return runs[names].drop_vars(runs.coords).rename(step="reading").drop_attrs().assign(
        outputs=(("replica", "reading", "output"), np.array(outputs)),
        weight_spread=(("replica", "reading"), np.stack([_spread(c) for c in zip(*states, strict=True)], axis=1)),
    )  # fmt: skip


def squared_deviations(values: FloatArray) -> FloatArray:
    """|x_r − x̄|² R/(R − 1) of each replica, (R, …), of values (R, …, d): their mean is the trace of the covariance."""
    squares: FloatArray = ((values - values.mean(axis=0)) ** 2).sum(axis=-1)
    return squares * len(values) / max(len(values) - 1, 1)


def _spread(weights: Sequence[Weights]) -> FloatArray:
    """`squared_deviations` of the weights of all replicas at one reading, layer by layer: they are large."""
    parts = ([w[name].flatten().cpu().numpy() for w in weights] for name in weights[0])
    spread: FloatArray = np.sum([squared_deviations(np.array(part)) for part in parts], axis=0, dtype=np.float64)
    return spread
