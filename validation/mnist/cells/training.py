"""What the sweeps of the claims on images call: networks trained, in numbers and text."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

import sgdsde as sg
from sgdsde.data import Dataset
from validation.stores import lasting


def subsets(source: str, n_examples: int, replicas: int, seed: int) -> list[Dataset]:
    """Training sets, one for each replica; replica r's does not depend on how many there are. ``source`` names them."""
    seeds = [int(each) for each in np.random.SeedSequence(seed).generate_state(replicas)]
    if source == "MNIST":
        return [sg.data.mnist(n_train=n_examples, seed=each) for each in seeds]
    return [sg.data.digits(n_train=n_examples, seed=each) for each in seeds]


def with_every_test(data: Dataset, stride: int) -> Dataset:
    """One of `stride` test images, for speed."""
    return replace(data, x_test=data.x_test[::stride], y_test=data.y_test[::stride])


def with_random_labels(data: Dataset, number: int, seed: int) -> Dataset:
    """The first `number` training labels drawn uniformly, right ones among them."""
    labels = data.y_train.copy()
    labels[:number] = np.random.default_rng([seed, number]).integers(0, 10, number)
    return replace(data, y_train=labels)


def mislabelled(source: str, n_examples: int, random_share: float, replicas: int, seed: int) -> list[Dataset]:
    """`subsets` with a share of the labels random, others in each."""
    number = round(random_share * n_examples)
    chosen = subsets(source, n_examples, replicas, seed)
    return [with_random_labels(each, number, seed + r) for r, each in enumerate(chosen)]


def run_replicas(
    sets: list[Dataset], hidden: int, config: sg.SGDConfig, updates: int, **options: Any
) -> tuple[xr.Dataset, xr.DataArray]:
    """`sgdsde.models.train` of a replica for each set, without what differs from cell to cell, and its updates.

    A diverged replica, which ``diverged`` marks, is NaN.
    """
    model = sg.models.mlp(sets[0].x_train.shape[1], hidden, max(each.n_classes for each in sets))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* replicas diverged", RuntimeWarning)
        runs = sg.models.train(model, sets, config, updates, len(sets), **options)
    return runs.drop_vars(runs.coords).rename(step="reading").drop_attrs(), runs["step"]


def guessing(runs: xr.Dataset, sets: list[Dataset]) -> xr.Dataset:
    """Runs with the numbers of one that guesses in place of those of diverged replicas."""
    classes = max(each.n_classes for each in sets)
    guess = dict.fromkeys(("test_accuracy", "train_accuracy"), 1 / classes)
    guess |= dict.fromkeys(("test_loss", "train_loss"), float(np.log(classes)))
    return runs.fillna({name: value for name, value in guess.items() if name in runs})


@lasting("1")
def trained(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    batch_size: int,
    momentum: float,
    sampling: str,
    random_share: float,
    updates: int,
    readings: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with a subset, initial weights and batches of their own, measured at equal distances and at the end.

    Replica r is the same at every (ε, B, m): what is particular to it cancels in comparisons. A diverged one guesses.
    Of the training labels `random_share` are replaced by uniform draws.

    Returns
    -------
    xarray.Dataset
        ``test_accuracy``, ``test_loss``, ``train_accuracy``, ``train_loss``, ``weight_norm`` (replica, reading), and
        ``diverged`` (replica,).
    """
    sets = mislabelled(source, n_examples, random_share, replicas, seed)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, momentum, sampling)
    every = max(1, updates // readings)
    runs, _ = run_replicas(sets, hidden, config, every * readings, evaluate_every=every, seed=seed, device=device)
    return guessing(runs, sets)


@lasting("1")
def trained_along(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    batch_size: int,
    momentum: float,
    sampling: str,
    marks: tuple[int, ...],
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """`trained` with right labels, measured after each of these numbers of updates, the last of which is the end."""
    sets = subsets(source, n_examples, replicas, seed)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, momentum, sampling)
    runs, _ = run_replicas(sets, hidden, config, marks[-1], evaluate_every=marks, seed=seed, device=device)
    return guessing(runs, sets)
