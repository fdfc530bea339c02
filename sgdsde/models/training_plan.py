"""From the arguments of training to checked courses of replicas, and the groups that they are trained in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields

import torch
from numpy.typing import ArrayLike
from torch import nn

from sgdsde.arguments import boolean, check_steps, integer
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.drivers import check_bridge
from sgdsde.dynamics.course import Course
from sgdsde.dynamics.pairs import driver_with
from sgdsde.memory import check_memory
from sgdsde.models.checkpoint import Checkpoint, data_digest, model_digest, open_checkpoint
from sgdsde.models.dynamics import NetworkDynamics, network_dynamics
from sgdsde.models.losses import Loss
from sgdsde.models.measures import AVERAGED, Measure, all_names
from sgdsde.models.records import schedules_of
from sgdsde.schedules import batch_size_schedule, learning_rate_schedule

#: Names that the result of training has besides measures.
TAKEN = ("diverged", "replica", "step", "time", *(each.name for each in fields(SGDConfig)))
#: Bytes of a number that was measured, and of an evaluation whatever is measured: its update, time and place.
_NUMBER, _MARK = 8, 80


def checked_configs(config: SGDConfig | Sequence[SGDConfig], replicas: int) -> list[SGDConfig]:
    """One config for each replica; they may differ in all but N."""
    configs = [config] * replicas if isinstance(config, SGDConfig) else config
    if not isinstance(configs, Sequence) or not all(isinstance(c, SGDConfig) for c in configs):
        raise ValueError(f"config must be an SGDConfig or a sequence of them, got {config!r}")
    if len(configs) != replicas:
        raise ValueError(f"config must be one SGDConfig or one per replica, {replicas}, got {len(configs)}")
    if len(found := sorted({c.n_examples for c in configs})) > 1:
        raise ValueError(f"config must have the same n_examples in all replicas, got {', '.join(map(str, found))}")
    return list(configs)


def checked_courses(
    configs: Sequence[SGDConfig],
    name: str,
    noise: str | None,
    substeps: int,
    updates: int,
    learning_rates: ArrayLike | None,
    batch_sizes: ArrayLike | None,
    driver: str | None = None,
) -> list[tuple[NetworkDynamics, Course]]:
    """What moves each replica, and its course."""
    steps = integer("substeps", substeps, 1)
    check_steps(updates, steps)
    rates = None if learning_rates is None else learning_rate_schedule(learning_rates, updates)
    made = {}
    for config in configs:
        found = network_dynamics(name, config, noise, steps)
        sizes = None if batch_sizes is None else batch_size_schedule(batch_sizes, config, updates)
        own = driver_with(found.dynamics.noise, driver, config)
        check_bridge(own, config, sizes)
        made[config] = found, Course(config, steps, rates, sizes, own)
    return [made[config] for config in configs]


def checked_marks(evaluate_every: int | Sequence[int] | None, updates: int, replicas: int, names: int) -> list[int]:
    """After which updates to evaluate; ValueError for more than can be counted, or than there is memory for."""
    check_steps(updates)
    if isinstance(evaluate_every, Sequence) and not isinstance(evaluate_every, str):
        found = [integer("evaluate_every", each, 1) for each in evaluate_every]
        if not found or found != sorted(set(found)) or found[-1] > updates:
            raise ValueError(
                f"evaluate_every must be a number of updates, or increasing ones up to updates = {updates}, "
                f"got {list(evaluate_every)}"
            )
    else:
        every = updates if evaluate_every is None else integer("evaluate_every", evaluate_every, 1)
        _check_evaluations(-(-updates // every), replicas, names)
        found = [*range(every, updates + 1, every)]
    marks = sorted({*found, updates})
    _check_evaluations(len(marks), replicas, names)
    return marks


def _check_evaluations(marks: int, replicas: int, names: int) -> None:
    size = marks * (_MARK + 2 * _NUMBER * replicas * names)  # by groups, and put together
    check_memory(size, f"evaluate_every must be larger, or replicas fewer: {marks} evaluations of {replicas} replicas")


def check_weights(model: nn.Module, replicas: int, together: Sequence[Sequence[int]], averaged: bool) -> None:
    """ValueError when the weights of all replicas, and velocities and averages of those trained at once, do not fit."""
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    largest = max(map(len, together))
    check_memory(
        size * (replicas + largest * (1 + averaged)),
        f"replicas must be fewer: {replicas} times the {size} bytes of weights",
    )


def checked_measures(measures: Mapping[str, Measure] | None, loss: Loss, averaged: bool) -> dict[str, Measure]:
    """Functions by names that the result does not have already."""
    found = {} if measures is None else measures
    if not isinstance(found, Mapping):
        raise ValueError(f"measures must be a mapping from names to functions, got {measures!r}")
    taken = {*all_names(loss, (), averaged), *TAKEN}
    for name, function in found.items():
        if not isinstance(name, str) or not name.isidentifier() or name in taken:
            raise ValueError(f"measures must have names that are identifiers and not taken already, got {name!r}")
        if not callable(function):
            raise ValueError(f"measures[{name!r}] must be a function of weights, x and y, got {function!r}")
    if averaged and (twice := sorted(name for name in found if AVERAGED + name in found)):
        raise ValueError(f"measures must have other names than {AVERAGED + twice[0]!r}, that of {twice[0]!r} averaged")
    return dict(found)


def groups(moving: Sequence[tuple[NetworkDynamics, Course]], device: torch.device) -> list[list[int]]:
    """Numbers of replicas that go through the network together.

    On a CPU one alone: faster than stacking, and bit for bit the same whatever R is. Elsewhere all with equal shapes
    and equal numbers of the rule; of a fast step learning rates are in the coefficients and may differ.
    """
    if device.type == "cpu":
        return [[r] for r in range(len(moving))]
    found: dict[object, list[int]] = {}
    for r, (dynamics, course) in enumerate(moving):
        size = course.config.sizes if dynamics.batches_of_step and course.batch_sizes is None else ()
        own = {"learning_rate": 0.0 if dynamics.fast else course.config.learning_rate, **dynamics.dynamics.numbers}
        spread = dynamics.dynamics.noise.spread is not None  # c is that of all, in every step
        noise = (course.config.sampling, course.config.sizes) if spread else ()
        found.setdefault((size, noise, *own.values()), []).append(r)
    return list(found.values())


def checked_tf32(tf32: bool, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether products of float32 matrices may be rounded to TF32, which only CUDA devices have."""
    if boolean("tf32", tf32) and (device.type != "cuda" or dtype != torch.float32):
        raise ValueError(f"tf32 must be False but for float32 on a CUDA device, got True for {dtype} on {device}")
    return tf32


