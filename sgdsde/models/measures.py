"""What is measured of replicas while they are trained: always, by functions of a user's, and of averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.models.losses import Loss
from sgdsde.models.networks import Weights
from sgdsde.models.replicas import Examples, evaluate, weight_norm

#: (weights of one network, training inputs (N, …), targets (N, …)) → a number.
Measure: TypeAlias = Callable[[Weights, Tensor, Tensor], float | Tensor]
#: Parts of the data in the order in which they are measured, and what they are.
PARTS = {"test": "the whole test set", "train": "the whole training set"}
#: Before the names of what is measured of averaged weights.
AVERAGED = "ema_"


def standard_names(loss: Loss) -> dict[str, str]:
    """What is measured whatever else is, in this order, and what it is; accuracy only where there are classes.

    >>> from sgdsde.models.losses import checked_loss
    >>> list(standard_names(checked_loss("mse")))
    ['test_loss', 'train_loss', 'weight_norm']
    """
    names = {}
    for part, text in PARTS.items():
        if loss.right is not None:
            names[f"{part}_accuracy"] = f"accuracy on {text}"
        names[f"{part}_loss"] = f"mean {loss.title} on {text}{', L' if part == 'train' else ''}"
    return names | {"weight_norm": "Euclidean norm of all weights, |ω|"}


def all_names(loss: Loss, own: Iterable[str], averaged: bool) -> dict[str, str]:
    """Names of all measures, in their order, and what they are; `averaged`: those of averaged weights too."""
    names = standard_names(loss) | {name: name for name in own}
    of_average = {AVERAGED + name: f"{text}, of the averaged weights" for name, text in names.items()}
    return names | (of_average if averaged else {})


def standard_measures(model: nn.Module, weights: Weights, data: Examples, loss: Loss) -> Tensor:
    """What `standard_names` names, (names, R), float64."""
    rows = []
    for part in PARTS:
        mean, accuracy = evaluate(model, weights, getattr(data, part), loss)
        rows += [mean] if accuracy is None else [accuracy, mean]
    return torch.stack([*rows, weight_norm(weights)])


def own_measures(
    weights: Weights, data: Examples, measures: Mapping[str, Measure], alive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """What a user's functions find of the replicas that are alive, (names, R), NaN for others."""
    values = np.full((len(measures), len(alive)), np.nan)
    for row, (name, function) in zip(values, measures.items(), strict=True):
        for r in np.flatnonzero(alive):
            # Copies: whatever the function does, the run stays, and so do other replicas' measures.
            own = {key: w[r].clone() for key, w in weights.items()}
            x, y = (part.clone() for part in data.train.of(int(r)))
            with torch.enable_grad():
                found = function(own, x, y)
            try:
                row[r] = float(found)
            except (TypeError, ValueError, RuntimeError):
                raise ValueError(f"measures[{name!r}] must return a number, got {found!r}") from None
    return values
