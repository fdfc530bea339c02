"""The loop of one group of replicas: steps, and at the marks measures and checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from threading import Event
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.dynamics.noises import Steps
from sgdsde.models.descent import by_hand, descend_by_autograd
from sgdsde.models.label_noise import LabelNoise
from sgdsde.models.loss_checks import as_input
from sgdsde.models.losses import LOSSES, Loss
from sgdsde.models.measures import Measure, all_names, own_measures, standard_measures
from sgdsde.models.motion import ByRule, HeavyBall
from sgdsde.models.network_checks import differentiated
from sgdsde.models.networks import Weights, weights_of
from sgdsde.models.replicas import Examples, Part, evaluate, finite
from sgdsde.models.weight_average import Average

#: A state by names.
Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
#: Index entries held at once: a few MB, whatever the number of updates.
INDEX_CHUNK = 1 << 20
#: Steps between two looks at `stop` while streams are drawn again after an interruption.
LOOK = 1000


@dataclass(frozen=True, eq=False)
class Group:
    """Replicas that go through the network together: their weights, stacked, their steps, examples and label noise.

    `numbers` bounds the numbers in a step of one replica, `substeps` of which make an update; `ema` is the decay of the
    average of weights, where there is one.
    """

    model: nn.Module
    weights: Weights
    data: Examples
    streams: list[Steps]
    motion: HeavyBall | ByRule
    substeps: int
    numbers: int
    loss: Loss = LOSSES["cross_entropy"]
    ema: float | None = None
    labels: LabelNoise = field(default_factory=LabelNoise)


@dataclass(eq=False)
class State:
    """Where a group is: after how many marks, with which average and measures (names, replicas, marks).

    What moves it has more.
    """

    average: Average | None
    values: NDArray[np.float64]
    alive: NDArray[np.bool_]
    column: int = 0


def rehearse(model: nn.Module, loss: Loss, x: Tensor, y: Tensor, device: torch.device) -> None:
    """A step with a few examples and an evaluation, on copies of the weights; a ValueError where torch.func cannot."""
    if by_hand(model, loss):
        return
    model = copy.deepcopy(model).to(device)
    own = next(model.parameters())
    weights = {name: w[None].clone() for name, w in weights_of(model).items()}
    velocity = {name: torch.zeros_like(w) for name, w in weights.items()}
    x, y = x.to(own), as_input(y, own)
    with torch.no_grad(), differentiated("for one replica beside the other, by torch.func.vmap"):
        descend_by_autograd(model, loss)(
            weights, velocity, x[None, None], y[None, None], own.new_ones(1, 1, len(y)), 0.0
        )
        evaluate(model, weights, Part(x, y), loss)


def run_group(
    group: Group,
    marks: list[int],
    measures: Mapping[str, Measure],
    stop: Event,
    kept: Callable[[Arrays], Arrays | None] | None = None,
    keep: Callable[[Arrays], None] | None = None,
    keep_every: int = 1,
) -> NDArray[np.float64]:
    """Train a group; its measures at `marks`, (names, replicas, marks), NaN once diverged.

    It goes on from the state that `kept` has, if any, when it is given one at the start; after every `keep_every` marks
    and at the last, `keep` is given the state.
    """
    state = _at_start(group, len(all_names(group.loss, measures, group.ema is not None)), len(marks))
    scalars = group.motion.numbers()
    if kept is not None and (found := kept(_flat(group, state))) is not None:
        state = _restored(group, state, found)
    if 0 < state.column < len(marks):
        done = marks[state.column - 1]
        _draw_again([*group.streams, *group.labels.streams, scalars], done * group.substeps, stop)
        if state.average is not None:
            state.average.updates = done
    with torch.no_grad():
        while state.column < len(marks) and not stop.is_set():
            done = marks[state.column - 1] if state.column else 0
            if not _advance(group, state.average, scalars, marks[state.column] - done, stop):
                break
            _measure(group, state, measures)
            state.column = state.column + 1 if state.alive.any() else len(marks)
            if keep is not None and (state.column == len(marks) or state.column % keep_every == 0):
                keep(_flat(group, state))
    return state.values


def _advance(group: Group, average: Average | None, scalars: Iterator[Any], updates: int, stop: Event) -> bool:
    """Take the steps of `updates` updates; False when it was stopped before the end."""
    data, weights, motion = group.data.train, group.weights, group.motion
    device, dtype = data.x.device, data.x.dtype
    x, y = data.in_a_row()
    offsets = np.arange(len(group.streams))[:, None, None] * len(data) if data.own else 0
    steps = 0
    for indices, coefficients, shifts, numbers in _chunks(group, scalars, updates * group.substeps):
        weighted = torch.from_numpy(coefficients).to(device, dtype)
        picked = None if indices is None else torch.from_numpy(indices + offsets).to(device)
        sparse = data.sparse if picked is not None and motion.sparse(picked.shape[-1]) else None
        k = 1
        if picked is not None and average is None:
            k = motion.together(picked.shape[-1], numbers, sparse is not None)
        for t in range(0, weighted.shape[1], k):
            if stop.is_set():
                return False
            if picked is None:
                motion.all(weights, data, weighted[:, t], numbers)
            else:
                index = picked[:, t : t + k]
                targets = group.labels(y[index], None if shifts is None else shifts[:, t : t + k])
                rows = _rows(x, index) if sparse is None else sparse[index.flatten()]
                motion.some(weights, rows, targets, weighted[:, t : t + k], numbers)
            steps += 1
            if average is not None and steps % group.substeps == 0:
                average.follow(weights)
    return True


def _rows(examples: Tensor, index: Tensor) -> Tensor:
    """``examples[index]`` as a CPU has it twice as fast."""
    return examples.index_select(0, index.reshape(-1)).view(*index.shape, *examples.shape[1:])


def _chunks(
    group: Group, scalars: Iterator[Any], steps: int
) -> Iterator[tuple[NDArray[np.int64] | None, NDArray[np.float64], NDArray[np.generic] | None, Any]]:
    """The next `steps` of all streams, in pieces (R, k, n) of equally many examples and equal scalars, that fit."""
    replicas, streams = range(len(group.streams)), (*group.streams, *group.labels.streams, scalars)
    while steps:
        size = min(steps, 1 + INDEX_CHUNK // (len(replicas) * group.numbers))
        drawn = zip(*(islice(each, size) for each in streams), strict=True)
        for (_, own), alike in groupby(drawn, key=lambda step: (len(step[0][1]), step[-1])):
            together = list(alike)
            indices = shifts = None
            if together[0][0][0] is not None:
                indices = np.stack([np.stack([step[r][0] for step in together]) for r in replicas])
            if group.labels.streams:
                shifts = np.stack([np.stack([step[len(replicas) + r] for step in together]) for r in replicas])
            yield indices, np.stack([np.stack([step[r][1] for step in together]) for r in replicas]), shifts, own
        steps -= size


def _draw_again(streams: list[Iterator[Any]], steps: int, stop: Event) -> None:
    """Bring the streams to where they were after `steps`: a hundredth of the time that those took, or less."""
    for stream in streams:
        for step, _ in enumerate(islice(stream, steps)):
            if step % LOOK == 0 and stop.is_set():
                return


def _measure(group: Group, state: State, measures: Mapping[str, Measure]) -> None:
    """Fill the column of the next mark."""
    row = standard_measures(group.model, group.weights, group.data, group.loss)
    state.alive &= (finite(group.weights) & torch.isfinite(row).all(0)).cpu().numpy()
    rows = [row.cpu().numpy(), own_measures(group.weights, group.data, measures, state.alive)]
    if state.average is not None:
        averaged = state.average.weights
        rows.append(standard_measures(group.model, averaged, group.data, group.loss).cpu().numpy())
        rows.append(own_measures(averaged, group.data, measures, state.alive))
    state.values[:, state.alive, state.column] = np.concatenate(rows)[:, state.alive]


def _at_start(group: Group, names: int, marks: int) -> State:
    average = None if group.ema is None else Average(group.ema, {n: w.clone() for n, w in group.weights.items()})
    replicas = len(group.streams)
    return State(average, np.full((names, replicas, marks), np.nan), np.ones(replicas, dtype=bool))


def _held(group: Group, state: State) -> dict[str, Weights]:
    """All that moves, by what it is."""
    average = {} if state.average is None else {"average": state.average.weights}
    return {"weights": group.weights, **group.motion.state, **average}


def _flat(group: Group, state: State) -> Arrays:
    """The state as plain arrays."""
    tensors = {f"{kind}/{name}": v for kind, of in _held(group, state).items() for name, v in of.items()}
    arrays: dict[str, NDArray[np.generic]] = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    arrays |= {f"carried/{name}": np.array(value) for name, value in group.motion.carried.items()}
    return arrays | {"values": state.values, "alive": state.alive, "marks": np.array(state.column)}


def _restored(group: Group, state: State, kept: Arrays) -> State:
    """The state that was kept; the group's weights, and what moves them, are set to it."""
    for kind, tensors in _held(group, state).items():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(kept[f"{kind}/{name}"]))
    group.motion.carried = {name: float(kept[f"carried/{name}"]) for name in group.motion.carried}
    values, alive = kept["values"].astype(np.float64), kept["alive"].astype(np.bool_)
    return State(state.average, values, alive, int(kept["marks"]))
