"""What the sweeps of ``noise_benefit`` call: networks trained with the learning rate of Smith, Elsen & De."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sgdsde as sg
from validation.mnist.cells.training import guessing, mislabelled, run_replicas
from validation.stores import lasting


def annealed_rates(learning_rate: float, updates: int) -> NDArray[np.float64]:
    """ε(k): constant for half the updates, then halved after every twentieth of them (arXiv 2006.15081).

    Examples
    --------
    >>> annealed_rates(1.0, 20)[[0, 9, 10, 19]].tolist()
    [1.0, 1.0, 0.5, 0.0009765625]
    """
    twentieth = 20 * np.arange(updates) // updates
    return np.asarray(learning_rate * 0.5 ** np.maximum(0, twentieth - 9))


@lasting("1")
def annealed(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    batch_size: int,
    momentum: float,
    random_share: float,
    updates: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with a training set, initial weights and batches of their own, the same at every (ε, B, m).

    A diverged replica guesses. Of the training labels `random_share` are replaced by uniform draws.

    Returns
    -------
    xarray.Dataset
        At the end: ``test_accuracy``, ``train_loss``, ``diverged`` (replica,).
    """
    sets = mislabelled(source, n_examples, random_share, replicas, seed)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, momentum)
    rates = annealed_rates(learning_rate, updates)
    runs, _ = run_replicas(sets, hidden, config, updates, seed=seed, device=device, learning_rates=rates)
    return guessing(runs.isel(reading=-1)[["test_accuracy", "train_loss", "diverged"]], sets)
