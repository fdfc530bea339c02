"""sweep: a function at every point of a grid, kept in a store, on any executor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sgdsde.callers import stacklevel
from sgdsde.sweeps.assemble import assemble
from sgdsde.sweeps.executors import workers_of
from sgdsde.sweeps.failures import SweepFailures, summary
from sgdsde.sweeps.grid import Value, as_text, grid_of, key
from sgdsde.sweeps.keeper import Keeper, left
from sgdsde.sweeps.loop import Loop
from sgdsde.sweeps.progress import Report, progress_of
from sgdsde.sweeps.store import open_store, read_store, store_path
from sgdsde.sweeps.version import code_version

if TYPE_CHECKING:
    import xarray


def sweep(
    function: Callable[..., Any],
    grid: Mapping[str, Iterable[Value]],
    store: str | Path,
    executor: Executor | str | None = None,
    *,
    fixed: Mapping[str, Value] | None = None,
    version: str | None = None,
    retry_failed: bool = False,
    progress: bool | Report | None = None,
    in_flight: int | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Call a function at every point of a grid; run again, it goes on where it was stopped.

    Parameters
    ----------
    function : callable
        Called as ``function(**cell)``. Returns a number, an array, a mapping of those, or an xarray.Dataset or
        DataArray, of the same names and shapes in every cell.
    grid : mapping of str to sequence
        Argument → its values: None, bools, numbers, text, or tuples of these.
    store : str or Path
        An SQLite file; made when it is not there, with its folder. One process at a time writes to it. On a local disk.
        ``":memory:"`` keeps nothing after the call.
    executor : Executor or str, optional
        By default cells run here, one after another. An executor of ``concurrent.futures``; ``"processes"``;
        ``"dask"``, a cluster on this machine; or the address of a Dask scheduler, ``"tcp://…"`` or ``"tls://…"``. A
        script that starts processes must keep the call under ``if __name__ == "__main__"``.
    fixed : mapping, optional
        Arguments that are the same in every cell; part of a cell's key as the others are.
    version : str, optional
        What stands for the code, in place of the digests of :func:`sgdsde.sweeps.code_version`; it is yours then to
        change it with the code.
    retry_failed : bool
        Run cells again that have failed, and those that are damaged in the store.
    progress : bool or callable, optional
        A bar with the time left, by default on a terminal; or called with the fraction in the store.
    in_flight : int, optional
        Cells handed to the executor at a time; by default two for each of its workers.
    client_options : mapping, optional
        For ``distributed.Client``, such as ``{"security": Security(...)}``; with ``"dask"`` for ``LocalCluster``.

    Returns
    -------
    xarray.Dataset
        With the grid as coordinates, and what the function returned by name, ``"result"`` where it has none. Where a
        cell has failed there is NaN, and integers and bools are floats. Attributes count the cells that are done and
        failed.

    Raises
    ------
    ValueError
        When an argument is not as above, the store holds results of other code or is damaged, cells differ in
        structure, or it cannot be told what the function's results follow from.
    BlockingIOError
        When another sweep is writing to the store.
    ConnectionError
        When a scheduler does not answer in six seconds, or goes.
    OSError
        When the store cannot be written, such as on a full disk. What had been committed is there.
    RuntimeError
        When workers cannot run the function, or have other code than this process.

    Warns
    -----
    SweepFailures
        When cells have failed; :func:`sgdsde.sweeps.failures` has their tracebacks.

    Notes
    -----
    A cell is done when it is committed, which is before the next one is waited for; the process that calls is the only
    one that writes. A crash of it loses what was running; one of the machine, what had finished in the 0.1 s before. On
    Ctrl-C what has finished is kept. Cells whose worker dies are run again; one whose worker dies again and again, at
    last with no other cell beside it, is recorded as failed.

    The key of a cell is made of its arguments, fixed ones included, and of the code: the function's bytecode, what it
    wraps, its defaults, the variables around it, and the object of a method, a partial function or an instance; the
    globals and attributes of modules that it names, and what the functions and classes among these name in turn, in
    other files too; and the sources of sgdsde. So results of other code are never returned: a store that has them is
    refused, and the message says what differs. Comments, layout, and what the function does not name do not matter.
    Each worker looks at the code that it has imported before its first cell, and ends the sweep if it is not the same.

    What cannot be told is refused, with the reason: contents that are nowhere in Python, such as an open file or a
    generator; and names that are only there when it runs, in ``eval``, ``exec``, ``globals``, ``import_module``,
    ``sys.modules``, ``__subclasses__``. A global that the function itself changes, such as a list of its calls, makes
    other code of it. With `version` none of this is looked at.

    Not looked at are files that the function reads, the environment, global random generators, and versions of
    packages; nor what else packages in ``site-packages`` do but for functions that are put into them.

    Results do not depend on the executor, bit for bit, if the function's do not: it must take its seed from the cell,
    and linear algebra is given one thread.

    Examples
    --------
    >>> import tempfile
    >>> from sgdsde.sweeps.functions import stationary_variance
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     grid = {"learning_rate": [0.1, 0.2], "batch_size": [1, 4]}
    ...     found = sweep(stationary_variance, grid, f"{folder}/s.sqlite", fixed={"n_examples": 64})
    >>> found.sgd.round(4).values
    array([[0.0518, 0.0123],
           [0.1094, 0.026 ]])
    """
    cells, path = grid_of(grid, fixed), store_path(store)
    code = code_version(function, version)
    with (
        open_store(path, code) as opened,
        workers_of(executor, in_flight, client_options) as workers,
        progress_of(progress, code.function) as report,
    ):
        todo, structure = left(cells, opened, code.text, retry_failed)
        keeper = Keeper(cells, opened, code.text, report, cells.size - int(todo.sum()), structure)
        try:
            Loop(workers, function, cells, code, keeper).run(map(int, np.flatnonzero(todo)))
        except KeyboardInterrupt as stop:
            keeper.flush()
            stop.add_note(f"{keeper.done} of {cells.size} cells are in {store}; the same sweep goes on from there")
            raise
        finally:
            keeper.flush()
        dataset, failed = assemble(cells, opened, code.text)
    text = summary(failed, cells.size) if failed else ""
    dataset.attrs = {
        "title": f"Sweep of {code.function}", "code": str(code), "fixed": as_text_of(cells.fixed), "store": str(store),
        "cells": cells.size, "done": cells.size - len(failed), "failed": len(failed), "failures": text,
    }  # fmt: skip
    if failed:
        warnings.warn(text, SweepFailures, stacklevel=stacklevel())
    return dataset


