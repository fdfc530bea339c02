"""The loop of one group of replicas: steps, and at the marks measures and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from threading import Event
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.dynamics.noises import Steps
from sgdsde.models.descent import descend_by_autograd
from sgdsde.models.motion import ByRule, HeavyBall
from sgdsde.models.network_checks import differentiated
from sgdsde.models.networks import Weights, is_plain_relu, weights_of
from sgdsde.models.replicas import Examples, evaluate, finite, weight_norm

#: What is measured at every mark, in this order, before the user's measures.
MEASURES = {
    "test_accuracy": "accuracy on the whole test set",
    "test_loss": "mean cross-entropy on the whole test set",
    "train_accuracy": "accuracy on the whole training set",
    "train_loss": "mean cross-entropy on the whole training set, L",
    "weight_norm": "Euclidean norm of all weights, |ω|",
}
#: (weights of one network, training inputs (N, features), labels (N,)) → a number.
Measure: TypeAlias = Callable[[Weights, Tensor, Tensor], float | Tensor]
#: A state by names.
Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
#: Index entries held at once: a few MB, whatever the number of updates.
INDEX_CHUNK = 1 << 20
#: Of streams that are drawn again after an interruption: steps between two looks at `stop`.
LOOK = 1000


@dataclass(frozen=True, eq=False)
class Group:
    """Replicas that go through the network together: their weights, stacked, their steps and their examples.

    `numbers` bounds the numbers in a step of one replica, `substeps` of which make an update.
    """

    model: nn.Module
    weights: Weights
    data: Examples
    streams: list[Steps]
    motion: HeavyBall | ByRule
    substeps: int
    numbers: int


@dataclass(eq=False)
class State:
    """Where a group is: after how many marks, with which measures (names, replicas, marks); what moves it has more."""

    values: NDArray[np.float64]
    alive: NDArray[np.bool_]
    column: int = 0


def rehearse(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """A step with a few examples and an evaluation, on copies of the weights; a ValueError where torch.func cannot."""
    if is_plain_relu(model):
        return
    own = next(model.parameters())
    weights = {name: w[None].clone() for name, w in weights_of(model).items()}
    velocity = {name: torch.zeros_like(w) for name, w in weights.items()}
    x, y = x.to(own.device, own.dtype), y.to(own.device)
    with torch.no_grad(), differentiated("for one replica beside the other, by torch.func.vmap"):
        descend_by_autograd(model)(weights, velocity, x[None, None], y[None, None], own.new_ones(1, 1, len(y)), 0.0)
        evaluate(model, weights, x, y)


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
    replicas, names = len(group.streams), len(MEASURES) + len(measures)
    state = State(np.full((names, replicas, len(marks)), np.nan), np.ones(replicas, dtype=bool))
    scalars = group.motion.numbers()
    if kept is not None and (found := kept(_flat(group, state))) is not None:
        state = _restored(group, state, found)
    if 0 < state.column < len(marks):
        _draw_again([*group.streams, scalars], marks[state.column - 1] * group.substeps, stop)
    with torch.no_grad():
        while state.column < len(marks) and not stop.is_set():
            done = marks[state.column - 1] if state.column else 0
            if not _advance(group, scalars, marks[state.column] - done, stop):
                break
            _measure(group, state, measures)
            state.column = state.column + 1 if state.alive.any() else len(marks)
            if keep is not None and (state.column == len(marks) or state.column % keep_every == 0):
                keep(_flat(group, state))
    return state.values


def _advance(group: Group, scalars: Iterator[Any], updates: int, stop: Event) -> bool:
    """Take the steps of `updates` updates; False when it was stopped before the end."""
    data, weights, motion = group.data, group.weights, group.motion
    device, dtype = data.x_train.device, data.x_train.dtype
    x, y = data.x_train.flatten(0, -2), data.y_train.flatten()
    n = data.y_train.shape[-1]
    offsets = np.arange(len(group.streams))[:, None, None] * n if data.y_train.ndim == 2 else 0
    for indices, coefficients, numbers in _chunks(group.streams, scalars, updates * group.substeps, group.numbers):
        weighted = torch.from_numpy(coefficients).to(device, dtype)
        picked = None if indices is None else torch.from_numpy(indices + offsets).to(device)
        k = 1 if picked is None else motion.together(picked.shape[-1])
        for t in range(0, weighted.shape[1], k):
            if stop.is_set():
                return False
            if picked is None:
                motion.all(weights, data.x_train, data.y_train, weighted[:, t], numbers)
            else:
                index = picked[:, t : t + k]
                motion.some(weights, x[index], y[index], weighted[:, t : t + k], numbers)
    return True


def _chunks(
    streams: list[Steps], scalars: Iterator[Any], steps: int, numbers: int
) -> Iterator[tuple[NDArray[np.int64] | None, NDArray[np.float64], Any]]:
    """The next `steps` of all streams, in pieces (R, k, n) of equally many examples and equal scalars, that fit."""
    while steps:
        size = min(steps, 1 + INDEX_CHUNK // (len(streams) * numbers))
        drawn = zip(*(islice(each, size) for each in (*streams, scalars)), strict=True)
        for (_, own), alike in groupby(drawn, key=lambda step: (len(step[0][1]), step[-1])):
            together = list(alike)
            indices = None
            if together[0][0][0] is not None:
                indices = np.stack([np.stack([step[r][0] for step in together]) for r in range(len(streams))])
            yield indices, np.stack([np.stack([step[r][1] for step in together]) for r in range(len(streams))]), own
        steps -= size


def _draw_again(streams: list[Iterator[Any]], steps: int, stop: Event) -> None:
    """Bring the streams to where they were after `steps`: a hundredth of the time that those took, or less."""
    for stream in streams:
        for step, _ in enumerate(islice(stream, steps)):
            if step % LOOK == 0 and stop.is_set():
                return


def _measure(group: Group, state: State, measures: Mapping[str, Measure]) -> None:
    """Fill the column of the next mark."""
    data, weights = group.data, group.weights
    test = evaluate(group.model, weights, data.x_test, data.y_test)
    training = evaluate(group.model, weights, data.x_train, data.y_train)
    row = torch.stack([test[1], test[0], training[1], training[0], weight_norm(weights)])
    state.alive &= (finite(weights) & torch.isfinite(row).all(0)).cpu().numpy()
    state.values[: len(MEASURES), state.alive, state.column] = row.cpu().numpy()[:, state.alive]
    for place, (name, function) in enumerate(measures.items(), len(MEASURES)):
        for r in np.flatnonzero(state.alive):
            # Copies: whatever the function does, the run stays, and so do other replicas' measures.
            own = {key: w[r].clone() for key, w in weights.items()}
            x, y = ((part[r] if data.y_train.ndim == 2 else part).clone() for part in (data.x_train, data.y_train))
            with torch.enable_grad():
                found = function(own, x, y)
            try:
                state.values[place, r, state.column] = float(found)
            except (TypeError, ValueError, RuntimeError):
                raise ValueError(f"measures[{name!r}] must return a number, got {found!r}") from None


def _flat(group: Group, state: State) -> Arrays:
    """The state as plain arrays."""
    tensors = {f"weights/{name}": w for name, w in group.weights.items()}
    tensors |= {f"{kind}/{name}": v for kind, of in group.motion.state.items() for name, v in of.items()}
    arrays: dict[str, NDArray[np.generic]] = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    arrays |= {f"carried/{name}": np.array(value) for name, value in group.motion.carried.items()}
    return arrays | {"values": state.values, "alive": state.alive, "marks": np.array(state.column)}


def _restored(group: Group, state: State, kept: Arrays) -> State:
    """The state that was kept; the group's weights, and what moves them, are set to it."""
    for kind, tensors in {"weights": group.weights, **group.motion.state}.items():
        for name, tensor in tensors.items():
            tensor.copy_(torch.from_numpy(kept[f"{kind}/{name}"]))
    group.motion.carried = {name: float(kept[f"carried/{name}"]) for name in group.motion.carried}
    return State(kept["values"].astype(np.float64), kept["alive"].astype(np.bool_), int(kept["marks"]))
