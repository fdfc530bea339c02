"""The same growth of a network's own weights, close to a minimum of square loss that fits all examples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sgdsde.arguments import integer, real
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.models.descent import descent_of
from sgdsde.models.jacobians_of_outputs import output_jacobians
from sgdsde.models.losses import checked_loss
from sgdsde.models.networks import own_copy, weights_of
from sgdsde.studies.second_moment import counted, population_growth

Array = NDArray[np.float64]
#: Root mean square error of a network that fits all examples, relative to |J| times the distance from the minimum.
FITS = 1e-3


def network_second_moment_growth(
    model: nn.Module,
    data: Dataset,
    config: SGDConfig,
    *,
    blocks: int = 20,
    updates: int = 8,
    paths: int = 1024,
    groups: int = 16,
    burn_in: int = 6,
    distance: float = 1e-6,
    seed: int = 0,
) -> Array:
    """The logarithm of the factor by which E|ω − ω*|² of a network grows per update under SGD, by groups of replicas.

    Parameters
    ----------
    model : torch.nn.Module
        At its weights ω* it fits all training examples of `data`: the loss is ``"mse"``.
    data, config
        As in :func:`sgdsde.models.train`; batches are drawn independently.
    blocks, updates, paths, groups, burn_in, seed : int
        As in :func:`second_moment_growth`.
    distance : float
        |ω − ω*|² + |v|² = `distance`² at the start of a block, each direction counted by its curvature: so small that
        third derivatives are not felt.

    Returns
    -------
    ndarray, (groups,), per update.

    Raises
    ------
    ValueError
        When a number is out of range, the groups do not divide the paths, batches are those of permutations, or the
        network does not fit the examples.

    Notes
    -----
    Steps are those of training, in float64, of the network itself and not of its linearisation. What lies along
    directions in which no output changes is neither pulled nor kicked, and is left out between blocks.
    """
    updates, distance = integer("updates", updates, 1), real("distance", distance, above=0)
    outputs, jacobians = output_jacobians(model, data.x_train)
    off, n = np.sqrt(np.mean((outputs - data.y_train.reshape(outputs.shape)) ** 2)), len(outputs)
    if off > FITS * distance * np.linalg.norm(jacobians, ord=2, axis=(1, 2)).max():
        raise ValueError(f"model must fit all examples of data to {FITS:g} of distance, got an error of {off:.3g}")
    if config.permuted or config.n_examples != n:
        raise ValueError(f"config must draw independent batches of {n} examples, got {config}")
    _, singular, rows = np.linalg.svd(jacobians.reshape(-1, jacobians.shape[2]), full_matrices=False)
    kept = singular > 1e-9 * singular[0]
    range_of_h, weight = rows[kept], counted(singular[kept] ** 2)
    network = own_copy(model).double()
    descend, names = descent_of(network, checked_loss("mse")), {k: v.shape for k, v in weights_of(network).items()}
    centre = np.concatenate([w.numpy().ravel() for w in weights_of(network).values()])
    x, y = torch.as_tensor(data.x_train).double(), torch.as_tensor(data.y_train).double()
    b, ends = config.batch_size, np.cumsum([0, *(shape.numel() for shape in names.values())])

    def split(flat: Array) -> dict[str, torch.Tensor]:
        parts = (flat[:, start:stop] for start, stop in pairwise(ends))
        whole = (torch.tensor(part) for part in parts)
        return {name: part.reshape(-1, *shape) for (name, shape), part in zip(names.items(), whole, strict=True)}

    def advance(state: Array, own: int) -> Array:
        generator, r = np.random.default_rng(own), len(state)
        wide = np.zeros((r, 2, len(centre)))
        wide[:, : state.shape[1]] = distance * (state / weight @ range_of_h)
        weights, velocity = split(centre + wide[:, 0]), split(wide[:, 1])
        each = (
            generator.integers(n, size=(r, updates, b))
            if config.sampling == "with_replacement"
            else generator.random((r, updates, n)).argpartition(b - 1, axis=2)[:, :, :b]
        )
        drawn = torch.as_tensor(each)
        a = torch.full((r, updates, b), config.learning_rate / b, dtype=torch.float64)
        with torch.no_grad():
            descend(weights, velocity, x[drawn], y[drawn], a, config.momentum)
        after = [torch.cat([w.flatten(1) for w in held.values()], dim=1).numpy() for held in (weights, velocity)]
        return np.asarray(
            np.stack([after[0] - centre, after[1]], axis=1) @ range_of_h.T * weight / distance, np.float64
        )

    return population_growth(advance, weight**2, blocks, paths, groups, burn_in, seed) / updates
