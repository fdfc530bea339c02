"""What networks are asked along training, beside their losses: sharpness, and accuracy on some of the examples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sgdsde.models.measures import Measure
from sgdsde.models.mlp_curvature import hidden_and_logits as logits
from sgdsde.models.mlp_curvature import mlp_hessian_trace as hessian_trace
from sgdsde.models.mlp_curvature import mlp_largest_curvature as largest_eigenvalue
from sgdsde.models.networks import Weights

__all__ = ["accuracy_on", "hessian_trace", "largest_eigenvalue", "largest_near", "logits"]


def largest_near(level: float, factor: float) -> Measure:
    """`largest_eigenvalue` where the training loss is within a factor of `level`, NaN elsewhere: it is not cheap."""

    def measure(weights: Weights, x: Tensor, y: Tensor) -> float:
        loss = torch.nn.functional.cross_entropy(logits(weights, x)[1], y).item()
        inside = abs(math.log(loss / level)) <= math.log(factor)
        return largest_eigenvalue(weights, x, y) if inside else math.nan

    return measure


def accuracy_on(first: int) -> Measure:
    """A measure: accuracy on the `first` training examples, NaN where there are none."""

    def measure(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
        return (logits(weights, x[:first])[1].argmax(1) == y[:first]).double().mean()

    return measure