def remaining(
    function: Callable[..., Any],
    grid: Mapping[str, Iterable[Value]],
    store: str | Path,
    *,
    fixed: Mapping[str, Value] | None = None,
    version: str | None = None,
) -> int:
    """How many cells a sweep with these arguments would still run, also while one writes to the store.

    Parameters
    ----------
    function, grid, store, fixed, version
        As :func:`sweep` takes them; a store that is not there has no cells. Cells that have failed count as run.

    Raises
    ------
    ValueError
        When an argument is not as there, or the store is none or damaged.

    Examples
    --------
    >>> from sgdsde.sweeps.functions import stationary_variance
    >>> remaining(stationary_variance, {"batch_size": [1, 2, 4]}, "absent.sqlite", version="1")
    3
    """
    cells, path, code = grid_of(grid, fixed), store_path(store), code_version(function, version)
    if not Path(path).exists():
        return cells.size
    with read_store(path) as opened:
        rows = (opened.row(key(code.text, cells.text(k)), cells.label(k)) for k in range(cells.size))
        return sum(row is None for row in rows)


def as_text_of(fixed: Mapping[str, Value]) -> str:
    """Fixed arguments as one text: attributes of a Dataset are not mappings.

    >>> as_text_of({"seed": 0, "how": "sgd"})
    'seed=0, how="sgd"'
    """
    return ", ".join(f"{name}={as_text(value)}" for name, value in fixed.items())
