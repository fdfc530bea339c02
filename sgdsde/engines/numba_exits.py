"""The CPU engine for plans with regions: see `sgdsde.engines.exit_kernel`."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np

from sgdsde.engines.exit_kernel import CENSORED, IDLE, RUNNING, SIGNATURE, source, units
from sgdsde.engines.lane_memory import Memory, available_cores
from sgdsde.engines.lanes import LANES
from sgdsde.engines.machine_code import load
from sgdsde.engines.noise import Tabulated
from sgdsde.engines.philox import key_of
from sgdsde.engines.registry import Outcome, Plan

_SECONDS_PER_CALL = 0.1  # of one kernel call: the longest wait after Ctrl-C
_GIVEN = 2**20  # most numbers of a table that a call is given


def run(plan: Plan) -> Outcome:
    """Run every path until it ends, or to the end of the plan."""
    call = load(source(plan), "advance", SIGNATURE)
    size, paths, total = plan.state_dimension, plan.paths, plan.updates * plan.substeps
    constants = np.ascontiguousarray(plan.constants if len(plan.constants) else (0.0,), np.float64)
    rows = np.zeros(1, np.int64) if plan.rows is None else np.ascontiguousarray(plan.rows, np.int64)
    start, ends = np.ascontiguousarray(plan.start[:size]), np.empty((size, paths))
    exits = np.full((2, paths), -1)
    saved = np.full((max(plan.snapshots, 1), plan.dimension, paths), np.nan)
    saved[0] = plan.start[: plan.dimension]
    threads = min(available_cores(), -(-paths // LANES))
    edges = np.linspace(0, paths, threads + 1).astype(int).tolist()
    (group, unit), stop = units(plan), threading.Event()
    table = next((one for one in plan.noise if isinstance(one, Tabulated)), None)
    most = max(group, _GIVEN // (table.numbers * LANES) // group * group) if table else total
    counters = np.array([[first, 0] for first in edges[:-1]])

    def run_share(share: int) -> None:
        memory = Memory(plan.noise)
        # The state, steps at the unit's start, what the lane does, steps at the end; the state after the next steps.
        work = np.zeros((2 * size + 3, LANES))
        work[size + 1] = IDLE
        lanes, groups = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        budget, given = group, np.empty(1)

        def run_call(steps: int) -> None:
            call(
                *(edges[share + 1], steps, total, plan.substeps, unit, plan.save_every or 0, len(saved), paths),
                *(each.ctypes.data for each in (work, lanes, counters[share], groups)),
                *(each.ctypes.data for each in (start, ends, exits, saved, constants, rows)),
                *(plan.period, plan.per_row),
                *(*memory.batches, *memory.rooms, *memory.areas, memory.table[0], given.ctypes.data, given.size),
                *key_of(plan.seed),
            )

        while not stop.is_set():
            clock, steps = time.perf_counter(), budget
            if table is not None:
                run_call(0)  # lanes take their paths, which the table is made for
                at = int(counters[share, 1])
                steps = min(budget, most, unit - at)
                given = np.ascontiguousarray(table.lanes(work[size].astype(np.int64) + at, steps, lanes))
            run_call(steps)
            lost = (work[size + 1] == RUNNING) & ~np.isfinite(work[:size]).all(axis=0)
            work[size + 1, lost] = CENSORED  # of a path that left the finite numbers nothing more can come
            if counters[share, 0] == edges[share + 1] and (work[size + 1] == IDLE).all():
                return
            growth = min(8.0, _SECONDS_PER_CALL / max(time.perf_counter() - clock, 1e-9))
            budget = max(group, int(steps * growth) // group * group)

    with ThreadPoolExecutor(threads) as pool:
        waiting = {pool.submit(run_share, share) for share in range(threads)}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_SECONDS_PER_CALL, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                plan.progress(min(1.0, float((counters[:, 0] - edges[:-1]).sum()) / paths))
        finally:
            stop.set()
    kept = saved[: plan.snapshots].transpose(0, 2, 1)
    return Outcome.of_ends(ends, kept, exits[0], exits[1])
