"""What the sweeps of the claim ``three_factors`` call: networks trained at (ε, B), constant or in cycles."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.models.measures import Measure
from validation.mnist.cells.curvature import accuracy_on, hessian_trace, largest_near
from validation.mnist.cells.training import mislabelled, run_replicas, with_every_test
from validation.stores import lasting

#: Largest eigenvalues are read where the training loss is within this factor of the level.
WINDOW = 4.0


@lasting("1")
def descent(
    source: str,
    n_examples: int,
    hidden: int,
    setting: tuple[float, ...],
    period: int,
    distance: float,
    readings: int,
    n_test: int,
    random_share: float,
    level: float,
    largest: bool,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas with a subset, initial weights and batches of their own, the same ones in each cell, without momentum.

    `setting` is (ε, B), constant, or (ε, B, ε', B'): the first pair for half the examples that are visited in a
    `period`, then the second. The run ends at the distance Σ ε(k) = `distance`. Of the training labels `random_share`
    are replaced by uniform draws. Where `largest`, the largest eigenvalue is read too, about the training loss `level`.

    Returns
    -------
    xarray.Dataset
        ``distance``, ``epochs`` (reading,); ``test_accuracy``, ``test_loss``, ``train_accuracy``, ``train_loss``,
        ``weight_norm``, ``trace``, ``largest``, ``memorised`` (accuracy on the random labels) over (replica, reading);
        ``diverged`` (replica,).
    """
    corrupted = round(random_share * n_examples)
    chosen = mislabelled(source, n_examples, random_share, replicas, seed)
    sets = [with_every_test(each, max(1, each.n_test // n_test)) for each in chosen]
    rates, sizes = course(setting, period, distance)
    every = len(rates) // readings
    measures: dict[str, Measure] = {"trace": hessian_trace}
    if largest:
        measures["largest"] = largest_near(level, WINDOW)
    if corrupted:
        measures["memorised"] = accuracy_on(corrupted)
    runs, updates = run_replicas(
        sets, hidden, sg.SGDConfig(setting[0], int(setting[1]), n_examples), every * readings, evaluate_every=every,
        learning_rates=rates, batch_sizes=sizes, measures=measures, seed=seed, device=device,
    )  # fmt: skip
    at = updates.to_numpy() - 1
    return runs.assign(
        distance=("reading", np.cumsum(rates)[at]), epochs=("reading", np.cumsum(sizes)[at] / n_examples)
    )


def course(setting: tuple[float, ...], period: int, distance: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """ε(k) and B(k) over whole periods, to a distance Σ ε(k) of at least `distance`, or next to it where constant.

    ValueError when a batch size does not divide half the period: halves are to visit equally many examples.
    """
    if len(setting) == 2:
        updates = round(distance / setting[0])
        return np.full(updates, setting[0]), np.full(updates, int(setting[1]))
    pairs = np.array(setting).reshape(-1, 2)
    parts = period / len(pairs) / pairs[:, 1]
    if (parts != np.floor(parts)).any():
        raise ValueError(f"period / {len(pairs)} must be divisible by the batch sizes of {setting}, got {period}")
    repeats = parts.astype(int)
    rates, sizes = np.repeat(pairs[:, 0], repeats), np.repeat(pairs[:, 1].astype(np.int64), repeats)
    periods = int(np.ceil(distance / rates.sum() - 1e-9))
    return np.tile(rates, periods), np.tile(sizes, periods)
