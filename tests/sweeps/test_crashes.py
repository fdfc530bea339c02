"""Workers and drivers that die, cells that are interrupted, and two drivers at once.

Versions are named: somebody who edits the library meanwhile would make workers refuse the driver.
"""

import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import sweep_cells

from sgdsde.sweeps import SweepFailures, failures, sweep

CODE = "import sys, sweep_cells, signal; from sgdsde.sweeps import sweep; store, log, marker = sys.argv[1:]; "
KILLED = (
    "fixed = dict(log=log, marker=marker, number=%d); "
    "sweep(sweep_cells.killed_once, {'x': range(20)}, store, version='1', fixed=fixed)"
)
CLUSTERS = pytest.mark.slow("a cluster is started, of processes that import all that it needs")


def lines_of(log):
    """How often each cell has come to its end, and when at last."""
    found = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return Counter(int(x) for x, _ in found), {int(x): float(when) for x, when in found}


def rows_of(store):
    """Result and bytes of each cell that is done, by its arguments but for the log."""
    if not store.exists():
        return {}
    connection = sqlite3.connect(store, timeout=10)
    query = "SELECT json_extract(arguments, '$.x'), result, data FROM cells WHERE status = 'done'"
    try:
        return {x: (text, data) for x, text, data in connection.execute(query)}
    except sqlite3.OperationalError:  # made, and its tables not yet
        return {}
    finally:
        connection.close()


def wait_until(condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def expected(tmp_path, n):
    """The results of a serial sweep."""
    log = tmp_path / "serial.log"
    sweep(sweep_cells.logged, {"x": range(n)}, tmp_path / "serial", fixed={"log": str(log)}, version="test")
    return rows_of(tmp_path / "serial")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        *(
            pytest.param(n, marks=pytest.mark.slow("the same processes as for SIGKILL"))
            for n in (signal.SIGINT, signal.SIGTERM)
        ),
    ],
)
def test_nothing_is_lost_and_nothing_run_twice_when_the_driver_is_stopped(start, tmp_path, number):
    store, log = tmp_path / "s", tmp_path / "log"
    arguments = ("-c", CODE + KILLED % number, store, log, tmp_path / "marker")
    process = start(*arguments, stderr=-1)
    _, error = process.communicate(timeout=60)
    assert process.returncode != 0
    assert sorted(rows_of(store)) == list(range(7))
    if number == signal.SIGINT:
        assert "7 of 20 cells are in" in error
    assert start(*arguments).wait(60) == 0
    assert rows_of(store) == expected(tmp_path, 20)
    assert lines_of(log)[0] == Counter(range(20))


def interrupts(x):
    if x == 5:
        os.kill(os.getpid(), signal.SIGINT)  # reaches the main thread, which waits for the pool
        time.sleep(0.2)
    return x


def test_ctrl_c_with_a_pool_of_the_users(tmp_path):
    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        sweep(interrupts, {"x": range(100)}, tmp_path / "s", pool)
    assert set(range(5)) <= set(rows_of(tmp_path / "s")) <= set(range(20))


def test_two_drivers_and_a_lock_that_dies_with_the_first(start, tmp_path):
    store, go = tmp_path / "s", tmp_path / "go"
    call = "sweep(sweep_cells.waits_for, {'x': [1, 2]}, store, version='1', fixed={'file': marker})"
    first = start("-c", CODE + call, store, tmp_path / "log", go)
    wait_until(store.exists)
    time.sleep(0.2)

    def second():
        return sweep(sweep_cells.waits_for, {"x": [1, 2]}, store, version="1", fixed={"file": str(go)})

    with pytest.raises(BlockingIOError, match="another sweep is running on store"):
        second()
    first.kill()
    first.wait()
    go.touch()
    assert second().result.values.tolist() == [1, 2]


@pytest.mark.parametrize("made_by", ["sweep", "user"])
def test_cells_of_a_killed_process_run_elsewhere(tmp_path, made_by):
    pool = "processes" if made_by == "sweep" else ProcessPoolExecutor(2, get_context("spawn"))
    found = sweep(
        sweep_cells.dies_once, {"x": range(10)}, tmp_path / "s", pool, fixed={"folder": str(tmp_path)}, version="1"
    )
    assert found.result.values.tolist() == list(range(10))
    assert (tmp_path / "died-3").exists()
    assert failures(tmp_path / "s") == ()


def test_a_cell_that_always_kills_its_process_is_the_only_one_to_fail(tmp_path):
    with pytest.warns(SweepFailures, match="1 of 8 cells failed:\n  at=3, x=3: WorkerDied: not an exception"):
        found = sweep(
            sweep_cells.dies_always, {"x": range(8)}, tmp_path / "s", "processes", fixed={"at": 3}, version="1"
        )
    np.testing.assert_array_equal(found.result, [0, 1, 2, np.nan, 4, 5, 6, 7])


def test_workers_that_cannot_start_are_no_failures_of_cells(tmp_path):
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=os._exit, initargs=(1,))
    with pytest.raises(RuntimeError, match="the workers of executor die before they run a cell"):
        sweep(sweep_cells.dies_always, {"x": range(3)}, tmp_path / "s", pool, version="1")
    assert failures(tmp_path / "s") == ()


def test_processes_agree_with_serial_bit_for_bit(tmp_path):
    grid = {"x": range(8), "scale": [1.0, 0.1]}
    serial = sweep(sweep_cells.numbers, grid, tmp_path / "a", version="1")
    found = sweep(sweep_cells.numbers, grid, tmp_path / "b", "processes", version="1")
    assert found.drop_attrs().identical(serial.drop_attrs())


