"""Slope and curvature of the losses of single examples along a few directions in weight space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.func import functional_call, jvp

from sgdsde.models.example_losses import ExampleLosses
from sgdsde.models.examples import BATCH
from sgdsde.models.forward_mode import forward_mode
from sgdsde.models.network_checks import differentiated
from sgdsde.models.networks import Weights, own_copy, weights_of

Array = NDArray[np.float64]


def along_directions(losses: ExampleLosses, directions: ArrayLike) -> tuple[Array, Array]:
    """g_i·u and uᵀH_i u of every example along directions u, by two forward derivatives and no gradient.

    Parameters
    ----------
    losses : ExampleLosses
        Such as ``noise_covariance(model, data).losses``.
    directions : (P, k)
        As columns, in the order of ``model.parameters()``.

    Returns
    -------
    slopes, curvatures : ndarray, (N, k)

    Examples
    --------
    >>> from sgdsde.models import mlp, noise_covariance
    >>> F = noise_covariance(mlp(2, 1), ([[1.0, 2.0], [0.0, 1.0]], [[0.0], [1.0]]), loss="mse")
    >>> slopes, curvatures = along_directions(F.losses, np.eye(3)[:, :1])
    >>> curvatures[:, 0]                             # of (x·w + b − y)² along the first weight, 2x²
    array([2., 0.])
    """
    columns = losses.tensor(np.asarray(directions, np.float64)).T
    slopes, curvatures = [], []
    for column in columns:
        step = _named(column, losses.weights)
        parts = [_second(losses, step, start) for start in range(0, losses.n_examples, BATCH)]
        slopes.append(torch.cat([slope for slope, _ in parts]))
        curvatures.append(torch.cat([curvature for _, curvature in parts]))
    first, second = (torch.stack(each, dim=1).double().cpu().numpy() for each in (slopes, curvatures))
    return np.asarray(first), np.asarray(second)


def at_weights(model: nn.Module, weights: Mapping[str, ArrayLike | Tensor] | None) -> nn.Module:
    """A copy of the model with these weights, by name; ValueError where names or shapes are not the model's.

    >>> at_weights(nn.Linear(2, 1), {"weight": [[1.0, 2.0]], "bias": [0.5]}).bias.item()
    0.5
    """
    if weights is None:
        return model
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {model!r}")
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights must be a mapping from names to tensors, got {type(weights).__name__}")
    own = weights_of(model)
    given = {name: torch.as_tensor(values).detach() for name, values in weights.items() if name in own}
    for name, weight in own.items():
        if name not in given:
            raise ValueError(f"weights must have {name!r} of the model, got {', '.join(map(str, weights)) or 'none'}")
        if given[name].shape != weight.shape:
            shape, found = tuple(weight.shape), tuple(given[name].shape)
            raise ValueError(f"weights[{name!r}] must have the model's shape {shape}, got {found}")
    network = own_copy(model)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(given[name])
    return network


def displaced(model: nn.Module, away: ArrayLike) -> nn.Module:
    """A copy of the model whose weights are moved by `away`, (P,), in the order of ``model.parameters()``.

    >>> model = nn.Linear(1, 1)
    >>> round((displaced(model, [1.0, 0.0]).weight - model.weight).item(), 6)
    1.0
    """
    network = own_copy(model)
    vector = torch.as_tensor(np.asarray(away, np.float64))
    with torch.no_grad():
        for parameter, part in zip(
            network.parameters(), torch.split(vector, [p.numel() for p in network.parameters()]), strict=True
        ):
            parameter.add_(part.reshape(parameter.shape).to(parameter))
    return network


def _second(losses: ExampleLosses, step: Weights, start: int) -> tuple[Tensor, Tensor]:
    x, y = losses.x[start : start + BATCH], losses.y[start : start + BATCH]

    def loss(at: Weights) -> Tensor:
        return losses.loss.per_example(functional_call(losses.network, at, (x,)), y)

    def slope(at: Weights) -> Tensor:
        found: Tensor = jvp(loss, (at,), (step,))[1]
        return found

    with forward_mode(), differentiated("forward twice, by torch.func.jvp"):
        first, second = jvp(slope, (losses.weights,), (step,))[:2]
    return first.detach(), second.detach()


def _named(vector: Tensor, weights: Weights) -> Weights:
    pieces = torch.split(vector, [w.numel() for w in weights.values()])
    return {name: piece.reshape(w.shape) for (name, w), piece in zip(weights.items(), pieces, strict=True)}
