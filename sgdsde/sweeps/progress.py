"""How far a sweep is: a bar with the time left on a terminal, or a callable of the user's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[float], None]


@contextmanager
def progress_of(progress: bool | Report | None, name: str) -> Iterator[Report]:
    """Something to call with the fraction done.

    Raises
    ------
    ValueError
        When `progress` is neither None, a bool nor callable.

    Examples
    --------
    >>> with progress_of(print, "cells") as report:
    ...     report(0.5)
    0.5
    """
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):
            raise ValueError(f"progress must be None, a bool or a callable, got {progress!r}")
        yield progress
    elif progress is False or not sys.stderr.isatty():
        yield lambda fraction: None
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(name, total=1.0)
            yield lambda fraction: bar.update(task, completed=fraction)
