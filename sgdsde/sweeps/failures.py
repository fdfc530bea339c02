"""Cells whose function raised an error: what they were, and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sgdsde.sweeps.grid import from_text
from sgdsde.sweeps.store import Row, read_store

_SHOWN = 5  # in a warning


class SweepFailures(UserWarning):
    """Some cells have failed; the message lists the first of them."""


@dataclass(frozen=True)
class Failure:
    """A cell that has failed.

    Attributes
    ----------
    arguments : dict
        What the function was called with.
    traceback : str
        Of the error, or how the worker died.
    seconds : float
        How long it took to fail.
    """

    arguments: dict[str, Any]
    traceback: str
    seconds: float

    @property
    def error(self) -> str:
        """The last line of the traceback."""
        return self.traceback.strip().splitlines()[-1].strip()

    def __str__(self) -> str:
        return f"{', '.join(f'{name}={value!r}' for name, value in self.arguments.items())}: {self.error}"


def failures(store: str | Path) -> tuple[Failure, ...]:
    """The failed cells of a store with their tracebacks, also while a sweep writes to it.

    Raises
    ------
    FileNotFoundError, ValueError
        When there is no store of that name.

    Examples
    --------
    >>> failures("absent.sqlite")
    Traceback (most recent call last):
    FileNotFoundError: store 'absent.sqlite' does not exist
    """
    with read_store(Path(store)) as opened:
        return tuple(failure_of(row) for row in opened.failed())


def failure_of(row: Row) -> Failure:
    """A failure from its row."""
    return Failure(from_text(row.arguments), row.traceback or "", row.seconds)


def summary(failed: Sequence[Failure], cells: int) -> str:
    """One line for each of the first failures, and what to do."""
    lines = [f"{len(failed)} of {cells} cells failed:"]
    lines += [f"  {failure}" for failure in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"  and {len(failed) - _SHOWN} more")
    return "\n".join([*lines, "failures(store) has the tracebacks; retry_failed=True runs them again"])
