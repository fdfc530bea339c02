"""What the sweep of ``gradient_normality`` calls: gradients of batches along a few directions, as training goes on."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn

import sgdsde as sg
from sgdsde.data import Dataset
from sgdsde.models.networks import Weights
from validation.context import derived_seed
from validation.mnist.cells.dynamics import Kept
from validation.mnist.cells.normality.batches import Drawing, seen_in_batches
from validation.mnist.cells.training import subsets
from validation.stores import lasting

Array = NDArray[np.float64]
#: Kinds of directions in weight space: several of the first two, whose batches are vectors, and one mean gradient.
RANDOM, LEADING, MEAN = KINDS = ("random directions", "leading eigenvectors of F", "the mean gradient")


@lasting("1")
def batch_gradients(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    trained_with: int,
    momentum: float,
    stages: Sequence[int],
    batch_sizes: Sequence[int],
    directions: int,
    draws: int,
    examples: int,
    groups: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Networks with a training set and initial weights of their own, each after so many updates of SGD as a stage has.

    Batches are drawn with replacement, in `groups` that are independent: `draws` of them, or as many as have `examples`
    examples. Their gradients are seen along `directions` of each kind. `trained_with` is the B of training.

    Returns
    -------
    xarray.Dataset
        As `seen_in_batches`, with `KINDS` in their order, over (replica, stage) too; ``train_loss`` (replica, stage).
    """
    found, drawing = [], Drawing(tuple(batch_sizes), draws, examples, groups)
    for replica, data in enumerate(subsets(source, n_examples, replicas, seed)):
        own = derived_seed(seed, "network", replica)
        config = sg.SGDConfig(learning_rate, trained_with, n_examples, momentum)
        rows = []
        for stage, network in zip(stages, _stopped(data, hidden, config, stages, own, device), strict=True):
            slopes = _slopes(network, data, directions, derived_seed(own, "directions", stage))
            seen = seen_in_batches(slopes, drawing, derived_seed(own, "batches", stage))
            rows.append(seen.assign(train_loss=_loss(network, data)))
        found.append(xr.concat(rows, "stage"))
    return xr.concat(found, "replica")


def _stopped(
    data: Dataset, hidden: int, config: sg.SGDConfig, stages: Sequence[int], seed: int, device: str
) -> Iterator[nn.Module]:
    """A network after each number of updates; 0 for before the first."""
    model, kept = sg.models.mlp(data.x_train.shape[1], hidden, data.n_classes, seed=seed % 2**32), Kept()
    runs = sg.models.train(
        model, data, config, max(stages), seed=seed, device=device, initialization="shared",
        evaluate_every=math.gcd(*stages), measures={"ticket": kept},
    )  # fmt: skip
    weights: dict[int, Weights] = dict(zip(runs.step.to_numpy().tolist(), kept.of(runs["ticket"])[0], strict=True))
    for stage in stages:
        network = copy.deepcopy(model)
        if stage:
            network.load_state_dict(weights[stage])
        yield network


def _slopes(network: nn.Module, data: Dataset, k: int, seed: int) -> dict[str, Array]:
    """The gradients of all examples along the directions of each kind, (N, directions)."""
    covariance = sg.models.noise_covariance(network, data, dtype="float32")
    mean = covariance.mean_gradient[:, None]
    found: dict[str, Array] = {
        RANDOM: sg.models.random_directions(network, k, seed).astype(float), LEADING: covariance.eigenvectors(k),
        MEAN: mean / np.linalg.norm(mean),
    }  # fmt: skip
    losses = covariance.losses
    return {kind: losses.along(losses.tensor(u)).double().cpu().numpy() for kind, u in found.items()}


def _loss(network: nn.Module, data: Dataset) -> float:
    with torch.no_grad():
        logits = network(torch.from_numpy(data.x_train))
        return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(data.y_train).long()))
