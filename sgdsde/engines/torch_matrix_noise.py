"""Noise of whole vectors on tensors: the numbers of `sgdsde.engines.noise`, made for steps of hundreds of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, Noise, OwnExamples
from sgdsde.engines.normal_table import normal_table
from sgdsde.engines.philox import layout
from sgdsde.engines.torch_noise import TensorNoise, picks_of

#: Normals that are made at a time: a megabyte.
_TOGETHER = 2**17


def vector_noise(
    noise: Noise, seed: int, paths: int, device: torch.device, steps: int, first: int
) -> Callable[[int], Tensor]:
    """Step → (numbers, paths) of one source, steps asked for in order; of `OwnExamples` the picks (B, paths).

    Paths are `first`, first + 1, ….
    """
    source = TensorNoise(noise, seed, paths, device, steps, first)
    return _MADE.get((type(noise), device.type), _MADE.get((type(noise), ""), _as_it_is))(source, noise)


def _as_it_is(source: TensorNoise, noise: Any) -> Callable[[int], Tensor]:
    return source


def _normals(source: TensorNoise, noise: GaussianIncrements) -> Callable[[int], Tensor]:
    """On the CPU from the kernel that fills tables."""
    count, paths = noise.numbers, len(source.paths)
    unit = layout(count)[0]
    ahead = max(1, _TOGETHER // (unit * count * paths)) * unit
    kept: list[Any] = [0, np.empty((0, count, paths))]

    def at(step: int) -> Tensor:
        if not kept[0] <= step < kept[0] + len(kept[1]):
            begin = step // unit * unit
            end = begin + ahead if source.steps is None else min(begin + ahead, source.steps)
            last = source.first + paths
            kept[:] = begin, normal_table(source.seed, noise.stream, count, begin, end, source.first, last)
        return torch.from_numpy(kept[1][step - kept[0]])

    return at


def _batch_means(source: TensorNoise, noise: ExampleBatches) -> Callable[[int], Tensor]:
    """Rows of the table summed up, as they lie in memory."""
    table = torch.as_tensor(noise.table, device=source.device)

    def at(step: int) -> Tensor:
        size = noise.size(step)
        if not noise.picks(size):
            return torch.zeros((noise.numbers, len(source.paths)), dtype=table.dtype, device=source.device)
        picks = picks_of(source, noise, step).T.contiguous()
        return torch.nn.functional.embedding_bag(picks, table, mode="sum").mul_(noise.weight(size)).T

    return at


def _picks(source: TensorNoise, noise: OwnExamples) -> Callable[[int], Tensor]:
    return lambda step: picks_of(source, noise, step).long()


_MADE: dict[tuple[type, str], Callable[[TensorNoise, Any], Callable[[int], Tensor]]] = {
    (GaussianIncrements, "cpu"): _normals,
    (ExampleBatches, ""): _batch_means,
    (OwnExamples, ""): _picks,
}
