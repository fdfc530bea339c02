"""What stands between the loop of a sweep and its store: checks, commits, and reports of progress."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from sgdsde.sweeps.assemble import Structure
from sgdsde.sweeps.encode import decode
from sgdsde.sweeps.grid import Grid, key
from sgdsde.sweeps.progress import Report
from sgdsde.sweeps.store import Damaged, Row, Store
from sgdsde.sweeps.task import Outcome

_EVERY = 0.1  # s between commits that wait for the disk: cells that take longer wait each


def left(grid: Grid, store: Store, version: str, retry_failed: bool) -> tuple[NDArray[np.bool_], Structure | None]:
    """Which cells are to be run, a byte for each, and the structure of a result that is there.

    Every cell is read, so that a damaged one is found before anything runs.
    """
    todo = np.ones(grid.size, dtype=bool)
    reference = None
    if store.count():
        for index in range(grid.size):
            at, label = key(version, grid.text(index)), grid.label(index)
            try:
                row = store.row(at, label)
            except Damaged:
                if not retry_failed:
                    raise
                store.drop(at)
                row = None
            todo[index] = row is None or (row.status == "failed" and retry_failed)
            if reference is None and row is not None and row.status == "done":
                reference = Structure(label, decode(row.result or "", row.data or b""), grid)
    return todo, reference


class Keeper:
    """Commits what has finished, and only then says so."""

    def __init__(
        self, grid: Grid, store: Store, version: str, report: Report, done: int, structure: Structure | None
    ) -> None:
        self.grid, self.store, self.version, self.report = grid, store, version, report
        self.done = done
        self.structure = structure
        self.rows: list[Row] = []
        self.synced = time.monotonic()
        report(done / grid.size)

    def add(self, index: int, outcome: Outcome) -> None:
        """A cell that has finished."""
        if outcome.result is not None and outcome.data is not None:
            variables, label = decode(outcome.result, outcome.data), self.grid.label(index)
            if self.structure is None:
                self.structure = Structure(label, variables, self.grid)
            self.structure.check(label, variables)
        text, status = self.grid.text(index), "done" if outcome.traceback is None else "failed"
        row = Row(
            key(self.version, text), text, status, outcome.result, outcome.data, outcome.traceback, outcome.seconds,
            outcome.error,
        )  # fmt: skip
        self.rows.append(row)

    def flush(self) -> None:
        """Commit: kept whatever becomes of this process, and now and then whatever becomes of the machine."""
        if not self.rows:
            return
        now = time.monotonic()
        synced = now - self.synced >= _EVERY
        try:
            self.store.keep(self.rows, synced=synced)
        except OSError:
            self.rows = []
            raise
        self.done += len(self.rows)
        self.rows = []
        if synced:
            self.synced = now
        self.report(self.done / self.grid.size)
