"""Lengths of the gradients that a training loop has in its hands, whatever holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]
#: Numbers that BLAS is given at once: it counts them in 32 bits.
MOST = 2**28


def trained(model: Any) -> list[Tensor]:
    """The parameters that require gradients, of a module, of a sequence of them, or of an optimizer's groups.

    >>> len(trained(nn.Linear(2, 2))), len(trained([{"params": list(nn.Linear(2, 2).parameters())}]))
    (2, 2)
    """
    groups = list(model.parameters()) if isinstance(model, nn.Module) else model
    groups = list(groups) if isinstance(groups, Iterable) else [groups]
    found = [p for each in groups for p in (each["params"] if isinstance(each, dict) else [each])]
    if not all(isinstance(p, Tensor) and p.is_leaf for p in found):
        raise ValueError(f"model must be a torch.nn.Module, parameters or param_groups, got {type(model).__name__}")
    parameters = [p for p in dict.fromkeys(found) if p.requires_grad]
    if not parameters:
        raise ValueError("model must have parameters that require gradients, and it has none")
    return parameters


def squared(gradient: Tensor) -> Tensor:
    """|g|² of a gradient, dense or sparse, in single precision at least, left on its device.

    >>> squared(torch.tensor([3.0, 4.0]))
    tensor(25.)
    """
    values = (gradient.coalesce().values() if gradient.is_sparse else gradient).detach().flatten()
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    # Several times as fast as a norm.
    parts: list[Tensor] = [torch.vdot(part, part).real for part in torch.split(values, MOST)]
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum()


def total(squares: Sequence[Tensor]) -> Tensor:
    """The sum of numbers on any devices, on the first one's."""
    return torch.stack([each.to(squares[0]) for each in squares]).sum()


def over_ranks(sums: Array, group: Any) -> Array:
    """Sums over the micro-batches of all ranks, whose weights are divided by the number of ranks."""
    if group is None:
        return sums
    ranks = dist.get_world_size(group)
    tensor = torch.tensor(sums, device="cuda" if dist.get_backend(group) == "nccl" else "cpu")
    dist.all_reduce(tensor, group=group)
    return np.asarray(np.array(tensor.tolist()) / np.array([ranks, *[ranks**2] * 3]))
