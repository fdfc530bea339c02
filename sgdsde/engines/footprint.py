"""The memory that a run will take, before it is made: what grows with paths, snapshots and examples."""

from __future__ import annotations

from collections.abc import Sequence

from sgdsde.engines.lanes import LANES
from sgdsde.engines.moment_groups import group_edges
from sgdsde.engines.noise import ExampleBatches, Noise
from sgdsde.engines.observers import COUNTS

_NUMBER = 8  # bytes
_SHARED = 2**12  # paths from which on torch takes them in shares


def paths_size(d: int, state: int, regions: int, paths: int, observed: int = 0) -> int:
    """Bytes of states, moments and `observed` more sums, at their peak; of `state` components `d` have moments."""
    pairs = d * (d + 1) // 2
    rows = 3 * state + 3 * d + 3 + d * d if regions else 4 * state + 4 * d + 4 * pairs + d * d + 2 * observed
    return _NUMBER * rows * paths


def counts_size(engine: str, cells: int, paths: int, threads: int) -> int:
    """Bytes of the counts of histograms, of whole blocks of lanes on each thread, and of their sums over paths."""
    most = {"numba": LANES, "torch": max(1, COUNTS["cpu"] // (_NUMBER * max(1, cells)))}
    held = min(paths, threads * most.get(engine, paths))
    return _NUMBER * cells * (2 * held + 4)  # once more as doubles, of which the squares are


def grouped_size(d: int, state: int, regions: int, paths: int) -> int:
    """Bytes of states and moments of a run whose moments are summed over groups of paths."""
    groups = len(group_edges(d, paths)) - 1
    return _NUMBER * ((3 * state + 4 * d) * paths + 3 * groups * d * d)


def moments_size(d: int, paths: int, pooled: bool) -> int:
    """Bytes of the moments that an ensemble keeps, of each path or of groups of them."""
    return _NUMBER * (d + d * d) * (len(group_edges(d, paths)) - 1 if pooled else paths)


def saved_size(d: int, snapshots: int, paths: int) -> int:
    """Bytes of snapshots."""
    return _NUMBER * d * snapshots * paths


def copies(engine: str, paths: int, regions: int) -> int:
    """How often snapshots are there once states are gone: put together of shares, or taken out of whole lanes."""
    gaps = {"numba": bool(paths % LANES) and not regions, "torch": paths >= _SHARED}
    return 2 if gaps.get(engine) else 1


def batches_size(engine: str, noise: Sequence[Noise], paths: int, threads: int) -> int:
    """Bytes in which batches are drawn: the order of a shuffle, and what is picked. Torch bounds its own."""
    total = 0
    for one in noise:
        if not isinstance(one, ExampleBatches) or engine == "torch":
            continue
        order = len(one.table) if one.sampling == "reshuffle" else 0
        if engine == "numpy":
            total += _NUMBER * paths * (order + (2 + one.numbers) * one.most_picks)
        else:
            total += 4 * LANES * threads * (order + one.most_picks)
    return total
