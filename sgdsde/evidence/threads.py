"""Work in threads: SciPy and NumPy release the lock of Python, so that these help."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
U = TypeVar("U")


def in_threads(
    function: Callable[[T], U], items: Sequence[T], progress: Callable[[float], None] | None = None
) -> list[U]:
    """Results in the order of the items, from as many threads as this process may use CPUs.

    Each has one thread of linear algebra, or they would wait for each other. Progress is the fraction done.

    >>> in_threads(abs, [-1, -2])
    [1, 2]
    """
    found = []
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with threadpool_limits(1), ThreadPoolExecutor(count) as pool:
        for result in pool.map(function, items):
            found.append(result)
            if progress:
                progress(len(found) / len(items))
    return found
