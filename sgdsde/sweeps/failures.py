"""Cells whose function raised an error: what they were, and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from sgdsde.sweeps.grid import from_text
from sgdsde.sweeps.store import Row, read_store, store_path

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
    error : str
        Such as ``"ValueError: …"``, with all lines of its message.
    """

    arguments: dict[str, Any]
    traceback: str
    seconds: float
    error: str

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
    with read_store(store_path(store)) as opened:
        return tuple(failure_of(row) for row in opened.failed())


def failure_of(row: Row) -> Failure:
    """A failure from its row; stores of format 1 have the error as the last line of the traceback only."""
    told = row.traceback or ""
    return Failure(from_text(row.arguments), told, row.seconds, row.error or told.strip().rpartition("\n")[2])


def summary(failed: Sequence[Failure], cells: int) -> str:
    """The first failures, each with its error, and what to do."""
    lines = [f"{len(failed)} of {cells} cells failed:"]
    lines += [indent(str(failure), "  ") for failure in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"  and {len(failed) - _SHOWN} more")
    return "\n".join([*lines, "failures(store) has the tracebacks; retry_failed=True runs them again"])
