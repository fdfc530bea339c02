"""Accuracies in place of trained networks: curves against B' with a cliff and a slow rise, best where a law says.

Training with another law than SGD's takes as long as with it; what the claims make of curves that follow one does not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

import sgdsde as sg
from validation.context import Context
from validation.mnist import length as runs
from validation.mnist.rules import curves

#: Of the error: of all points of a replica, and of one; three times as large where noise keeps it from fitting.
COMMON, OWN = 0.02, 0.04


def _accuracies(best: float, **cell: Any) -> xr.Dataset:
    n, b = cell["n_examples"], cell["batch_size"]
    config = sg.SGDConfig(cell["learning_rate"], b, n, cell["momentum"], "without_replacement")
    octaves = np.log2(1 / config.batch_noise / best) if best else 0.0
    curve = -0.25 * octaves + 0.08 * octaves**2 if octaves < 0 else 0.08 * octaves
    replica = np.random.default_rng([cell["seed"], 0]).standard_normal(cell["replicas"])
    point = np.random.default_rng([cell["seed"], b, round(1e6 * config.noise_scale)])
    own = OWN * (3 if octaves < -1 else 1) * point.standard_normal(cell["replicas"])
    error = 0.09 * np.exp(np.minimum(curve, 2.0) + COMMON * replica + own)
    every = xr.DataArray(np.tile(error[:, None], cell["readings"]), dims=("replica", "reading"))
    return xr.Dataset({"test_accuracy": 1 - every, "train_loss": every})


def _best(alpha: float, beta: float, **cell: Any) -> float:
    scale = cell["learning_rate"] / (0.5 * (1 - cell["momentum"]))
    return float(16 * scale**alpha * (cell["n_examples"] / 1000) ** beta)


def by_the_noise_scale(**cell: Any) -> xr.Dataset:
    """What theory says of ε and m, and the N^0.4 that was found."""
    return _accuracies(_best(1.0, 0.4, **cell), **cell)


def by_its_square_root(**cell: Any) -> xr.Dataset:
    """A best batch size that grows as the square root of ε, N and 1/(1 − m)."""
    return _accuracies(_best(0.5, 0.5, **cell), **cell)


def independent(**cell: Any) -> xr.Dataset:
    """One best batch size for all."""
    return _accuracies(_best(0.0, 0.0, **cell), **cell)


def without_gap(**cell: Any) -> xr.Dataset:
    """The same accuracy at every batch size."""
    return _accuracies(0.0, **cell)


def trained_as(patch: pytest.MonkeyPatch, cell: Any) -> None:
    """Networks of the claims on the best batch size have these accuracies."""
    patch.setattr(curves, "trained", cell)


def along(beta: float, gamma: float, marks: tuple[int, ...], **cell: Any) -> xr.Dataset:
    """Readings at the marks, each of a network whose best batch size is 20 (N/4000)^β (T/4000)^γ."""
    each = []
    for updates in marks:
        time = updates * cell["learning_rate"] / (1 - cell["momentum"])
        best = 20 * (cell["n_examples"] / 4000) ** beta * (time / 4000) ** gamma
        each.append(_accuracies(best, readings=1, **{**cell, "seed": cell["seed"] + updates}))
    return xr.concat(each, "reading")


def _at_once(self: Context, function: Any, grid: Any, fixed: Any, seed: str) -> xr.Dataset:
    """A sweep of one batch size without a store."""
    (b,) = grid["batch_size"]
    each = [function(batch_size=b, seed=root, **fixed) for root in self.seeds]
    return xr.concat(each, "replica").expand_dims(batch_size=[b])


def trained_along_as(patch: pytest.MonkeyPatch, beta: float, gamma: float) -> None:
    """Networks of the claim on the length of training have the accuracies of `along`."""
    patch.setattr(runs, "trained_along", partial(along, beta, gamma))
    patch.setattr(runs, "forecast", lambda *_: None)
    patch.setattr(Context, "sweep", _at_once)
