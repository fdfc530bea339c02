"""R replicas of a network as stacked tensors: outputs, losses, and the update v ← m v − Σ a_i ∇C_i, ω ← ω + v."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from sgdsde.data.dataset import Dataset
from sgdsde.models.networks import Weights, weights_of

#: (weights, velocity, inputs (R, n, …), labels (R, n), coefficients a (R, n), m): changes the first two in place.
Update = Callable[[Weights, Weights, Tensor, Tensor, Tensor, float], None]


def stack(weights: Sequence[Weights], device: torch.device, dtype: torch.dtype) -> Weights:
    """Weights of R networks as one set of tensors with a leading axis of length R."""
    return {name: torch.stack([w[name] for w in weights]).to(device, dtype) for name in weights[0]}


def update_of(model: nn.Module) -> Update:
    """The fastest update for `model`: by hand for Linear–ReLU–…–Linear, by torch.func for any other.

    By hand, the gradient is never stored: its matrix product adds to the velocity in place. Twice as fast at small B.
    """
    layers = list(model) if type(model) is nn.Sequential else []
    hand = (
        len(layers) % 2 == 1
        and all(type(layer) is (nn.Linear, nn.ReLU)[i % 2] for i, layer in enumerate(layers))
        and list(weights_of(model)) == [f"{i}.{kind}" for i in range(0, len(layers), 2) for kind in ("weight", "bias")]
    )
    return _update_by_hand if hand else _update_by_autograd(model)


def _update_by_autograd(model: nn.Module) -> Update:
    def weighted_loss(weights: Weights, x: Tensor, y: Tensor, a: Tensor) -> Tensor:
        return (a * cross_entropy(functional_call(model, weights, (x,)), y, reduction="none")).sum()

    gradients = vmap(grad(weighted_loss), randomness="error")

    def update(weights: Weights, velocity: Weights, x: Tensor, y: Tensor, a: Tensor, momentum: float) -> None:
        for name, gradient in gradients(weights, x, y, a).items():
            velocity[name].mul_(momentum).sub_(gradient)
            weights[name].add_(velocity[name])

    return update


def _update_by_hand(weights: Weights, velocity: Weights, x: Tensor, y: Tensor, a: Tensor, momentum: float) -> None:
    matrices, biases = list(weights)[0::2], list(weights)[1::2]
    activations = [x]
    for matrix, bias in zip(matrices, biases, strict=True):
        linear = torch.baddbmm(weights[bias][:, None], activations[-1], weights[matrix].mT)
        activations.append(linear if matrix == matrices[-1] else linear.relu_())
    delta = torch.softmax(activations.pop(), -1)  # of the weighted loss, with respect to the logits: a (p − 1_y)
    delta.scatter_add_(-1, y[..., None], delta.new_full((1, 1, 1), -1).expand(*y.shape, 1))
    delta *= a[..., None]
    for matrix, bias, inputs in zip(matrices[::-1], biases[::-1], activations[::-1], strict=True):
        upstream = torch.bmm(delta, weights[matrix]).mul_(inputs > 0) if inputs is not x else delta
        velocity[matrix].baddbmm_(delta.mT, inputs, beta=momentum, alpha=-1)
        velocity[bias].mul_(momentum).sub_(delta.sum(1))
        delta = upstream
    for name in weights:
        weights[name].add_(velocity[name])


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
