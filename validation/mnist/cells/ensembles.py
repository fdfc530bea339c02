"""The cells of the claims on SGD and its SDE at N = 1000: replicas of one network, looked at all along training."""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Sequence
from dataclasses import replace
from threading import Event

import numpy as np
import torch
import xarray as xr
from torch import Tensor

import sgdsde as sg
from sgdsde.models.networks import Weights
from sgdsde.models.parallel import in_threads
from validation.context import derived_seed
from validation.mnist.cells.curvature import hessian_trace, logits
from validation.mnist.cells.dynamics import LOOKED_AT, FloatArray, squared_deviations
from validation.mnist.cells.training import subsets
from validation.stores import lasting


class KeptEvery:
    """A measure of `train` that keeps the weights at one of `every` looks: it returns their ticket, −1 elsewhere.

    A thread looks at `together` replicas one after the other, then at the same ones again, a multiple of `every` times
    before it goes on to others. Where that is not so, `of` fails.
    """

    def __init__(self, every: int, together: int) -> None:
        self._every, self._together = every, together
        self._calls, self._tickets = threading.local(), itertools.count()
        self._weights: dict[int, Weights] = {}

    def __call__(self, weights: Weights, x: Tensor, y: Tensor) -> float:
        look = getattr(self._calls, "count", 0) // self._together + 1
        self._calls.count = getattr(self._calls, "count", 0) + 1
        if look % self._every:
            return -1.0
        ticket = next(self._tickets)
        self._weights[ticket] = weights
        return float(ticket)

    def of(self, tickets: xr.DataArray) -> list[list[Weights]]:
        """The weights of every replica at every look that was kept, of tickets (replica, look)."""
        kept = tickets.to_numpy()[:, self._every - 1 :: self._every]
        return [[self._weights[int(ticket)] for ticket in row] for row in kept]


@lasting("1")
def looked_at(
    source: str,
    n_examples: int,
    hidden: int,
    sampling: str,
    dynamics: str,
    substeps: int,
    learning_rate: float,
    batch_size: int,
    time: float,
    looks: int,
    kept_every: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with the same training set and initial weights, without momentum.

    `dynamics` is one of `train`'s, its SDEs driven as befits the `sampling`; "gd", gradient descent without noise; or
    "isotropic", noise of the trace of SGD's without its directions. There are `looks` at equal distances up to
    s = εk = `time`; at one of `kept_every` replicas are held against one another. The set and the initial weights
    depend on `seed` alone, and the noise on all that tells one run from another.

    Returns
    -------
    xarray.Dataset
        ``train_loss``, ``train_accuracy`` over (replica, look). Over (replica, kept): ``hessian_trace``;
        ``weight_spread`` (`squared_deviations` of ω); ``output_spread``, the root of those of the probabilities of the
        classes of `LOOKED_AT` test images: of squares, which some replicas swing far in, many more would be needed.

    Raises
    ------
    ValueError
        When a look is at no update, or `looks` is no multiple of `kept_every`.
    RuntimeWarning
        As an error, when a replica diverged: there is no mean then.
    """
    every = round(time / looks / learning_rate)
    if not np.isclose(every * looks * learning_rate, time) or looks % kept_every:
        raise ValueError(
            f"time must be {looks} looks of whole updates of {learning_rate}, a multiple of {kept_every}, got {time}"
        )
    whole = subsets(source, n_examples, 1, seed)[0]
    data = replace(whole, x_test=whole.x_test[:LOOKED_AT], y_test=whole.y_test[:LOOKED_AT])
    model = sg.models.mlp(data.x_train.shape[1], hidden, whole.n_classes, seed=seed % 2**32)
    own = derived_seed(seed, sampling, dynamics, substeps, learning_rate, batch_size)
    config, noise = sg.SGDConfig(learning_rate, batch_size, n_examples, sampling=sampling), None
    if dynamics == "gd":
        config, dynamics = sg.SGDConfig(learning_rate, n_examples, n_examples), "sgd"
    if dynamics == "isotropic":
        dynamics, noise = "sgd", "isotropic"
    kept = KeptEvery(kept_every, 1 if device == "cpu" else replicas)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        runs = sg.models.train(
            model, data, config, every * looks, replicas, dynamics, every, own, device, "shared", noise=noise,
            substeps=substeps, measures={"ticket": kept},
        )  # fmt: skip
    states = kept.of(runs["ticket"])
    there = next(iter(states[0][0].values())).device
    x, y, test = (torch.as_tensor(each).to(there) for each in (data.x_train, data.y_train, data.x_test))

    def traces(replica: int, stop: Event) -> list[float]:
        return [float(hessian_trace(w, x, y)) for w in states[replica]]

    def outputs(replica: int, stop: Event) -> list[FloatArray]:
        return [logits(w, test)[1].double().softmax(1).flatten().cpu().numpy() for w in states[replica]]

    found = {
        "hessian_trace": np.array(in_threads(traces, range(replicas))),
        "output_spread": np.sqrt(squared_deviations(np.array(in_threads(outputs, range(replicas))))),
        "weight_spread": np.stack([_spread(column) for column in zip(*states, strict=True)], axis=1),
    }
    over_looks = runs[["train_loss", "train_accuracy"]].drop_vars(runs.coords).rename(step="look").drop_attrs()
    return over_looks.assign({name: (("replica", "kept"), values) for name, values in found.items()})


def _spread(weights: Sequence[Weights]) -> FloatArray:
    """`squared_deviations` of the weights of all replicas at one look, layer by layer: they are large."""
    layers = (np.array([w[name].flatten().cpu().numpy() for w in weights]) for name in weights[0])
    found: FloatArray = np.sum([squared_deviations(layer) for layer in layers], axis=0, dtype=np.float64)
    return found
