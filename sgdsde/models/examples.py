"""The training examples that every front door of networks takes, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from sgdsde.data.dataset import Dataset
from sgdsde.data.examples import checked_inputs
from sgdsde.models.losses import Loss

Batch: TypeAlias = tuple[Tensor, Tensor]
Data: TypeAlias = Dataset | tuple[ArrayLike | Tensor, ArrayLike | Tensor] | Sequence[Batch]
#: Examples that go through a network at once.
BATCH = 1000
#: A pair.
TWO = 2


def batches_of(data: Data, loss: Loss) -> list[Batch]:
    """Finite inputs (n, …) and what a loss takes for targets, as tensors of our own, in batches; else a ValueError.

    A Dataset and a pair (inputs, targets) are cut into batches of at most `BATCH`; a sequence of such pairs of tensors
    stays as it is cut.

    >>> from sgdsde.models.losses import LOSSES
    >>> loss = LOSSES["cross_entropy"]
    >>> [len(y) for _, y in batches_of((torch.zeros(1200, 3), [0] * 1200), loss)]
    [1000, 200]
    >>> two = [(torch.zeros(2, 3), torch.zeros(2)), (torch.zeros(1, 3), torch.ones(1))]
    >>> [len(y) for _, y in batches_of(two, loss)]
    [2, 1]
    """
    if isinstance(data, Dataset):
        y = loss.targets("y_train", data.y_train, data.n_train)
        return _cut(torch.tensor(data.x_train), torch.tensor(y))
    if isinstance(data, (tuple, list)) and data and all(_is_batch(each) for each in data):
        return [_pair(f"data[{k}]", x, y, loss) for k, (x, y) in enumerate(data)]
    if isinstance(data, (tuple, list)) and len(data) == TWO and not any(isinstance(each, Dataset) for each in data):
        return _cut(*_pair("data", data[0], data[1], loss))
    raise ValueError(
        "data must be a Dataset, a pair (inputs, targets) or a sequence of such pairs of tensors, got "
        f"{described(data)}"
    )


def described(data: object) -> str:
    """What somebody handed in for data, in a few words.

    >>> described([1, 2]), described(torch.zeros(3, 2))
    ('a list of int', 'a Tensor (3, 2)')
    """
    kind = type(data).__name__
    if isinstance(data, (tuple, list)):
        return (
            f"a {kind} of {', '.join(sorted({type(each).__name__ for each in data}))}" if data else f"an empty {kind}"
        )
    shape = getattr(data, "shape", None)
    return f"a {kind} {tuple(shape)}" if isinstance(shape, tuple) else f"a {kind}"


def _is_batch(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == TWO and all(isinstance(each, Tensor) for each in value)


def _pair(name: str, x: Any, y: Any, loss: Loss) -> Batch:
    """A copy, so that F and H stay what they are when the caller's tensors change."""
    inputs = checked_inputs(f"{name}[0], the inputs,", x)
    targets = loss.targets(f"{name}[1], the targets,", y, len(inputs))
    return torch.tensor(inputs), torch.tensor(targets)


def _cut(x: Tensor, y: Tensor) -> list[Batch]:
    return list(zip(torch.split(x, BATCH), torch.split(y, BATCH), strict=True))
