"""What a worker does with a cell: call the function and make text and bytes of what it returns."""

from __future__ import annotations

import functools
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from sgdsde.sweeps.encode import encode
from sgdsde.sweeps.version import CodeVersion, library_version, source_digest


@dataclass(frozen=True, eq=False)
class Outcome:
    """A result as :func:`~sgdsde.sweeps.encode.encode` writes it, or the traceback of what the function raised."""

    result: str | None
    data: bytes | None
    traceback: str | None
    seconds: float


def run_cell(function: Callable[..., Any], cell: dict[str, Any], version: CodeVersion | None = None) -> Outcome:
    """Call ``function(**cell)``; what it raises is its traceback, not an exception.

    Linear algebra is given one thread, so that its rounding is the same on every executor.

    Raises
    ------
    RuntimeError
        When this process has other code than `version`.

    Examples
    --------
    >>> run_cell(divmod, {}).traceback.splitlines()[-1]
    'TypeError: divmod expected 2 arguments, got 0'
    """
    if version is not None:
        check_code(function, version)
    began = time.perf_counter()
    try:
        with one_thread():
            result, data = encode(function(**cell))
    except Exception as error:
        # The first line of the traceback is this one, which says nothing of the function.
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next or error.__traceback__
        return Outcome(None, None, "".join(traceback.format_exception(error)), time.perf_counter() - began)
    return Outcome(result, data, None, time.perf_counter() - began)


def check_code(function: Callable[..., Any], version: CodeVersion) -> None:
    """Whether this process has the code that the sweep was started with; its workers may have been started before."""
    if version.named:
        return
    # A function of a script reaches other processes as it is; what is imported there may be another file.
    source = version.source if function.__module__ in ("__main__", "__mp_main__") else _source(function)
    if (source, library_version()) != (version.source, version.library):
        raise RuntimeError(
            f"a worker has other code than the sweep: file {source}, sgdsde {library_version()} and not "
            f"file {version.source}, sgdsde {version.library}. Start the workers anew, on the same code"
        )


@functools.lru_cache(maxsize=64)
def _source(function: Callable[..., Any]) -> str:
    return source_digest(function)


class _Limit:
    """Linear algebra of this process on one thread while any cell runs in it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cells = 0
        self.modules = 0
        self.controller: Any = None
        self.limiter: Any = None

    def enter(self) -> None:
        with self.lock:
            self.cells += 1
            if self.cells == 1:
                # Looking for libraries takes a millisecond, and only an import can have brought new ones.
                if self.controller is None or self.modules != len(sys.modules):
                    self.controller, self.modules = ThreadpoolController(), len(sys.modules)
                self.limiter = self.controller.limit(limits=1, user_api="blas")

    def leave(self) -> None:
        with self.lock:
            self.cells -= 1
            if self.cells == 0:
                self.limiter.restore_original_limits()


_LIMIT = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and LAPACK on one thread, until the last of the cells that run in this process has ended."""
    # Loaded before libraries are looked for: NumPy and SciPy each bring a BLAS of their own.
    import scipy.linalg  # noqa: F401

    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
