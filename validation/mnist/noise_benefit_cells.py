"""What the sweeps of ``noise_benefit`` call: networks trained with the learning rate of Smith, Elsen & De."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sgdsde as sg
from validation.mnist.cells import subsets


def annealed_rates(learning_rate: float, updates: int) -> NDArray[np.float64]:
    """ε(k): constant for half the updates, then halved after every twentieth of them (arXiv 2006.15081, §3).

    Examples
    --------
    >>> annealed_rates(1.0, 20)[[0, 9, 10, 19]].tolist()
    [1.0, 1.0, 0.5, 0.0009765625]
    """
    twentieth = 20 * np.arange(updates) // updates
    return np.asarray(learning_rate * 0.5 ** np.maximum(0, twentieth - 9))


def annealed(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    batch_size: int,
    momentum: float,
    updates: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with a training set, initial weights and batches of their own, the same at every (ε, B, m).

    A diverged replica guesses.

    Returns
    -------
    xarray.Dataset
        At the end: ``test_accuracy``, ``train_loss``, ``diverged`` (replica,).
    """
    sets = subsets(source, n_examples, replicas, seed)
    classes = max(each.n_classes for each in sets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* replicas diverged", RuntimeWarning)  # they are in the result
        runs = sg.models.train(
            sg.models.mlp(sets[0].x_train.shape[1], hidden, classes),
            sets,
            sg.SGDConfig(learning_rate, batch_size, n_examples, momentum),
            updates,
            replicas,
            seed=seed,
            device=device,
            learning_rates=annealed_rates(learning_rate, updates),
        )
    runs = runs.isel(update=-1)[["test_accuracy", "train_loss", "diverged"]]
    return (
        runs.drop_vars(runs.coords).fillna({"test_accuracy": 1 / classes, "train_loss": np.log(classes)}).drop_attrs()
    )
