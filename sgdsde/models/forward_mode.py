"""Forward derivatives, one thread at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock

import torch

_LOCK = RLock()


@contextmanager
def forward_mode() -> Iterator[None]:
    """Take forward derivatives inside this: torch counts their levels for the process, whichever thread they are of."""
    with _LOCK:
        _warm_up()
        yield


@cache
def _warm_up() -> None:
    """The first forward derivative of a process, without torch's warning about a part of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        torch.func.jvp(torch.sin, (torch.zeros(1),), (torch.ones(1),))
