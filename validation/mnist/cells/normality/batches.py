"""How normal the gradients of batches are that are drawn from known examples: their kurtosis, and a distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist, pdist

import sgdsde as sg
from validation.context import derived_seed

Array = NDArray[np.float64]
#: Indices of examples whose gradients are held at once.
TOGETHER = 100_000


@dataclass(frozen=True)
class Drawing:
    """Sizes of batches, and how many are drawn in each of the groups: `draws`, or as many as have `examples`."""

    batch_sizes: tuple[int, ...]
    draws: int
    examples: int
    groups: int

    def batches(self, size: int) -> int:
        """How many a group has."""
        return max(self.draws, self.examples // size)


def seen_in_batches(gradients: Mapping[str, Array], drawing: Drawing, seed: int) -> xr.Dataset:
    """Batches drawn with replacement, of examples with known gradients along k directions of each kind, (N, k).

    Returns
    -------
    xarray.Dataset
        ``excess`` (kind,), the excess kurtosis κ of single examples, and ``kurtosis`` (kind, batch), that of batches by
        theory, are means over directions. ``measured`` (kind, batch, group) is the kurtosis of those that were drawn,
        with mean and variance known; ``distance`` (kind, batch, group) the energy distance of their vectors, whitened,
        from as many normal ones, NaN where k = 1.
    """
    every = np.concatenate(list(gradients.values()), axis=1)
    kinds = np.split(np.arange(every.shape[1]), np.cumsum([each.shape[1] for each in gradients.values()])[:-1])
    kurtosis, measured, distance = [], [], []
    for b in drawing.batch_sizes:
        variance, exact = _laws(every, b)
        batches = drawn(every, b, drawing.batches(b) * drawing.groups, derived_seed(seed, b))
        grouped = batches.reshape(drawing.groups, -1, every.shape[1])
        standard = grouped / np.sqrt(variance)
        # With less scatter than the fourth power alone, and no bias.
        fourth = (standard**4 - 6 * standard**2 + 6).mean(axis=1)
        normal = np.random.default_rng(derived_seed(seed, b, "normal"))
        kurtosis.append([exact[kind].mean() for kind in kinds])
        measured.append([fourth[:, kind].mean(axis=1) for kind in kinds])
        distance.append([_from_normal(grouped[:, : drawing.draws, kind], every[:, kind], b, normal) for kind in kinds])
    single = _laws(every, 1)[1] - 3
    found = {"measured": measured, "distance": distance}
    return xr.Dataset(
        {name: (("batch", "kind", "group"), np.array(values)) for name, values in found.items()}
        | {"kurtosis": (("batch", "kind"), kurtosis), "excess": ("kind", [single[kind].mean() for kind in kinds])}
    )


def drawn(gradients: Array, batch_size: int, batches: int, seed: int) -> Array:
    """The errors of the mean gradients of batches with replacement, (batches, k)."""
    n = len(gradients)
    rows = max(1, n // batch_size)  # independent draws: a large batch is many small ones, and made at one go
    config = sg.SGDConfig(1.0, rows * batch_size, n, sampling="with_replacement")
    indices = sg.models.batch_indices(config, -(-batches // rows), seed).reshape(-1, batch_size)[:batches]
    centred = gradients - gradients.mean(axis=0)
    parts = np.array_split(indices, -(-indices.size // TOGETHER))
    return np.concatenate([centred[part].mean(axis=1) for part in parts])


def _laws(gradients: Array, batch_size: int) -> tuple[Array, Array]:
    """Variance and kurtosis of the mean gradient of a batch along each direction, (k,), exactly."""
    config = sg.SGDConfig(1.0, batch_size, len(gradients), sampling="with_replacement")
    _, variance, _, fourth = np.transpose([sg.theory.batch_cumulants(column, config) for column in gradients.T])
    return variance, 3 + fourth / variance**2


def _from_normal(batches: Array, gradients: Array, batch_size: int, generator: np.random.Generator) -> Array:
    """The distance of each group's vectors, (groups, draws, k), from normal ones of their exact covariance."""
    groups, draws, k = batches.shape
    if k == 1:
        return np.full(groups, np.nan)
    root = cholesky(np.cov(gradients, rowvar=False, ddof=0) / batch_size, lower=True)
    white = solve_triangular(root, batches.reshape(-1, k).T, lower=True).T.reshape(batches.shape)
    return np.array([energy(x, generator.standard_normal((draws, k))) for x in white])


def energy(x: Array, y: Array) -> float:
    """2E|X − Y| − E|X − X'| − E|Y − Y'| of two samples (n, k), without bias: 0 on average where the laws are one.

    As `sgdsde.statistics.energy_distance`, without its errors, which take a hundred times as long.

    >>> energy(np.zeros((4, 1)), np.ones((4, 1)))
    2.0
    """
    return float(2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean())
