"""What the sweeps of ``adaptive_network`` call: networks trained by Adam or RMSprop with batches κ times as large."""

from __future__ import annotations

import xarray as xr

import sgdsde as sg
from validation.mnist.cells.training import guessing, run_replicas, subsets, with_every_test


def adapted(
    source: str,
    n_examples: int,
    hidden: int,
    test_stride: int,
    dynamics: str,
    learning_rate: float,
    batch_size: int,
    forgets: float,
    squares: float,
    kappa: int,
    power: float,
    updates: int,
    readings: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas at (κB, κ^power ε, 1 − β by κ, ϵ/√κ) for a κth of the `updates`, measured at equal distances.

    At κ = 1 it is 1 − β₁ = `forgets` and 1 − β₂, or 1 − α, = `squares`. Replica r has the same images and initial
    weights in all cells. A diverged one guesses.

    Returns
    -------
    xarray.Dataset
        ``test_accuracy``, ``train_loss`` (replica, reading), ``diverged`` (replica,).
    """
    sets = [with_every_test(each, test_stride) for each in subsets(source, n_examples, replicas, seed)]
    rates = {"adam": {"beta1": forgets, "beta2": squares}, "rmsprop": {"alpha": squares}}[dynamics]
    numbers = {name: 1 - kappa * rate for name, rate in rates.items()} | {"eps": 1e-8 / kappa**0.5}
    config = sg.SGDConfig(learning_rate * kappa**power, kappa * batch_size, n_examples, hyperparameters=numbers)
    every = max(1, updates // (kappa * readings))
    runs, _ = run_replicas(
        sets, hidden, config, every * readings, evaluate_every=every, seed=seed, device=device, dynamics=dynamics
    )
    return guessing(runs[["test_accuracy", "train_loss", "diverged"]], sets)
