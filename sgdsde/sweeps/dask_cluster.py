"""Cells on a Dask cluster: a local one, or one whose scheduler has an address."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from sgdsde.arguments import positive
from sgdsde.callers import stacklevel
from sgdsde.extras import load

TIMEOUT = 6.0  # s, for a scheduler to answer
_FRESH = 2.0  # s, for which the number of threads is believed


class DaskWorkers:
    """A client of a scheduler. Dask itself gives the tasks of a dead worker to others."""

    all_end = False
    patience = 1  # a task that Dask gives up has seen four workers die, in its default setting

    def __init__(self, client: Any, capacity: int | None) -> None:
        self._executor = client.get_executor(pure=False)
        self._client = client
        self._chosen = capacity
        self._threads, self._asked = 0, -_FRESH

    @property
    def capacity(self) -> int:
        """Two tasks for each thread of the cluster as it is now, at least four; or what the user has chosen."""
        if self._chosen:
            return self._chosen
        now = time.monotonic()
        if now - self._asked >= _FRESH:
            try:
                self._threads, self._asked = sum(self._client.nthreads().values()), now
            except (OSError, TimeoutError) as error:
                raise ConnectionError(f"executor: its scheduler has gone: {error}") from error
        return max(4, 2 * self._threads)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start a task."""
        future: Future[Any] = self._executor.submit(function, *arguments)
        return future

    def died(self, error: BaseException) -> bool:
        """Whether the task has seen more workers die than Dask allows, its own doing or not."""
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)

    def renew(self) -> None:
        """Dask goes on by itself."""


@contextmanager
def dask_workers(address: str, capacity: int | None, options: Mapping[str, Any]) -> Iterator[DaskWorkers]:
    """Workers of the scheduler at an address, or of a local cluster for ``"dask"``.

    `options` go to ``distributed.Client``, `security` among them, or to ``distributed.LocalCluster``.

    Raises
    ------
    ValueError
        When Dask does not accept the address or the options.
    ConnectionError
        When no scheduler answers in time: 6 s, or `timeout` of the options.
    MissingExtraError
        When Dask is not installed.
    """
    dask = _distributed()
    with ExitStack() as stack:
        if address == "dask":
            # A thread for each worker: results must not depend on what runs beside them in a process.
            settings = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, **options}
            client = dask.Client(stack.enter_context(dask.LocalCluster(**settings)), set_as_default=False)
        else:
            settings = {"timeout": TIMEOUT, "set_as_default": False, **options}
            _knock(dask, address, settings)
            client = dask.Client(address, **settings)
        stack.enter_context(client)
        if not client.nthreads():
            warnings.warn(
                f"the Dask scheduler at {client.scheduler.address} has no workers yet: waiting for them",
                stacklevel=stacklevel(),
            )
        yield DaskWorkers(client, capacity)


def _knock(dask: Any, address: str, settings: Mapping[str, Any]) -> None:
    """Whether a scheduler answers. A client that finds none stays half made, and takes long to go away."""
    timeout = positive("client_options['timeout']", settings["timeout"], " of seconds")

    async def call() -> None:
        security = settings.get("security") or {}
        secured = dask.Security(**security) if isinstance(security, dict) else security
        about = secured.get_connection_args("client")
        # Connecting has a time limit, and waiting for the greeting after it has none.
        async with asyncio.timeout(timeout + 1.0):
            comm = await dask.core.connect(address, timeout=timeout, **about)
            await comm.close()

    try:
        # In a thread: here, as in a notebook, an event loop may be running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, call()).result()
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"executor {address!r}, or its client_options, do not suit Dask: {error}") from error
    except Exception as error:  # anything may come back where something else listens
        raise ConnectionError(
            f"executor: no Dask scheduler answers at {address} (waited up to {timeout} s): "
            f"{type(error).__name__}: {error}"
        ) from error


def tls(tls_ca_file: str, tls_client_cert: str, tls_client_key: str) -> Any:
    """The `security` of a client for a scheduler at ``tls://…``, from files of certificates and a key in PEM."""
    files = {"tls_ca_file": tls_ca_file, "tls_client_cert": tls_client_cert, "tls_client_key": tls_client_key}
    return _distributed().Security(require_encryption=True, **files)


def _distributed() -> ModuleType:
    """Dask's module, whose functions have no types."""
    return load("distributed", "executor on Dask")
