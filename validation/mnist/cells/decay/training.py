"""What the sweeps of ``weight_decay`` call where there is some: networks trained on L + (λ/2)|ω|²."""

from __future__ import annotations

import xarray as xr

import sgdsde as sg
from validation.mnist.cells.training import guessing, mislabelled, run_replicas
from validation.stores import lasting


@lasting("1")
def decayed(
    source: str,
    n_examples: int,
    hidden: int,
    learning_rate: float,
    batch_size: int,
    momentum: float,
    weight_decay: float,
    random_share: float,
    updates: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """The replicas of `validation.mnist.cells.training.trained` with a weight decay λ, measured at the end.

    L is the mean loss of the examples, of which ``train_loss`` is, without the decay. A diverged replica guesses.

    Returns
    -------
    xarray.Dataset
        ``test_accuracy``, ``train_loss``, ``weight_norm``, ``diverged`` (replica,).
    """
    sets = mislabelled(source, n_examples, random_share, replicas, seed)
    config = sg.SGDConfig(learning_rate, batch_size, n_examples, momentum, weight_decay=weight_decay)
    runs, _ = run_replicas(sets, hidden, config, updates, seed=seed, device=device)
    return guessing(runs.isel(reading=-1)[["test_accuracy", "train_loss", "weight_norm", "diverged"]], sets)