def test_no_scheduler_is_said_within_ten_seconds(tmp_path, monkeypatch):
    """After the time for which it is waited for, and not much later."""
    pytest.importorskip("distributed")
    from sgdsde.sweeps import dask_cluster

    assert dask_cluster.TIMEOUT <= 6
    monkeypatch.setattr(dask_cluster, "TIMEOUT", 0.5)
    with socket.socket() as taken:  # bound and not listening: nobody answers
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=f"executor: no Dask scheduler answers at {address}"):
            sweep(sweep_cells.numbers, {"x": [1]}, tmp_path / "s", address)
        assert time.monotonic() - began < 4.5


def test_something_else_at_the_address_is_no_scheduler(tmp_path):
    pytest.importorskip("distributed")
    with socket.socket() as silent:  # takes the call and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at .* \(waited up to 0.5 s\)"):
            sweep(sweep_cells.numbers, {"x": [1]}, tmp_path / "s", address, client_options={"timeout": 0.5})
    for address, message in (("tcp://here", "missing port number"), ("tls://127.0.0.1:1", "TLS expects")):
        with pytest.raises(
            ValueError, match=f"executor '{address}', or its client_options, do not suit Dask: {message}"
        ):
            sweep(sweep_cells.numbers, {"x": [1]}, tmp_path / "s", address)


def cluster(start, folder, workers, *options):
    """A scheduler and workers in processes of their own; the address of the one, and these processes."""
    quiet = {"stdout": -3, "stderr": -3}
    about = folder / "scheduler.json"
    scheduler = start(
        "-m", "distributed.cli.dask_scheduler", "--port", 0, "--dashboard-address", ":0", "--scheduler-file", about,
        *options, **quiet,
    )  # fmt: skip
    wait_until(lambda: about.exists() and about.read_text().rstrip().endswith("}"))  # it is made before it is written
    started = [
        start(
            "-m",
            "distributed.cli.dask_worker",
            "--scheduler-file",
            about,
            "--no-nanny",
            "--nthreads",
            1,
            "--no-dashboard",
            "--local-directory",
            folder,
            *options,
            **quiet,
        )
        for _ in range(workers)
    ]
    return json.loads(about.read_text())["address"], scheduler, started


# Dask's client, dropped while it tries to reconnect, may complain of its own cancelled coroutine.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:the Dask scheduler at .* has no workers yet")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
def test_tls_and_a_scheduler_that_goes_away(start, tmp_path):
    pytest.importorskip("distributed")
    from sgdsde.sweeps.dask_cluster import tls

    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    files = ("--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key)
    address, scheduler, _ = cluster(start, tmp_path, 1, *files, "--protocol", "tls")
    assert address.startswith("tls://")
    options = {"security": tls(str(certificate), str(certificate), str(key))}
    store, log = tmp_path / "s", tmp_path / "log"

    def run(cells):
        fixed = {"log": str(log), "nap": 0.01}
        return sweep(
            sweep_cells.logged, {"x": range(cells)}, store, address, fixed=fixed, version="1",
            progress=lambda fraction: scheduler.kill() if cells > 5 and fraction > 0.1 else None,
            client_options=options,
        )  # fmt: skip

    assert run(5).attrs["done"] == 5
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with pytest.raises(ConnectionError, match="its scheduler has gone"):
        run(500)
    assert 50 < len(rows_of(store)) < 500


@CLUSTERS
def test_a_local_dask_cluster_and_a_cell_that_kills_its_workers(tmp_path):
    pytest.importorskip("distributed")
    import dask

    options = {"n_workers": 2}
    serial = sweep(sweep_cells.numbers, {"x": range(8)}, tmp_path / "a", version="1")
    with dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.logging.distributed": "critical"}):
        found = sweep(
            sweep_cells.numbers, {"x": range(8)}, tmp_path / "b", "dask", version="1", client_options=options
        )  # fmt: skip
        assert found.drop_attrs().identical(serial.drop_attrs())
        with pytest.warns(SweepFailures, match="1 of 8 cells failed:\n  x=3: WorkerDied"):
            found = sweep(
                sweep_cells.dies_always, {"x": range(8)}, tmp_path / "c", "dask", version="1", client_options=options
            )
    np.testing.assert_array_equal(found.result, [0, 1, 2, np.nan, 4, 5, 6, 7])


@CLUSTERS
def test_dask_with_a_killed_worker_and_a_killed_driver(start, tmp_path):
    """200 cells, each once in the store, the same bits as here."""
    pytest.importorskip("distributed")
    address, _, workers = cluster(start, tmp_path, 2)
    store, log = tmp_path / "s", tmp_path / "log"
    driver = (sweep_cells.__file__, store, log, address)
    first = start(*driver)
    wait_until(lambda: len(rows_of(store)) >= 50)
    workers[0].kill()
    wait_until(lambda: len(rows_of(store)) >= 100)
    first.kill()
    first.wait()
    kept = rows_of(store)
    assert 100 <= len(kept) < 200
    stopped = time.time()
    assert start(*driver).wait(60) == 0
    ended = rows_of(store)
    assert ended == expected(tmp_path, 200)
    assert len(ended) == 200
    assert {x: ended[x] for x in kept} == kept
    counts, last = lines_of(log)
    assert set(counts) == set(range(200))
    assert not [x for x in kept if last[x] > stopped]  # what was in the store has not run again
    assert failures(store) == ()
