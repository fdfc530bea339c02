"""Where cells run: here, in an executor of the user's, in processes, or on a Dask cluster.

All are used as executors of ``concurrent.futures``; what differs is how a dead worker shows, and what to do then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from sgdsde.arguments import integer


class Workers(Protocol):
    """What the loop of a sweep needs of an executor.

    Attributes
    ----------
    all_end : bool
        Whether the death of one worker ends all tasks in flight.
    patience : int
        How often a cell may be in flight when a worker dies before it is run alone, to see whether it is the cause.
    """

    all_end: bool
    patience: int

    @property
    def capacity(self) -> int:
        """How many tasks to have in flight."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start a task."""

    def died(self, error: BaseException) -> bool:
        """Whether this error of a future says that the process which ran it is gone."""

    def renew(self) -> None:
        """Make ready for more tasks after a death."""


class Here:
    """The process and thread of the sweep itself: a task is over when it is submitted."""

    all_end = True
    patience = 1
    capacity = 1

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Run it."""
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future

    def died(self, error: BaseException) -> bool:
        """It would have taken the sweep with it."""
        return False

    def renew(self) -> None:
        """Nothing to do."""


class Pool:
    """An executor; a pool of processes that breaks is replaced by one like it."""

    all_end = True
    patience = 2

    def __init__(self, executor: Executor, capacity: int | None, own: bool = False) -> None:
        self._executor = executor
        self._own = own
        # Enough that no worker waits for the driver, and few enough that any grid fits in memory.
        self.capacity = capacity or 2 * (getattr(executor, "_max_workers", None) or os.cpu_count() or 1)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start a task; when the pool is broken already, its future says so."""
        try:
            return self._executor.submit(function, *arguments)
        except BrokenExecutor as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def died(self, error: BaseException) -> bool:
        """Whether a worker of the pool has died, which ends all of its tasks."""
        return isinstance(error, BrokenExecutor)

    def renew(self) -> None:
        """A pool like the broken one."""
        broken = self._executor
        if not isinstance(broken, ProcessPoolExecutor):
            raise RuntimeError(
                f"the executor {type(broken).__name__} has broken and cannot be replaced here; what has finished is "
                f"in the store: call sweep again with a new one"
            )
        # Kept under these names by every Python from 3.8 on; without them a like pool cannot be made.
        like: Any = broken
        self._executor = ProcessPoolExecutor(like._max_workers, like._mp_context, like._initializer, like._initargs)
        if self._own:
            broken.shutdown(wait=False)
        self._own = True

    def close(self) -> None:
        """End a pool of our own making; the user's is left alone."""
        if self._own:
            self._executor.shutdown()

    def abandon(self) -> None:
        """The same without waiting for cells that run."""
        if self._own:
            processes = list((getattr(self._executor, "_processes", None) or {}).values())
            self._executor.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()


@contextmanager
def workers_of(
    executor: Executor | str | None, in_flight: int | None = None, client_options: Mapping[str, Any] | None = None
) -> Iterator[Workers]:
    """Workers for the `executor` of :func:`sgdsde.sweeps.sweep`; what is made here is closed in the end.

    Raises
    ------
    ValueError
        When it is nothing of the kind.
    ConnectionError
        When a scheduler does not answer.
    """
    in_flight = None if in_flight is None else integer("in_flight", in_flight, 1)
    dask = isinstance(executor, str) and (executor == "dask" or executor.startswith(("tcp://", "tls://")))
    if client_options and not dask:
        raise ValueError(f"client_options go with a Dask executor, got executor={executor!r}")
    if executor is None:
        yield Here()
    elif dask:
        from sgdsde.sweeps.dask_cluster import dask_workers

        with dask_workers(str(executor), in_flight, client_options or {}) as workers:
            yield workers
    elif isinstance(executor, Executor) or executor == "processes":
        own = not isinstance(executor, Executor)
        pool = Pool(_processes() if own else executor, in_flight, own)  # type: ignore[arg-type]
        try:
            yield pool
        except BaseException:
            pool.abandon()
            raise
        pool.close()
    else:
        raise ValueError(
            f"executor must be None, an Executor of concurrent.futures, 'processes', 'dask' or the address of a Dask "
            f"scheduler such as 'tcp://10.0.0.1:8786', got {executor!r}"
        )


def _processes() -> ProcessPoolExecutor:
    import multiprocessing

    # Not forked: threads of this process, such as Numba's and torch's, would not survive it.
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))
