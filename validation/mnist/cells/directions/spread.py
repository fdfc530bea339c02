"""What the sweeps of ``flat_directions`` call: replicas from one trained network, spread along eigenvectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.models.networks import Weights
from validation.context import derived_seed
from validation.mnist.cells.dynamics import Kept
from validation.mnist.cells.training import subsets

Array = NDArray[np.float64]

#: Runs by name: the sampling, the dynamics and steps for an update.
RUNS = {
    "reshuffled": ("reshuffle", "sgd", 1),
    "epoched SDE": ("reshuffle", "sde", 2),
    "independent": ("with_replacement", "sgd", 1),
}


def spread_along(
    source: str,
    n_examples: int,
    hidden: int,
    trained: int,
    trained_rate: float,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    looks: int,
    pairs: int,
    replicas: int,
    seed: int,
    device: str,
) -> xr.Dataset:
    """Replicas of a network that gradient descent has `trained` for so many updates, in each of `RUNS`.

    They are looked at so many times in an epoch, at equal distances, after the first half of the `epochs`. Directions
    are those of the `pairs` largest eigenvalues of H where all start.

    Returns
    -------
    xarray.Dataset
        Over (replica, run, direction): ``spread``, squared deviations from the mean of the replicas, means over looks.
        Over (replica, run): ``excess``, training loss above gradient descent's, means over looks. Over
        (replica, direction), the same for all replicas: ``curvature`` h, ``noise`` vᵀFv.
    """
    data = subsets(source, n_examples, 1, seed)[0]
    model = sg.models.mlp(data.x_train.shape[1], hidden, data.n_classes, seed=seed % 2**32)
    descent = sg.SGDConfig(trained_rate, n_examples, n_examples)
    start = _run(model, data, descent, trained, trained, 1, "sgd", 1, seed, device)[0][0][0]
    torch.nn.utils.vector_to_parameters(_flat(start), model.parameters())
    found = sg.models.top_eigenpairs(sg.models.mean_hessian(model, data, dtype="float32"), pairs)
    vectors = torch.as_tensor(found.vectors)
    covariance = sg.models.noise_covariance(model, data, dtype="float32")
    noise = np.einsum("pk,pk->k", found.vectors, covariance.product(found.vectors))
    every = n_examples // batch_size // looks
    updates = epochs * every * looks
    still = sg.SGDConfig(learning_rate, n_examples, n_examples)
    quiet = _run(model, data, still, updates, every, 1, "sgd", 1, seed, device)[1][0]
    late = slice((epochs // 2) * looks, None)
    spread, excess = [], []
    for name, (sampling, dynamics, substeps) in RUNS.items():
        config = sg.SGDConfig(learning_rate, batch_size, n_examples, sampling=sampling)
        own = derived_seed(seed, name)
        states, losses = _run(model, data, config, updates, every, replicas, dynamics, substeps, own, device)
        at = np.array([[(_flat(w).double() @ vectors).numpy() for w in each[late]] for each in states])
        spread.append(((at - at.mean(axis=0)) ** 2).mean(axis=1) * replicas / (replicas - 1))
        excess.append((losses - quiet)[:, late].mean(axis=1))
    same = {
        name: (("replica", "direction"), np.tile(values, (replicas, 1)))
        for name, values in (("curvature", found.values), ("noise", noise))
    }
    return xr.Dataset(
        {
            "spread": (("replica", "run", "direction"), np.stack(spread, axis=1)),
            "excess": (("replica", "run"), np.stack(excess, axis=1)),
            **same,
        },
        coords={"run": list(RUNS)},
    )


def _run(
    model: Any, data: Any, config: sg.SGDConfig, updates: int, every: int, replicas: int, dynamics: str, substeps: int,
    seed: int, device: str,
) -> tuple[Sequence[Sequence[Weights]], Array]:  # fmt: skip
    """Weights of every replica at every look, and their training losses (replica, look)."""
    kept = Kept()
    runs = sg.models.train(
        model, data, config, updates, replicas, dynamics, every, seed, device, "shared", substeps=substeps,
        measures={"ticket": kept},
    )  # fmt: skip
    if runs.diverged.any():
        raise RuntimeError(
            f"{int(runs.diverged.sum())} replicas of {dynamics} diverged at ε = {config.learning_rate:g}"
        )
    return kept.of(runs["ticket"]), runs["train_loss"].to_numpy()


def _flat(weights: Weights) -> torch.Tensor:
    return torch.cat([w.detach().flatten() for w in weights.values()]).cpu()
