"""Train R replicas of a network at once, each with random numbers of its own, and record how they generalise."""

from __future__ import annotations

import copy
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sgdsde.arguments import choice, integer
from sgdsde.callers import stacklevel
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.models.checks import checked_data, checked_device, checked_dtype, checked_model
from sgdsde.models.descent import may_be_sparse
from sgdsde.models.label_noise import classes_for, label_noise
from sgdsde.models.losses import LossLike, checked_loss
from sgdsde.models.measures import Measure, all_names
from sgdsde.models.motion import motion_of
from sgdsde.models.network_checks import TRIED
from sgdsde.models.networks import Weights, draw_weights, weights_of
from sgdsde.models.parallel import in_threads
from sgdsde.models.records import to_xarray, versions
from sgdsde.models.replica_loop import Group, rehearse, run_group
from sgdsde.models.replicas import Examples, stack
from sgdsde.models.training_plan import (
    check_weights,
    checked_configs,
    checked_courses,
    checked_marks,
    checked_measures,
    checked_tf32,
    groups,
    run_folder,
    tensor_cores,
)
from sgdsde.models.weight_average import checked_decay

INITIALIZATIONS: dict[str, Callable[[nn.Module, int], Weights]] = {
    "independent": draw_weights,
    "shared": lambda model, _: weights_of(model),
}


