"""A run of the torch engine in shares of its paths: short rows that stay in a core's cache, and memory that is bounded.

On the CPU each share has a thread of Python's, and torch one thread in it: operations this short are slowed down when
torch divides them among its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from sgdsde.engines.noise import ExampleBatches
from sgdsde.engines.observers import COUNTS, Observed
from sgdsde.engines.registry import Outcome, Plan

#: Most paths of a share on the CPU.
_MOST = 2**14
#: Fewest, of the SDE and of SGD, which has more to do in each call of torch: with fewer, calls cost more than they do.
_FEWEST, _FEWEST_WITH_BATCHES = 2**13, 2**11
#: Most bytes of the order of a shuffle, by kind of device; a path takes 4 for each example.
ORDERS = {"cpu": 2**28, "cuda": 2**32}
_SECONDS = 0.1  # between looks at the threads

#: (plan of the share, its first path) → its outcome.
RunShare = Callable[[Plan, int], Outcome]


def edges_of(plan: Plan, device: torch.device) -> list[int]:
    """Where shares of the paths begin, and the end of the last."""
    cpu = device.type == "cpu"
    batches = [noise for noise in plan.noise if isinstance(noise, ExampleBatches)]
    shares = 1
    if cpu:
        fewest = _FEWEST_WITH_BATCHES if batches else _FEWEST
        shares = max(-(-plan.paths // _MOST), min(torch.get_num_threads(), plan.paths // fewest))
    for noise in batches:
        widest = max(1, ORDERS.get(device.type, ORDERS["cpu"]) // (4 * len(noise.table)))
        shares = max(shares, -(-plan.paths // widest))
    if plan.observers.cells:
        widest = max(1, COUNTS.get(device.type, COUNTS["cpu"]) // (8 * plan.observers.cells))
        shares = max(shares, -(-plan.paths // widest))
    return [int(edge) for edge in np.linspace(0, plan.paths, shares + 1)]


def run(plan: Plan, device: torch.device, run_share: RunShare, edges: Sequence[int] | None = None) -> Outcome:
    """Run the shares, on the CPU several at a time, and put their outcomes together.

    `edges` are those of `edges_of` where they are not given.
    """
    edges = edges_of(plan, device) if edges is None else edges
    reached, stop = [0.0] * (len(edges) - 1), threading.Event()
    threads = min(torch.get_num_threads(), len(reached)) if device.type == "cpu" else 1

    def share(index: int) -> Outcome:
        def progress(fraction: float) -> None:
            reached[index] = fraction
            if threads == 1:
                plan.progress(sum(reached) / len(reached))
            elif stop.is_set():
                raise InterruptedError("another share of the paths failed")

        begin, end = edges[index : index + 2]
        return run_share(replace(plan, start=plan.start[:, begin:end], progress=progress), begin)

    with _one_thread(device):
        if threads == 1:
            return _joined([share(index) for index in range(len(reached))])
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            futures = [pool.submit(share, index) for index in range(len(reached))]
            try:
                waiting = set(futures)
                while waiting:
                    done, waiting = wait(waiting, _SECONDS, FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    plan.progress(sum(reached) / len(reached))
            finally:
                stop.set()
                for future in futures:
                    future.cancel()
            return _joined([future.result() for future in futures])


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """Torch's own threads, off for the time of a run on the CPU."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _joined(outcomes: list[Outcome]) -> Outcome:
    if len(outcomes) == 1:
        return outcomes[0]
    seen = [one.observed for one in outcomes if one.observed is not None]
    return Outcome(
        np.concatenate([one.state for one in outcomes], axis=1),
        np.concatenate([one.mean for one in outcomes]),
        np.concatenate([one.covariance for one in outcomes]),
        np.concatenate([one.saved for one in outcomes], axis=1),
        np.concatenate([one.exit_step for one in outcomes]),
        np.concatenate([one.exit_region for one in outcomes]),
        observed=Observed.joined(seen)
        if (seen := [one.observed for one in outcomes if one.observed is not None])
        else None,
    )
