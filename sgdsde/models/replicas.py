"""R replicas of a network as stacked tensors, the examples they see, and how well they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sgdsde.data.dataset import Dataset
from sgdsde.models.inputs import DenseInputs, Inputs, SparseInputs, by_columns
from sgdsde.models.losses import Loss
from sgdsde.models.networks import Weights


def stack(weights: Sequence[Weights], device: torch.device, dtype: torch.dtype) -> Weights:
    """Weights of R networks as one set of tensors with a leading axis of length R."""
    return {name: torch.stack([w[name] for w in weights]).to(device, dtype) for name in weights[0]}


@dataclass(frozen=True)
class Part:
    """Examples of R replicas on the device: one set for all, x (n, …) and y (n, …), or each its `own`, (R, n, …).

    `sparse` are the same inputs where that is of use: of one replica, whose first matrix is then kept by columns.
    """

    x: Tensor
    y: Tensor
    own: bool = False
    sparse: SparseInputs | None = None

    def __len__(self) -> int:
        """n."""
        return self.y.shape[int(self.own)]

    @property
    def axis(self) -> int | None:
        """The axis of the replicas, as torch.func.vmap takes it: None where all have the same examples."""
        return 0 if self.own else None

    def rows(self, which: slice) -> Part:
        """Some examples of every replica."""
        x, y = (self.x[:, which], self.y[:, which]) if self.own else (self.x[which], self.y[which])
        return Part(x, y, self.own, None if self.sparse is None else self.sparse[which])

    def inputs(self, replicas: int) -> Inputs:
        """What the first layer is given: (R, n, D)."""
        return self.sparse or DenseInputs(self.of_each(replicas)[0])

    def laid_out(self, weights: Weights) -> Weights:
        """The weights as products with these inputs want them in memory."""
        first = next(iter(weights))
        return weights if self.sparse is None else {**weights, first: by_columns(weights[first])}

    def of_each(self, replicas: int) -> tuple[Tensor, Tensor]:
        """(R, n, …), without a copy where one set is for all."""
        if self.own:
            return self.x, self.y
        return self.x.expand(replicas, *self.x.shape), self.y.expand(replicas, *self.y.shape)

    def of(self, replica: int) -> tuple[Tensor, Tensor]:
        """All examples of one."""
        return (self.x[replica], self.y[replica]) if self.own else (self.x, self.y)

    def in_a_row(self) -> tuple[Tensor, Tensor]:
        """The examples of all replicas, one set after the other."""
        return (self.x.flatten(0, 1), self.y.flatten(0, 1)) if self.own else (self.x, self.y)


def evaluate(
    model: nn.Module, weights: Weights, examples: Part, loss: Loss, chunk: int = 2500
) -> tuple[Tensor, Tensor | None]:
    """Mean loss and accuracy of R replicas, each (R,), float64; no accuracy where there are no classes."""
    by_network = vmap(lambda w, inputs: functional_call(model, w, (inputs,)), in_dims=(0, examples.axis))
    total, right = [], []
    for start in range(0, len(examples), chunk):
        some = examples.rows(slice(start, start + chunk))
        outputs = by_network(weights, some.x) if some.sparse is None else relu_outputs(weights, some.sparse)
        targets = some.of_each(len(outputs))[1].flatten(0, 1)
        flat, shape = outputs.flatten(0, 1), outputs.shape[:2]  # of single examples, whichever replica they are of
        total.append(loss.per_example(flat, targets).reshape(shape).sum(1, dtype=torch.float64))
        if loss.right is not None:
            right.append(loss.right(flat, targets).reshape(shape).sum(1, dtype=torch.float64))
    mean = torch.stack(total).sum(0) / len(examples)
    return mean, torch.stack(right).sum(0) / len(examples) if right else None


def relu_outputs(weights: Weights, inputs: Inputs) -> Tensor:
    """Outputs (R, n, classes) of a network of layers with ReLUs between, by its weights in their order."""
    layers = list(weights.values())
    found = inputs.times(layers[0]).add_(layers[1][:, None])
    for matrix, bias in zip(layers[2::2], layers[3::2], strict=True):
        found = torch.baddbmm(bias[:, None], found.relu_(), matrix.mT)
    return found


def finite(weights: Weights) -> Tensor:
    """Which of R replicas have only finite weights, (R,)."""
    return torch.stack([torch.isfinite(w).reshape(len(w), -1).all(1) for w in weights.values()]).all(0)


def weight_norm(weights: Weights) -> Tensor:
    """Euclidean norm of all weights of each of R replicas, (R,), float64."""
    return torch.stack([w.reshape(len(w), -1).double().square().sum(1) for w in weights.values()]).sum(0).sqrt()


@dataclass(frozen=True)
class Examples:
    """The data of a group of replicas on the device."""

    train: Part
    test: Part

    @classmethod
    def of(cls, sets: Sequence[Dataset], device: torch.device, dtype: torch.dtype, *, sparse: bool = False) -> Examples:
        """Stack the sets; where all replicas share a part, keep one copy.

        `sparse`: for a network that goes by hand, of one replica at a time on a CPU, where most of the inputs are 0.
        """

        def part(name: str) -> Part:
            pairs = [(getattr(d, f"x_{name}"), getattr(d, f"y_{name}")) for d in sets]
            first = pairs[0]
            same = all(a is b or np.array_equal(a, b) for pair in pairs for a, b in zip(pair, first, strict=True))
            x, y = first if same else (np.stack(arrays) for arrays in zip(*pairs, strict=True))
            kind = dtype if y.dtype.kind == "f" else torch.int64
            return Part(
                torch.tensor(x, dtype=dtype, device=device), torch.tensor(y, dtype=kind, device=device), not same
            )

        parts = part("train"), part("test")
        few = [SparseInputs.of(each.x.flatten(0, -2)) for each in parts] if sparse else [None, None]
        if None in few:  # weights are in memory in one way
            return cls(*parts)
        return cls(*(replace(each, sparse=own) for each, own in zip(parts, few, strict=True)))