def train(
    model: nn.Module,
    data: Dataset | Sequence[Dataset],
    config: SGDConfig | Sequence[SGDConfig],
    updates: int,
    replicas: int = 1,
    dynamics: str = "sgd",
    evaluate_every: int | Sequence[int] | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    initialization: str = "independent",
    dtype: str | torch.dtype = "float32",
    *,
    noise: str | None = None,
    substeps: int = 1,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    driver: str | None = None,
    measures: Mapping[str, Measure] | None = None,
    loss: LossLike = "cross_entropy",
    ema: float | None = None,
    tf32: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
) -> xr.Dataset:
    """Train replicas of a network on the mean loss of its examples, by SGD or by one of its approximations.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs (n, …), of the data's shape, to what the loss takes: logits (n, classes) for cross-entropy. It is
        not changed, and works on a copy of the data. Its loss must be a mean over examples, so batch normalisation and
        dropout are refused; README lists what else is, and `sgdsde.models.network_checks` finds it out on a few.
    data : Dataset, or one per replica
        With ``config.n_examples`` training examples; data sets of one call have equal shapes.
    config : SGDConfig, or one per replica
        (ε, B, N, m, sampling); replicas may differ in all but N.
    updates : int
        Updates per replica.
    replicas : int
        R. Replica r has random numbers of its own, and its run does not depend on R: on a CPU bit for bit, on other
        devices up to the rounding of matrix products. A CPU runs one replica per thread of
        ``torch.get_num_threads()``; other devices all that have B and m in common at once.
    dynamics : str
        A rule, with batches unless `noise` says otherwise: ``"sgd"``, ``"heavy_ball"``, ``"nesterov"``, ``"rmsprop"``,
        ``"adam"``, ``"adamw"``, ``"signsgd"`` or a user's own; see :func:`sgdsde.simulate_sgd`, whose names these are.
        ``"noisy_gd"`` is SGD with normal noise of covariance cF, ``"svag"`` SVAG(l), for m = 0 and independent batches.
        ``"sde"``: Euler and Maruyama's steps of dω = −∇L ds + √(TF) dW, whatever m, an update being s = ε/(1 − m).
        ``"momentum_sde"``: the SDE with momentum, by the symplectic Euler–Maruyama method.
    evaluate_every : int or sequence of int, optional
        Evaluate after every so many updates, or after each of these numbers; and at the end. None: at the end only.
    seed : int
        Of everything random; global generators are left as they were.
    device : str or torch.device, optional
        None: torch's default device.
    initialization : str
        ``"independent"``: each replica draws its own weights, by its layers' ``reset_parameters()``;
        ``"shared"``: all replicas start from the weights that `model` has now.
    dtype : str, torch.dtype or numpy.dtype
        ``"float32"`` or ``"float64"``.
    noise : str, optional
        How the gradient of a step differs from ∇L, as in :func:`sgdsde.simulate_sgd`: ``"batches"``, ``"normal"``,
        ``"svag"``, ``"isotropic"`` and ``"diagonal"``. All but batches and SVAG take all N examples in every step;
        the last two need the gradient of every example besides. ``"labels:p"``: batches whose labels are drawn anew in
        every step, another class, uniformly, with probability p; or y + σz, z normal, for ``"labels:σ"`` of targets
        that are real numbers.
    substeps : int
        l, steps for an update of ``"svag"``, ``"sde"`` and ``"momentum_sde"``. 1 for the others.
    learning_rates, batch_sizes : (≥ updates,), optional
        ε(k) and B(k) of every update, in all replicas, in place of the configs' (`sgdsde.schedules` makes some).
    driver : str, optional
        Of the normal noise of ``"noisy_gd"``, ``"sde"`` and ``"momentum_sde"``: ``"brownian"``, independent steps, or
        ``"epoched"``, which adds up to 0 in every epoch as the batches of one permutation do. By default the latter
        where the sampling is by permutations; see :func:`sgdsde.simulate_sde` for those that it cannot stand for.
    measures : mapping of str to callable, optional
        More to measure: functions (weights of a replica by name, training inputs, targets) → a number, on the device.
        A CPU calls them from several threads: they must not load weights into one module, but into copies of it.
    loss : str or callable
        ``"cross_entropy"`` of class numbers; ``"binary_cross_entropy"`` of labels 0 and 1 and a logit; ``"mse"``, as
        `torch.nn.functional.mse_loss` a mean over outputs too, of float targets of the outputs' shape; or a function
        (outputs (n, …), targets (n, …)) → losses (n,), each of its own example alone, such as
        ``torch.nn.HuberLoss(reduction="none")`` for outputs (n,), which is tried on a few examples first.
    ema : float, optional
        ρ: measure also the average ϑ ← ρϑ + (1 − ρ)ω of the weights, taken after every update (ϑ = ω after the first),
        as `torch.optim.swa_utils.get_ema_multi_avg_fn` has it. The run is the same, for small batches up to rounding.
    tf32 : bool
        Whether a CUDA device may round factors of float32 products to TF32, ten bits of mantissa: faster, and other
        results. Torch's own setting is set accordingly for the time of the call.
    checkpoint : path, optional
        A folder that holds the run so far. The same call goes on from there, to the same result bit for bit; when it
        has ended, the call returns what was found. Measures, and a loss of your own, are told apart by their names
        alone. A file in it that was cut or changed is refused by its digest.
    checkpoint_every : int
        Evaluations between two checkpoints of a replica: what lies in between is lost when a run is cut short.

    Returns
    -------
    xarray.Dataset
        ``test_accuracy``, ``test_loss``, ``train_accuracy``, ``train_loss``, ``weight_norm`` and `measures` over
        (replica, step), ``step`` being updates, and ``diverged`` over (replica,). Losses without classes have no
        accuracy; with `ema` there is ``ema_test_loss`` and so on of the averaged weights. A replica whose weights or
        losses leave the finite numbers is marked there, its numbers are NaN from then on, and a RuntimeWarning counts
        such replicas. Coordinate ``time`` is the paper's clock t = updates · ε/(N(1 − m)), of each replica where
        configs are many; so are then ``learning_rate``, ``batch_size``, ``momentum``, ``sampling`` and whatever else
        they differ in. Attributes hold the provenance.

    Raises
    ------
    ValueError
        Before anything runs, when an argument is out of range or does not fit the others, or `checkpoint` is of another
        run; the message names it. While it runs, when a measure does not return a number.

    Notes
    -----
    Smith & Le, arXiv 1710.06451; noise from one backward pass: Wu et al., arXiv 1906.07405; SVAG: Li, Malladi &
    Arora, arXiv 2102.12470. The names are those of :func:`sgdsde.simulate_sgd` and of :func:`sgdsde.ladder`.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> config = SGDConfig(learning_rate=0.1, batch_size=20, n_examples=500, momentum=0.9)
    >>> runs = train(mlp(64, 32, 10), digits(n_train=500), config, updates=200, replicas=2, evaluate_every=100)
    >>> dict(runs.sizes)
    {'replica': 2, 'step': 2}
    >>> bool((runs.test_accuracy.isel(step=-1) > 0.85).all())
    True
    >>> wave = Dataset("wave", np.eye(4), [[0.0], [1.0], [0.0], [-1.0]], np.eye(4), np.zeros((4, 1)))
    >>> list(train(mlp(4, 8, 1), wave, SGDConfig(0.1, 2, n_examples=4), updates=50, loss="mse").data_vars)
    ['test_loss', 'train_loss', 'weight_norm', 'diverged']
    """
    updates, replicas, seed = integer("updates", updates, 1), integer("replicas", replicas, 1), integer("seed", seed, 0)
    initial = INITIALIZATIONS[choice("initialization", initialization, sorted(INITIALIZATIONS))]
    keep_every = integer("checkpoint_every", checkpoint_every, 1)
    device, dtype = checked_device(device), checked_dtype(dtype)
    tf32 = checked_tf32(tf32, device, dtype)
    criterion, decay = checked_loss(loss), checked_decay(ema)
    averaged = decay is not None
    own = checked_measures(measures, criterion, averaged)
    names = all_names(criterion, own, averaged)
    marks = checked_marks(evaluate_every, updates, replicas, len(names))
    configs = checked_configs(config, replicas)
    moving = checked_courses(configs, dynamics, noise, substeps, updates, learning_rates, batch_sizes, driver)
    courses = [course for _, course in moving]
    sets = checked_data(data, configs[0], replicas, dtype, criterion)
    network = checked_model(model, sets, dtype, criterion)
    together = groups(moving, device)
    check_weights(network, replicas, together, averaged)
    x, y = (torch.tensor(each[:TRIED]) for each in (sets[0].x_train, sets[0].y_train))
    rehearse(network, criterion, x, y, device)
    classes = classes_for(moving[0][0], network, criterion, x, y)
    one_config = isinstance(config, SGDConfig)
    size = sum(p.numel() for p in model.parameters())
    settings = {
        "updates": updates, "replicas": replicas, "dynamics": moving[0][0].name, "substeps": courses[0].substeps,
        "driver": ", ".join(sorted({course.driver or "batches" for course in courses})),
        "seed": seed, "initialization": initialization, "model": " ".join(str(model).split()),
        "parameters": size, "data": json.dumps([d.provenance for d in sets]),
        "loss": criterion.name, **({} if decay is None else {"ema": decay}),
        "device": str(device), "dtype": str(dtype).removeprefix("torch."), "tf32": int(tf32), **versions(),
    }  # fmt: skip
    folder = run_folder(
        checkpoint,
        settings,
        model,
        sets,
        configs[:1] if one_config else configs,
        courses[0],
        evaluate_every or updates,
        own,
    )
    seeds = [np.random.SeedSequence(seed, spawn_key=(r,)).generate_state(3, np.uint64) for r in range(replicas)]
    start = [initial(model, int(weight_seed)) for weight_seed, _, _ in seeds]
    examples = partial(Examples.of, device=device, dtype=dtype, sparse=may_be_sparse(network, criterion, device))
    shared = examples(sets) if len(sets) == 1 else None

    def run(number: int, stop: Event) -> NDArray[np.float64]:
        members = together[number]
        module, seen = copy.deepcopy(network).to(device, dtype), shared or examples([sets[r] for r in members])
        weights = seen.train.laid_out(stack([start[r] for r in members], device, dtype))
        first, course = moving[members[0]]
        group = Group(
            module,
            weights,
            seen,
            [moving[r][0].stream(courses[r], np.random.default_rng(int(seeds[r][1])), size) for r in members],
            motion_of(module, first, course, weights, criterion),
            course.substeps,
            first.numbers_of_step(course, size),
            criterion,
            decay,
            label_noise(
                first,
                [courses[r] for r in members],
                [int(seeds[r][2]) for r in members],
                sets[0].y_train.shape[1:],
                classes,
            ),
        )
        if folder is None:
            return run_group(group, marks, own, stop)
        kept, keep = partial(folder.load, number), partial(folder.save, number)
        return run_group(group, marks, own, stop, kept, keep, keep_every)

    values = np.full((len(names), replicas, len(marks)), np.nan)
    with tensor_cores(device, tf32):
        for members, found in zip(together, in_threads(run, range(len(together))), strict=True):
            values[:, members] = found
    runs = to_xarray(values, names, marks, courses, one_config)
    if runs.diverged.any():
        warnings.warn(
            f"{int(runs.diverged.sum())} of {replicas} replicas diverged "
            f"({config if one_config else 'of several configs'}); their results are NaN",
            RuntimeWarning,
            stacklevel=stacklevel(),
        )
    return runs.assign_attrs(settings)
