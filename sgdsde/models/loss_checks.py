"""Whether a loss fits a network and its examples, and is one of single examples: found out before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import grad, vmap

from sgdsde.models.losses import LOSSES, Loss, Shape, with_n
from sgdsde.models.network_checks import TRIED, first_line, same
from sgdsde.models.randomness import kept_generators, random_state


def check_loss(loss: Loss, network: nn.Module, outputs: Shape, x: Tensor, y: NDArray[Any], data: str = "data") -> None:
    """ValueError unless `loss` fits outputs of this shape and the targets of all examples, each by itself.

    A function of a user's is tried on the network's outputs for a few examples, from the first to the last. One that
    ties examples together is found by losses of each alone that differ from those in a batch; one that is random by
    torch's generator or by two calls that differ. A way to hide from all of these can be thought of.

    >>> from sgdsde.models.losses import checked_loss
    >>> mean = checked_loss(nn.MSELoss())
    >>> check_loss(mean, nn.Linear(2, 1), (3, 1), torch.eye(3, 2), np.ones((3, 1)))
    Traceback (most recent call last):
    ValueError: loss must give a number for each example, (3,), got (): without a mean, as by reduction='none'
    """
    loss.check_outputs(outputs, y, data)
    if loss in LOSSES.values():
        return
    few = np.unique(np.linspace(0, len(y) - 1, TRIED).astype(int))
    own = next(network.parameters())
    with kept_generators(own), torch.no_grad():
        found = network(as_input(x[few], own))
        _try(loss, found, as_input(torch.from_numpy(y[few]), own))


def as_input(values: Tensor, like: Tensor) -> Tensor:
    """On the device of `like`; of its type too, but whole numbers stay whole."""
    return values.to(like.device, like.dtype if values.is_floating_point() else values.dtype)


def _try(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    given = targets.clone()
    drawn = random_state(outputs)
    with torch.enable_grad():
        losses = _called(loss, outputs.clone().requires_grad_(), given)
        if not same(given, targets):
            raise ValueError("loss must leave its targets as they are, they changed")
        again = _called(loss, outputs.clone().requires_grad_(), given)
    if not torch.equal(drawn, random_state(outputs)) or not same(losses, again):
        raise ValueError("loss must be the same for the same outputs and targets, and draw no random numbers")
    if not losses.requires_grad:
        raise ValueError("loss must be differentiable by the outputs, got detached numbers")
    rounding = torch.finfo(losses.dtype).eps
    size = float(losses.detach().abs().max())
    for row in range(len(outputs)):
        alone = float(_called(loss, outputs[row : row + 1].clone(), given[row : row + 1]))
        if abs(alone - float(losses[row])) > rounding**0.5 * size + 10 * rounding:
            raise ValueError(
                f"loss must be of each example by itself, but that of example {row} of {len(outputs)} depends on the "
                f"others: {alone:.6g} alone, {float(losses[row]):.6g} among them"
            )
    try:
        vmap(grad(lambda o, t: loss.per_example(o, t).sum()))(outputs[:, None], targets[:, None])
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(
            "loss must be one that torch can differentiate for one replica beside the other, by torch.func.vmap, torch "
            f"says: {first_line(error)}"
        ) from error


def _called(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """The losses (n,); ValueError when they are not."""
    n = len(outputs)
    try:
        losses = loss.per_example(outputs, targets)
    except Exception as error:  # whatever a user's function raises; it stays the cause
        raise ValueError(
            f"loss must accept outputs {with_n(tuple(outputs.shape))} and targets {with_n(tuple(targets.shape))} of "
            f"{str(targets.dtype).removeprefix('torch.')}: {type(error).__name__}: {first_line(error)}"
        ) from error
    shape = tuple(losses.shape) if isinstance(losses, Tensor) else None
    if shape != (n,) or not losses.is_floating_point():
        got = type(losses).__name__ if shape is None else str(losses.dtype) if shape == (n,) else str(shape)
        hint = ": without a mean, as by reduction='none'" if shape == () else ""
        hint = ": take the mean over the other axes, losses.flatten(1).mean(1)" if shape and len(shape) > 1 else hint
        raise ValueError(f"loss must give a number for each example, ({n},), got {got}{hint}")
    return losses
