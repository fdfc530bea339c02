"""Torch's generators: whether something has drawn from them, and nothing that a check draws is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def kept_generators(near: Tensor) -> Iterator[None]:
    """The generators of the CPU and of the device of a tensor are afterwards as they were before."""
    place = torch.cuda.current_device() if near.device.index is None and near.is_cuda else near.device.index
    with torch.random.fork_rng([place] if near.is_cuda else []):
        yield


def random_state(near: Tensor) -> Tensor:
    """The states of the generators that functions of a tensor draw from by default, as one tensor of bytes."""
    own = torch.get_rng_state()
    return torch.cat([own, torch.cuda.get_rng_state(near.device)]) if near.is_cuda else own