@contextmanager
def tensor_cores(device: torch.device, tf32: bool) -> Iterator[None]:
    """Torch's settings of TF32 for products and convolutions on CUDA; afterwards as they were before."""
    if device.type != "cuda":
        yield
        return
    matrices, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, convolutions.allow_tf32
    try:
        matrices.allow_tf32 = convolutions.allow_tf32 = tf32
        yield
    finally:
        matrices.allow_tf32, convolutions.allow_tf32 = before


def run_folder(
    checkpoint: str | os.PathLike[str] | None,
    settings: Mapping[str, object],
    model: nn.Module,
    sets: Sequence[Dataset],
    configs: Sequence[SGDConfig],
    course: Course,
    evaluate_every: int | Sequence[int],
    measures: Iterable[str],
) -> Checkpoint | None:
    """The checkpoint of the run that all this makes, where one is wanted; ValueError when it is of another run."""
    if checkpoint is None:
        return None
    return open_checkpoint(
        checkpoint,
        {
            **settings,
            "model": model_digest(model, with_weights=settings["initialization"] == "shared"),
            "data": data_digest(sets),
            "config": [config.to_dict() for config in configs],
            "evaluate_every": list(evaluate_every) if isinstance(evaluate_every, Sequence) else evaluate_every,
            "measures": list(measures),
            "learning_rates": None,
            "batch_sizes": None,
            **schedules_of(course),
            "processor": torch.backends.cpu.get_cpu_capability(),  # sums are in another order on another
        },
    )
