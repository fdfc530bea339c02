"""The CPU engine: paths are lanes of a block, the inner loops run over lanes, and LLVM vectorises the whole step.

A program becomes a small generated module with one kernel (`sgdsde.engines.lane_kernel`), whose machine code is kept on
disk. A block's state and observations live in one flat workspace of rows of `LANES` numbers at fixed offsets, so that
LLVM knows that they do not overlap. Threads are Python's: kernels release the GIL, run for a fraction of a second each,
and so can be interrupted.
"""

from __future__ import annotations

import functools
import operator
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines import numba_exits
from sgdsde.engines.lane_kernel import SIGNATURE, drawn, rows_of, source
from sgdsde.engines.lane_memory import Memory, available_cores
from sgdsde.engines.lanes import LANES
from sgdsde.engines.machine_code import load
from sgdsde.engines.noise import ExampleBatches, Tabulated
from sgdsde.engines.observers import Observed, Tally
from sgdsde.engines.philox import key_of
from sgdsde.engines.registry import Outcome, Plan, moments_from_sums

_SECONDS_PER_CALL = 0.1  # of one kernel call: the longest wait after Ctrl-C
_SHARES_PER_THREAD = 4  # of the blocks, so that threads which run slower take fewer
_GIVEN = 2**22  # most numbers of a table that a call is given
_FIRST = 2**21  # numbers that the first call draws, whose speed is not known: some milliseconds


