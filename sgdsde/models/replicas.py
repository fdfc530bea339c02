"""R replicas of a network as stacked tensors, the examples they see, and how well they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

from sgdsde.data.dataset import Dataset
from sgdsde.models.networks import Weights


def stack(weights: Sequence[Weights], device: torch.device, dtype: torch.dtype) -> Weights:
    """Weights of R networks as one set of tensors with a leading axis of length R."""
    return {name: torch.stack([w[name] for w in weights]).to(device, dtype) for name in weights[0]}


def evaluate(model: nn.Module, weights: Weights, x: Tensor, y: Tensor, chunk: int = 2500) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy of R replicas, each (R,), float64; `x`, `y` are shared or (R, n, …)."""
    loss = accuracy = torch.zeros((), dtype=torch.float64, device=y.device)
    forward = vmap(lambda w, inputs: functional_call(model, w, (inputs,)), in_dims=(0, 0 if y.ndim == 2 else None))
    for start in range(0, y.shape[-1], chunk):
        part = slice(start, start + chunk)
        logits, labels = forward(weights, x[..., part, :]), y[..., part]
        labels = labels.expand(logits.shape[:2])
        loss = loss + cross_entropy(logits.mT, labels, reduction="none").sum(1, dtype=torch.float64)
        accuracy = accuracy + (logits.argmax(-1) == labels).sum(1, dtype=torch.float64)
    return loss / y.shape[-1], accuracy / y.shape[-1]


def finite(weights: Weights) -> Tensor:
    """Which of R replicas have only finite weights, (R,)."""
    return torch.stack([torch.isfinite(w).flatten(1).all(1) for w in weights.values()]).all(0)


def weight_norm(weights: Weights) -> Tensor:
    """Euclidean norm of all weights of each of R replicas, (R,), float64."""
    return torch.stack([w.flatten(1).double().square().sum(1) for w in weights.values()]).sum(0).sqrt()


@dataclass(frozen=True)
class Examples:
    """The data of a block of replicas on the device: one set for all, or one for each along a leading axis."""

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor

    @classmethod
    def of(cls, sets: Sequence[Dataset], device: torch.device, dtype: torch.dtype) -> Examples:
        """Stack the sets; where all replicas share an array, keep one copy."""

        def tensor(name: str, dtype: torch.dtype) -> Tensor:
            arrays = [getattr(d, name) for d in sets]
            same = all(a is arrays[0] or np.array_equal(a, arrays[0]) for a in arrays)
            return torch.tensor(arrays[0] if same else np.stack(arrays), dtype=dtype, device=device)

        x_train, x_test = tensor("x_train", dtype), tensor("x_test", dtype)
        return cls(x_train, tensor("y_train", torch.int64), x_test, tensor("y_test", torch.int64))
