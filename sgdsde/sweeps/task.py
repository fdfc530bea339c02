"""What a worker does with a cell: call the function and make text and bytes of what it returns."""

from __future__ import annotations

import itertools
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
from sgdsde.sweeps.version import CodeVersion, code_version, differences


@dataclass(frozen=True, eq=False)
class Outcome:
    """A result as :func:`~sgdsde.sweeps.encode.encode` writes it, or what the function raised, and its traceback."""

    result: str | None
    data: bytes | None
    traceback: str | None
    seconds: float
    error: str | None = None


def run_cell(
    function: Callable[..., Any], cell: dict[str, Any], version: CodeVersion | None = None, ticket: str = ""
) -> Outcome:
    """Call ``function(**cell)``; what it raises is its traceback, not an exception, but for KeyboardInterrupt.

    Linear algebra is given one thread, so that its rounding is the same on every executor.

    Raises
    ------
    RuntimeError
        When this process has other code than `version`; looked at once for each `ticket`.

    Examples
    --------
    >>> run_cell(divmod, {}).traceback.splitlines()[-1]
    'TypeError: divmod expected 2 arguments, got 0'
    """
    if version is not None:
        check_code(function, version, ticket)
    began = time.perf_counter()
    try:
        with one_thread():
            result, data = encode(function(**cell))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # such as SystemExit: it would end the sweep, or its worker
        # The first line of the traceback is this one, which says nothing of the function.
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next or error.__traceback__
        told = "".join(traceback.format_exception(error))
        return Outcome(None, None, told, time.perf_counter() - began, _last_words(error))
    return Outcome(result, data, None, time.perf_counter() - began)


def _last_words(error: BaseException) -> str:
    """Its name and message, with all lines of this: the place that a SyntaxError shows before them is left out."""
    lines = traceback.format_exception_only(error)
    return "".join(itertools.dropwhile(lambda line: line[:1].isspace(), lines)).rstrip()


def check_code(function: Callable[..., Any], version: CodeVersion, ticket: str = "") -> None:
    """Whether this process has the code that the sweep was started with: what it imports may be something else.

    A function is looked at once for each `ticket`, which is before the first cell: what it keeps from cell to cell in
    globals of its own does not matter then. One that reaches this process with every cell is looked at each time.
    """
    if version.named:
        return
    with _CHECKING:
        if ticket and _CHECKED.get(ticket) is function:
            return
        try:
            here = code_version(function, users=version.users)
        except ValueError as error:
            raise RuntimeError(f"a worker cannot tell what code it has: {error}") from None
        if here.text != version.text:
            raise RuntimeError(
                f"a worker has other code than the sweep, here {here} and not {version}; what differs: "
                f"{differences(version, here)}. Start the workers anew on the same code, and set globals where they "
                f"are imported, not under if __name__ == '__main__'"
            )
        checked(function, ticket)


def checked(function: Callable[..., Any], ticket: str) -> None:
    """The code of a function is that of the sweep with this ticket."""
    if ticket:
        _CHECKED[ticket] = function
        while len(_CHECKED) > _TICKETS:
            _CHECKED.pop(next(iter(_CHECKED)), None)


_CHECKING = threading.RLock()
_CHECKED: dict[str, Callable[..., Any]] = {}
_TICKETS = 8  # sweeps that may use a process at a time


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
