"""Train R replicas of a network at once, each with batches of its own, and record how they generalise."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from itertools import islice
from threading import Event

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset, as_seed
from sgdsde.models.checks import checked_data, checked_device, checked_dtype, checked_model, count, one_of
from sgdsde.models.descent import descent_of, updates_per_call
from sgdsde.models.dynamics import DYNAMICS, Steps
from sgdsde.models.networks import Weights, draw_weights, weights_of
from sgdsde.models.parallel import in_threads
from sgdsde.models.replicas import Examples, evaluate, finite, stack

MEASURES = {
    "test_accuracy": "accuracy on the whole test set",
    "test_loss": "mean cross-entropy on the whole test set",
    "train_accuracy": "accuracy on the whole training set",
    "train_loss": "mean cross-entropy on the whole training set, L",
}
INITIALIZATIONS: dict[str, Callable[[nn.Module, int], Weights]] = {
    "independent": draw_weights,
    "shared": lambda model, _: weights_of(model),
}
#: Index entries held at once: a few MB, whatever the number of updates.
INDEX_CHUNK = 1 << 20


def train(
    model: nn.Module,
    data: Dataset | Sequence[Dataset],
    config: SGDConfig,
    updates: int,
    replicas: int = 1,
    dynamics: str = "sgd",
    evaluate_every: int | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    initialization: str = "independent",
    dtype: str | torch.dtype = "float32",
) -> xr.Dataset:
    """Train replicas of a network by minibatch descent on the mean cross-entropy, with constant ε, B and m.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs (n, features) to logits (n, classes). It is not changed. Its loss must be a mean over examples, so
        batch normalisation and dropout are refused.
    data : Dataset, or one per replica
        With ``config.n_examples`` training examples; data sets of one call have equal shapes.
    config : SGDConfig
        (ε, B, N, m, sampling).
    updates : int
        Updates per replica.
    replicas : int
        R. Replica r has its own batches, and its run does not depend on R: on a CPU bit for bit, on other devices up to
        the rounding of matrix products. A CPU runs one replica per thread of ``torch.get_num_threads()``.
    dynamics : str
        ``"sgd"``: v ← m v − ε ĝ, ω ← ω + v.
    evaluate_every : int, optional
        Evaluate after every so many updates, and at the end; None: at the end only.
    seed : int
        Of everything random; global generators are left as they were.
    device : str or torch.device, optional
        None: torch's default device.
    initialization : str
        ``"independent"``: each replica draws its own weights, by its layers' ``reset_parameters()``;
        ``"shared"``: all replicas start from the weights that `model` has now.
    dtype : str or torch.dtype
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    xarray.Dataset
        ``test_accuracy``, ``test_loss``, ``train_accuracy``, ``train_loss`` over (replica, update), and ``diverged``
        over (replica,). A replica whose weights or losses leave the finite numbers is marked there, its numbers are NaN
        from then on, and a RuntimeWarning counts such replicas. Coordinate ``time`` is the paper's clock
        t = updates · ε/(N(1 − m)). Attributes hold the provenance.

    Raises
    ------
    ValueError
        Before anything runs, when an argument is out of range or does not fit the others; the message names it.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, §5.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> config = SGDConfig(learning_rate=0.1, batch_size=20, n_examples=500, momentum=0.9)
    >>> runs = train(mlp(64, 32, 10), digits(n_train=500), config, updates=200, replicas=2, evaluate_every=100)
    >>> dict(runs.sizes)
    {'replica': 2, 'update': 2}
    >>> bool((runs.test_accuracy.isel(update=-1) > 0.85).all())
    True
    """
    updates, replicas, seed = count("updates", updates), count("replicas", replicas), as_seed(seed)
    steps = one_of("dynamics", dynamics, DYNAMICS)
    initial = one_of("initialization", initialization, INITIALIZATIONS)
    every = updates if evaluate_every is None else count("evaluate_every", evaluate_every)
    device, dtype = checked_device(device), checked_dtype(dtype)
    sets = checked_data(data, config, replicas)
    checked_model(model, sets[0])
    marks = sorted({*range(every, updates + 1, every), updates})
    seeds = [np.random.SeedSequence(seed, spawn_key=(r,)).generate_state(2, np.uint64) for r in range(replicas)]
    start = [initial(model, int(weight_seed)) for weight_seed, _ in seeds]

    shared = Examples.of(sets, device, dtype) if len(sets) == 1 else None

    def run(members: list[int], stop: Event) -> NDArray[np.float64]:
        streams = [steps(config, np.random.default_rng(int(seeds[r][1]))) for r in members]
        part = shared or Examples.of([sets[r] for r in members], device, dtype)
        weights = stack([start[r] for r in members], device, dtype)
        return _run(copy.deepcopy(model).to(device, dtype), weights, part, streams, marks, config.momentum, stop)

    # On a CPU one replica per thread: faster than stacking, and bit for bit the same whatever R is.
    together = 1 if device.type == "cpu" else replicas
    groups = [list(range(r, min(r + together, replicas))) for r in range(0, replicas, together)]
    values = np.concatenate(in_threads(run, groups), axis=1)
    diverged = np.asarray(np.isnan(values).any(axis=(0, 2)))
    if diverged.any():
        warnings.warn(
            f"{diverged.sum()} of {replicas} replicas diverged ({config}); their results are NaN",
            RuntimeWarning,
            stacklevel=2,
        )
    return _to_xarray(values, diverged, marks, config).assign_attrs(
        **config.to_dict(),
        updates=updates,
        dynamics=dynamics,
        seed=seed,
        initialization=initialization,
        model=" ".join(str(model).split()),
        parameters=sum(p.numel() for p in model.parameters()),
        data=json.dumps([d.provenance for d in sets]),
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        torch_version=torch.__version__,
        numpy_version=np.__version__,
        sgdsde_version=_version(),
    )


def _run(
    model: nn.Module,
    weights: Weights,
    data: Examples,
    streams: list[Steps],
    marks: list[int],
    momentum: float,
    stop: Event,
) -> NDArray[np.float64]:
    """Train one group of replicas; its measures at `marks`, (4, replicas, marks), NaN once diverged."""
    device, dtype = data.x_train.device, data.x_train.dtype
    velocity = {name: torch.zeros_like(w) for name, w in weights.items()}
    descend = descent_of(model)
    x, y = data.x_train.flatten(0, -2), data.y_train.flatten()
    n = data.y_train.shape[-1]
    offsets = np.arange(len(streams))[:, None, None] * n if data.y_train.ndim == 2 else 0
    values = np.full((len(MEASURES), len(streams), len(marks)), np.nan)
    alive, done = np.ones(len(streams), dtype=bool), 0
    with torch.no_grad():
        for column, mark in enumerate(marks):
            for indices, coefficients in _chunks(streams, mark - done):
                picked = torch.from_numpy(indices + offsets).to(device)
                weighted = torch.from_numpy(coefficients).to(device, dtype)
                k = updates_per_call(picked.shape[-1])
                for t in range(0, picked.shape[1], k):
                    if stop.is_set():
                        return values
                    index = picked[:, t : t + k]
                    descend(weights, velocity, x[index], y[index], weighted[:, t : t + k], momentum)
            done = mark
            test = evaluate(model, weights, data.x_test, data.y_test)
            training = evaluate(model, weights, data.x_train, data.y_train)
            row = torch.stack([test[1], test[0], training[1], training[0]])
            alive &= (finite(weights) & torch.isfinite(row).all(0)).cpu().numpy()
            values[:, alive, column] = row.cpu().numpy()[:, alive]
            if not alive.any():
                break
    return values


def _chunks(streams: list[Steps], updates: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The next `updates` steps of all streams, in pieces (R, updates, n) that fit into memory."""
    while updates:
        first = [next(stream) for stream in streams]
        size = min(updates, 1 + INDEX_CHUNK // (len(first) * len(first[0][0])))
        steps = [[head, *islice(stream, size - 1)] for head, stream in zip(first, streams, strict=True)]
        indices, coefficients = (np.stack([[s[k] for s in run] for run in steps]) for k in (0, 1))
        yield indices, coefficients
        updates -= size


def _to_xarray(
    values: NDArray[np.float64], diverged: NDArray[np.bool_], marks: list[int], config: SGDConfig
) -> xr.Dataset:
    measures = {
        name: (("replica", "update"), table, {"long_name": MEASURES[name]})
        for name, table in zip(MEASURES, values, strict=True)
    }
    update = np.array(marks)
    time = {"long_name": "t = updates · ε/(N(1 − m))"}
    return xr.Dataset(
        {**measures, "diverged": ("replica", diverged, {"long_name": "left the finite numbers"})},
        coords={
            "replica": np.arange(len(diverged)),
            "update": update,
            "time": ("update", update * config.time_per_update, time),
        },
    )


def _version() -> str:
    try:
        return metadata.version("sgdsde")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
