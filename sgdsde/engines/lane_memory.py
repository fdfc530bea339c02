"""Memory that a thread of the CPU engine lends to its kernel."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines.lane_kernel import drawn
from sgdsde.engines.lanes import LANES, scratch_size
from sgdsde.engines.noise import ExampleBatches, LevyAreas, Noise, Tabulated
from sgdsde.engines.registry import Plan


class Memory:
    """What a thread's kernel calls need beside the states: room for noise, and the numbers that describe it."""

    def __init__(self, sources: Sequence[Noise]) -> None:
        batches = next((s for s in sources if isinstance(s, ExampleBatches)), None)
        areas = next((s for s in sources if isinstance(s, LevyAreas)), None)
        picks = batches.most_picks if batches else 0
        steps, draws = batches.layout(picks) if batches and picks else (1, 0)
        area_draws = -(-areas.normals // 4) if areas else 0
        most = max([draws, area_draws, *(one.rows for one in drawn(sources))])
        table = np.ascontiguousarray(batches.table.T) if batches else np.zeros((1, 1))
        z = np.empty(max(1, sum(one.rows for one in drawn(sources))) * LANES)
        words = np.empty(4 * most * LANES, np.uint32)
        scratch = np.zeros(scratch_size(batches.sampling, table.shape[1]) if batches else 1, np.uint32)
        normals = np.empty(max(4 * area_draws, 1) * LANES)
        self.given = next((s for s in sources if isinstance(s, Tabulated)), None)
        sizes = _sizes(batches) if batches and batches.scheduled else np.empty(1, np.int64)
        weight = batches.weight(batches.size(0)) if batches else 0.0
        self._arrays = table, z, words, scratch, normals, sizes  # the addresses below are theirs
        self.batches = sizes.ctypes.data, picks, weight, steps, draws
        self.table = table.ctypes.data, table.shape[1], *self.batches
        self.rooms = z.ctypes.data, words.ctypes.data, words.size, scratch.ctypes.data, scratch.size
        self.areas = normals.ctypes.data, areas.terms if areas else 0, area_draws

    def rows(self, plan: Plan, begin: int, end: int, first_block: int, last_block: int) -> NDArray[np.float64]:
        """Numbers given for steps begin … end, (blocks, steps, numbers, LANES), zero for lanes without a path."""
        if self.given is None:
            return np.empty(1)
        first, last = first_block * LANES, min(last_block * LANES, plan.paths)
        found = self.given.rows(begin * plan.substeps, end * plan.substeps, first, last)
        padded = np.zeros((*found.shape[:2], (last_block - first_block) * LANES))
        padded[:, :, : last - first] = found
        by_block = padded.reshape(*found.shape[:2], -1, LANES).transpose(2, 0, 1, 3)
        return np.ascontiguousarray(by_block)


def _sizes(batches: ExampleBatches) -> NDArray[np.int64]:
    """(steps, 3): picks, B, and how many examples of the epoch were dealt before, for each step of a schedule."""
    sizes = np.asarray(batches.batch_size, np.int64)
    distinct, place = np.unique(sizes, return_inverse=True)
    picks = np.array([batches.picks(int(size)) for size in distinct])[place]
    return np.ascontiguousarray(np.stack([picks, sizes, batches.firsts], axis=1))


def available_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