def run(plan: Plan) -> Outcome:
    """Run the plan in float64 on all cores."""
    if plan.dtype != "float64" or plan.device not in (None, "cpu"):
        raise ValueError(
            f"engine 'numba' runs float64 on the cpu, got dtype {plan.dtype!r}, device {plan.device!r}; "
            f"engine 'torch' has a choice"
        )
    if plan.regions:
        return numba_exits.run(plan)
    d, size = plan.dimension, plan.state_dimension
    reference, sums, rows = rows_of(plan)
    blocks = -(-plan.paths // LANES)
    work = np.zeros((blocks, rows, LANES))
    padded = np.zeros((size, blocks * LANES))
    padded[:, : plan.paths] = plan.start
    padded[:, plan.paths :] = plan.start[:, :1]
    work[:, :size] = padded.reshape(size, blocks, LANES).transpose(1, 0, 2)
    saved = np.full((plan.snapshots, d, blocks * LANES), np.nan)
    if plan.save_every:
        saved[0] = padded[:d]
    tally = _advance(plan, work.reshape(blocks, -1), saved)

    def gather(first: int, count: int) -> NDArray[np.float64]:
        found = work[:, first : first + count].transpose(1, 0, 2).reshape(count, blocks * LANES)
        return found[:, : plan.paths]

    pairs, count = d * (d + 1) // 2, plan.updates - plan.burn_in
    first, second, more = gather(sums, d), gather(sums + d, pairs), gather(sums + d + pairs, rows - sums - d - pairs)
    mean, covariance = moments_from_sums(gather(reference, d), first, second, count)
    observed = Observed.from_sums(plan.observers, first, second, more, count, tally)
    states = gather(0, size).copy()
    return Outcome(states, mean, covariance, saved[:, :, : plan.paths].transpose(0, 2, 1), observed=observed)


def _advance(plan: Plan, work: NDArray[np.float64], saved: NDArray[np.float64]) -> Tally:
    """Run all updates, in calls short enough to interrupt; their lengths change nothing in the numbers.

    With histograms a thread takes one block at a time to its end, so that there are counts for as many blocks as
    threads only: what becomes of them are sums over paths.
    """
    call = load(source(plan), "advance", SIGNATURE)
    constants = np.ascontiguousarray(plan.constants if len(plan.constants) else (0.0,))
    taken = np.zeros(1, np.int64) if plan.rows is None else np.ascontiguousarray(plan.rows, np.int64)
    unit, most, whole, size = _unit(plan), _most(plan), _whole_epochs(plan), plan.state_dimension
    threads = min(len(work), available_cores())
    edges = np.linspace(0, len(work), min(len(work), _SHARES_PER_THREAD * threads) + 1).astype(int).tolist()
    cells, ranges = plan.observers.cells, np.array([*plan.observers.numbers(), 0.0])
    if cells:
        edges = list(range(len(work) + 1))
    reached, stop = [0.0] * (len(edges) - 1), threading.Event()
    tallies: list[Tally] = []
    rooms, lock = [max(unit, _FIRST // (LANES * _drawn_in(plan)))], threading.Lock()

    def run_call(memory: Memory, counts: NDArray[np.int64], first: int, last: int, begin: int, end: int) -> None:
        rows = memory.rows(plan, begin, end, first, last)
        call(
            *(first, last, begin, end, plan.substeps, plan.burn_in, plan.save_every or 0),
            *(work.ctypes.data, saved.ctypes.data, len(work) * LANES, constants.ctypes.data, taken.ctypes.data),
            *(plan.period, plan.per_row),
            *(*memory.table, *memory.rooms, *memory.areas, rows.ctypes.data, rows.size),
            *(ranges.ctypes.data, ranges.size, counts.ctypes.data, counts.size),
            *key_of(plan.seed),
        )

    def run_share(share: int) -> None:
        memory, last = Memory(plan.noise), edges[share + 1]
        counts = np.zeros((max(cells, 1), LANES), np.int64)
        begin, room = 0, min(most, rooms[0])  # blocks × updates of a call
        while begin < plan.updates and not stop.is_set():
            length, first = max(unit, room // (last - edges[share]) // unit * unit), edges[share]
            end = whole(min(begin + length, plan.updates))
            while first < last and not stop.is_set():  # a shuffle's memory is one block's until its epoch ends
                until, at = min(first + max(1, room // (end - begin)), last), begin
                while at < end and not stop.is_set():
                    upto, clock = end if until - first > 1 else min(end, at + room), time.perf_counter()
                    run_call(memory, counts, first, until, at, upto)
                    growth = min(8.0, _SECONDS_PER_CALL / max(time.perf_counter() - clock, 1e-9))
                    found = max(unit, int((until - first) * (upto - at) * growth) // unit * unit)
                    room, at = min(most, max(room, found) if growth > 1 else found), upto
                first = until
                reached[share] = begin + (end - begin) * (first - edges[share]) / (last - edges[share])
            states = work[edges[share] : last, : size * LANES].reshape(-1, size, LANES)
            left = any(np.isfinite(block).all(axis=0).any() for block in states)  # mostly the first block tells
            begin = end if left else plan.updates
            reached[share] = begin
        if cells and not stop.is_set():
            rooms[0] = room  # of the next block's first call
            finite = np.isfinite(work[share].reshape(-1, LANES)).all(axis=0)[: plan.paths - share * LANES]
            tally = Tally.of(plan.observers, counts[:, : len(finite)], finite)
            with lock:
                tallies[:] = [functools.reduce(operator.add, [*tallies, tally])]

    with ThreadPoolExecutor(threads) as pool:
        waiting = {pool.submit(run_share, share) for share in range(len(reached))}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_SECONDS_PER_CALL, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                plan.progress(sum(reached) / (plan.updates * len(reached)))
        finally:
            stop.set()
    return tallies[0] if tallies else Tally(0, *np.empty((2, 0)))


def _unit(plan: Plan) -> int:
    """Updates that a call takes at least: calls begin where groups of draws do, else both make the group."""
    return max([4, *(one.group for one in drawn(plan.noise))])


def _most(plan: Plan) -> int:
    """Blocks × updates that a call takes at most, for what is given to it in a table."""
    numbers = sum(one.numbers for one in plan.noise if isinstance(one, Tabulated))
    return max(1, _GIVEN // (numbers * plan.substeps * LANES)) if numbers else 2**62


def _drawn_in(plan: Plan) -> int:
    """Numbers that a path draws in an update, one for the step itself included."""
    drawn_in = (one.most_picks if isinstance(one, ExampleBatches) else one.numbers for one in plan.noise)
    return plan.substeps * (1 + sum(drawn_in))


def _whole_epochs(plan: Plan) -> Callable[[int], int]:
    """From an update to the next at which an epoch begins, or to the end of the run."""
    for noise in plan.noise:
        if not isinstance(noise, ExampleBatches) or noise.sampling != "reshuffle":
            continue
        if noise.scheduled:
            epochs = np.append(np.flatnonzero(noise.firsts[: plan.updates] == 0), plan.updates)
            return lambda update: int(epochs[np.searchsorted(epochs, update)])
        length = len(noise.table) // noise.size(0)
        return lambda update: min(-(-update // length) * length, plan.updates)
    return lambda update: update
