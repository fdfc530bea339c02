"""The loop of a sweep: a bounded number of cells in flight, and what becomes of those whose worker dies."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from sgdsde.sweeps.executors import Workers
from sgdsde.sweeps.grid import Grid
from sgdsde.sweeps.keeper import Keeper
from sgdsde.sweeps.task import Outcome, check_code, checked, run_cell
from sgdsde.sweeps.version import CodeVersion

_DIED = "WorkerDied: not an exception of the function"
_HOW = (
    "The process that ran this cell died without an exception, {deaths} times, the last time with no other cell beside "
    "it: it was killed, ran out of memory or crashed.\n{error}"
)


class Loop:
    """Runs cells on workers and hands on what they return.

    Parameters
    ----------
    workers : Workers
    function : callable
    grid : Grid
    version : CodeVersion
        That workers must have.
    keeper : Keeper
        Given the number of each cell and its outcome, in the order in which they finish.
    """

    def __init__(
        self, workers: Workers, function: Callable[..., Any], grid: Grid, version: CodeVersion, keeper: Keeper
    ) -> None:
        self.workers = workers
        self.function = function
        self.grid = grid
        self.version = version
        self.keeper = keeper
        self.ticket = secrets.token_hex(8)
        checked(function, self.ticket)  # the version is of this process
        self.running: dict[Future[Any], int] = {}
        self.again: deque[int] = deque()  # cells whose worker has died
        self.deaths: Counter[int] = Counter()

    def run(self, todo: Iterator[int]) -> None:
        """All of `todo`.

        Raises
        ------
        RuntimeError
            When workers cannot run the function at all.
        ConnectionError
            When a cluster is gone.
        """
        try:
            while self._fill(todo):
                done, _ = wait(self.running, return_when=FIRST_COMPLETED)
                self._take(done)
                self.keeper.flush()
        except BaseException:
            self._give_up()
            raise

    def _fill(self, todo: Iterator[int]) -> bool:
        """Start cells while there is room; whether any is running."""
        while not self._alone() and len(self.running) < self.workers.capacity:
            index = self.again.popleft() if self.again else next(todo, None)
            if index is None:
                break
            if self.running and self._suspect(index):
                self.again.appendleft(index)  # until the others have ended
                break
            future = self.workers.submit(run_cell, self.function, self.grid.cell(index), self.version, self.ticket)
            self.running[future] = index
        return bool(self.running)

    def _suspect(self, index: int) -> bool:
        return self.deaths[index] >= self.workers.patience

    def _alone(self) -> bool:
        return any(self._suspect(index) for index in self.running.values())

    def _take(self, done: set[Future[Any]]) -> None:
        died = [future for future in done if (error := _error_of(future)) and self.workers.died(error)]
        if died and self.workers.all_end:
            done, _ = wait(self.running)
        alone = self._alone()
        dead = []
        for future in sorted(done, key=self.running.__getitem__):
            index = self.running.pop(future)
            error = _error_of(future)
            if error is None:
                self.keeper.add(index, future.result())
            elif self.workers.died(error):
                dead.append(index)
            else:
                self._stop(index, error)
        if dead:
            self._after_a_death(dead, alone)

    def _after_a_death(self, dead: list[int], alone: bool) -> None:
        """Run them again, but for a cell that has died alone in workers that are sound."""
        self.workers.renew()
        self.deaths.update(dead)
        if not alone:
            self.again.extend(dead)
            return
        probe = self.workers.submit(check_code, self.function, self.version, self.ticket)
        error = probe.exception()
        if error is not None:
            if not self.workers.died(error):
                raise error
            raise RuntimeError(
                "the workers of executor die before they run a cell: see that they can import the function, and what "
                "they print; what has finished is in the store"
            ) from error
        for index in dead:
            told = _HOW.format(deaths=self.deaths[index], error=_DIED)
            self.keeper.add(index, Outcome(None, None, told, 0.0, _DIED))

    def _stop(self, index: int, error: BaseException) -> None:
        """An error that is not the function's."""
        if isinstance(error, KeyboardInterrupt):
            raise error
        if isinstance(error, _Cancelled):
            raise ConnectionError("executor: its tasks were cancelled, its scheduler has gone or was shut down")
        raise RuntimeError(
            f"executor cannot run the cell {self.grid.label(index)}: {type(error).__name__}: {error}"
        ) from error

    def _give_up(self) -> None:
        """Keep what has finished all the same, and start nothing more."""
        for future, index in self.running.items():
            if not future.cancel() and future.done() and _error_of(future) is None:
                self.keeper.add(index, future.result())
        self.running.clear()


class _Cancelled(Exception):
    """Stands for the cancellation of a future that this loop has not cancelled."""


def _error_of(future: Future[Any]) -> BaseException | None:
    return _Cancelled() if future.cancelled() else future.exception()
