"""The floor of an integrator: a kernel that draws the same normals and adds them. Nothing that uses them is faster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from sgdsde.engines.lane_math import wide_vectors
from sgdsde.engines.lane_noise import fill_normals, kernel
from sgdsde.engines.lanes import LANES
from sgdsde.engines.numba_lanes import available_cores
from sgdsde.engines.philox import layout

_SHARES_PER_THREAD = 4


@kernel
def draw_and_add(first, last, groups, draws, used):  # type: ignore[no-untyped-def]
    """Sum over the groups of a block's first `used` rows of normals, for blocks first … last − 1."""
    wide_vectors()  # type: ignore[call-arg]
    z, words, total = np.empty(4 * draws * LANES), np.empty(4 * draws * LANES, np.uint32), np.zeros(LANES)
    zero = np.uint64(0)
    for block in range(first, last):
        for group in range(groups):
            fill_normals(z, words, group, draws, block * LANES, zero, zero, zero)
            for row in range(used):
                rows = z[row * LANES : (row + 1) * LANES]
                for lane in range(LANES):
                    total[lane] += rows[lane]
    return total


def floor(numbers: int, paths: int, steps: int) -> list[Any]:
    """Draw and add what an engine draws for so many numbers a step: a draw's words left over are not added."""
    per_group, draws = layout(numbers)
    threads, blocks, groups = available_cores(), -(-paths // LANES), -(-steps // per_group)
    edges = np.linspace(0, blocks, min(blocks, _SHARES_PER_THREAD * threads) + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        return list(
            pool.map(
                lambda first, last: draw_and_add(first, last, groups, draws, per_group * numbers),
                edges[:-1],
                edges[1:],
            )
        )
