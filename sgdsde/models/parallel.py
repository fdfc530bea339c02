"""Independent jobs on threads of their own, without a trace in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TypeVar

import torch

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_threads(function: Callable[[Job, Event], Result], jobs: Iterable[Job]) -> list[Result]:
    """``function(job, stop)`` for each job, on ``torch.get_num_threads()`` threads; Ctrl-C or an error sets `stop`.

    Each job has one thread for its matrix products, which beats sharing them out: small ones would wait for each other.
    Denormal numbers are flushed to zero there: a velocity without a gradient, such as that of a dead unit, decays into
    them, and each costs a CPU a hundred cycles.
    """
    threads, stop = torch.get_num_threads(), Event()
    try:
        with ThreadPoolExecutor(threads, initializer=_prepare) as pool:
            try:
                return list(pool.map(partial(_unless_stopped, function, stop), jobs))
            except BaseException:
                stop.set()
                raise
    finally:
        torch.set_num_threads(threads)  # the workers have set what threads to come start with


def _prepare() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _unless_stopped(function: Callable[[Job, Event], Result], stop: Event, job: Job) -> Result:
    if stop.is_set():
        raise RuntimeError("stopped")
    return function(job, stop)
