"""sweep in one process: what it returns, keeps, runs and refuses."""

import contextlib
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import sweep_cells
import xarray
from threadpoolctl import threadpool_info, threadpool_limits

import sgdsde as sg
from sgdsde.sweeps import SweepFailures, code_version, failures, sweep
from sgdsde.sweeps.functions import stationary_variance
from sgdsde.sweeps.task import run_cell


@pytest.fixture
def store(tmp_path):
    return tmp_path / "s.sqlite"


CALLS = []


def noted(**cell):
    CALLS.append(cell)
    return sum(cell.values())


@pytest.fixture(autouse=True)
def _nothing_noted():
    CALLS.clear()


def test_a_number_on_a_grid(store):
    found = sweep(noted, {"a": [1, 2], "b": [0.5, 1.0, 1.5]}, store, fixed={"c": 10})
    assert found.result.dims == ("a", "b")
    np.testing.assert_array_equal(found.result, [[11.5, 12.0, 12.5], [12.5, 13.0, 13.5]])
    assert found.sel(a=2, b=1.0).result == 13.0
    assert CALLS[1] == {"a": 1, "b": 1.0, "c": 10}
    assert {name: found.attrs[name] for name in ("title", "fixed", "cells", "done", "failed")} == {
        "title": "Sweep of noted", "fixed": "c=10", "cells": 6, "done": 6, "failed": 0,
    }  # fmt: skip


def test_what_is_done_is_not_run_again_and_a_grid_may_grow(store):
    # A version is named: the list of calls is a global of `noted`, and other code with every call.
    first = sweep(noted, {"a": [1, 2], "b": [3]}, store, version="1")
    assert sweep(noted, {"a": [1, 2], "b": [3]}, store, version="1").identical(first)
    assert len(CALLS) == 2
    grown = sweep(noted, {"b": [3, 4], "a": [2, 1, 5]}, store, version="1")
    assert len(CALLS) == 6
    np.testing.assert_array_equal(grown.result, [[5, 4, 8], [6, 5, 9]])


def test_arrays_mappings_and_datasets(store, tmp_path):
    def several(x):
        return {"number": x, "vector": np.full(3, x), "text": f"{x}" * x}

    found = sweep(several, {"x": [1, 2]}, store, version="1")
    assert found.vector.dims == ("x", "vector_0")
    assert found.text.values.tolist() == ["1", "22"]

    def dataset(x):
        variables = {"m": ("mode", [x, 2.0 * x], {"units": "nats"}), "time": ("step", [1.0, float(x)])}
        return xarray.Dataset(variables, {"mode": ["low", "high"], "place": x / 2})

    found = sweep(dataset, {"x": [1, 2]}, tmp_path / "other", version="1")
    assert found.m.sel(x=2, mode="high") == 4.0
    assert found.m.attrs == {"units": "nats"}
    assert found.mode.dims == ("mode",)
    assert found.place.dims == ("x",)
    assert set(found.coords) == {"x", "mode", "place"}


def test_integers_and_floats_go_together_without_loss(store):
    found = sweep(lambda x: x, {"x": [1, 2.5]}, store, version="1")
    assert found.result.values.tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: {"a": 1} if x else {"b": 1}, "'a' is nothing at x=0, and numbers of shape .. at x=1"),
        (lambda x: np.zeros(x + 1), r"'result' is numbers of shape \(1,\) by result_0 at x=0, and numbers of shape"),
        (lambda x: "a" if x else 1, r"'result' is numbers of shape \(\) at x=0, and text"),
        (lambda x: xarray.Dataset({"m": ("k", [1])}, {"k": [x]}), r"'k' is .*coordinate \[0\] at x=0, and .*\[1\]"),
        (lambda x: {"x": x}, "must not return what is called as an axis of the grid is, got x"),
    ],
)  # fmt: skip
def test_cells_of_different_structure_stop_the_sweep(store, function, message):
    with pytest.raises(ValueError, match=message):
        sweep(function, {"x": [0, 1]}, store, version="1")


def test_structure_is_checked_against_what_is_in_the_store(store):
    sweep(sized, {"x": [1]}, store)
    with pytest.raises(ValueError, match=r"\(1,\) by result_0 at x=1, and numbers of shape \(2,\) by result_0 at x=2"):
        sweep(sized, {"x": [2, 1]}, store)


def sized(x):
    return np.zeros(x)


def test_failures_are_recorded_reported_and_retried_on_request(store, tmp_path):
    grid, fixed = {"x": range(12)}, {"at": (2, 3, 4, 5, 6, 7)}
    with pytest.warns(
        SweepFailures, match=r"6 of 12 cells failed:\n  .*x=2: ZeroDivisionError: no result at 2\n"
    ) as told:
        found = sweep(sweep_cells.fails_at, grid, store, fixed=fixed)
    assert "and 1 more" in str(told[0].message)
    assert told[0].filename == __file__
    np.testing.assert_array_equal(found.result, [0, 0.5, *[np.nan] * 6, 4, 4.5, 5, 5.5])
    assert (found.attrs["done"], found.attrs["failed"]) == (6, 6)
    assert "x=2" in found.attrs["failures"]
    listed = failures(store)
    assert [failure.arguments["x"] for failure in listed] == [2, 3, 4, 5, 6, 7]
    assert "raise ZeroDivisionError" in listed[0].traceback
    assert "task.py" not in listed[0].traceback  # only the user's own frames


class Flaky:
    """Fails while it is told to."""

    def __init__(self):
        self.broken, self.calls = True, 0

    def __call__(self, x):
        self.calls += 1
        if self.broken and x > 1:
            raise RuntimeError("broken")
        return x


def test_failed_cells_run_again_only_on_request(store):
    flaky, grid = Flaky(), {"x": range(4)}
    for calls in (4, 4):
        with pytest.warns(SweepFailures):
            found = sweep(flaky, grid, store, version="1")
        assert flaky.calls == calls
    assert found.result.dtype == float
    flaky.broken = False
    found = sweep(flaky, grid, store, version="1", retry_failed=True)
    assert flaky.calls == 6
    assert found.result.dtype == np.int64
    assert found.result.values.tolist() == [0, 1, 2, 3]
    assert failures(store) == ()


class Leaves(BaseException):
    """No Exception, as SystemExit is none."""


@pytest.mark.parametrize("executor", [None, "threads"])
def test_an_exit_is_a_failure_like_any_other(store, executor):
    def leaves(x):
        if x == 2:
            sys.exit(f"no result at {x}")
        if x == 3:
            raise Leaves
        if x == 4:
            raise GeneratorExit
        return x

    pool = ThreadPoolExecutor(2) if executor else contextlib.nullcontext()
    message = "3 of 5 cells failed:\n  x=2: SystemExit: no result at 2\n"
    with pool as workers, pytest.warns(SweepFailures, match=message):
        found = sweep(leaves, {"x": [1, 2, 3, 4, 5]}, store, workers)
    np.testing.assert_array_equal(found.result, [1, np.nan, np.nan, np.nan, 5])
    # in the order in which they failed, which two threads are free in
    assert sorted(failure.error.partition(":")[0] for failure in failures(store)) == sorted(
        ["SystemExit", f"{__name__}.Leaves", "GeneratorExit"]
    )


def test_an_error_keeps_its_lines(store):
    def refuses(loss):
        return sg.Landscape(loss, "x").dimension

    with pytest.raises(ValueError, match="does not read") as refused:
        refuses("x +* 2")
    text = str(refused.value)
    assert text.endswith("\n    x +* 2\n       ^")  # points to a place in the line above
    with pytest.warns(SweepFailures) as told:
        found = sweep(refuses, {"loss": ["x**2", "x +* 2"]}, store)
    (failure,) = failures(store)
    assert failure.error == f"ValueError: {text}"
    assert str(failure) == f"loss='x +* 2': ValueError: {text}"
    shown = "\n".join(f"  {line}" for line in str(failure).splitlines())
    assert str(told[0].message).startswith(f"1 of 2 cells failed:\n{shown}\nfailures(store) has")
    assert found.attrs["failures"] == str(told[0].message)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("one\ntwo\n\nthree"), "ValueError: one\ntwo\n\nthree"),
        (ValueError("  indented\n  ^"), "ValueError:   indented\n  ^"),
        (ValueError(""), "ValueError"),
        (SyntaxError("bad", ("f.py", 1, 3, "x +* 2", 1, 4)), 'SyntaxError: bad'),
        (ExceptionGroup("two", [ValueError("a"), TypeError("b")]), "ExceptionGroup: two (2 sub-exceptions)"),
    ],
)  # fmt: skip
def test_the_error_of_a_traceback(store, error, shown):
    def fails(x):
        try:
            raise KeyError("before")
        except KeyError:
            raise error  # noqa: B904

    with pytest.warns(SweepFailures, match="1 of 1"):
        sweep(fails, {"x": [1]}, store, version="1")
    assert failures(store)[0].error == shown


def test_all_cells_may_fail(store):
    with pytest.warns(SweepFailures, match="2 of 2"):
        found = sweep(lambda x: None, {"x": [1, 2]}, store, version="1")
    assert not found.data_vars
    assert found.x.values.tolist() == [1, 2]


def test_progress_ends_at_one_and_starts_where_the_store_is(store):
    reported = []
    sweep(half, {"x": [1, 2]}, store, progress=reported.append)
    assert reported == [0.0, 0.5, 1.0]
    sweep(half, {"x": [1, 2, 3, 4]}, store, progress=reported.append)
    assert reported[3:] == [0.5, 0.75, 1.0]


def interrupted(x):
    if x == 3:
        raise KeyboardInterrupt
    return x


def test_ctrl_c_keeps_what_has_finished(store):
    with pytest.raises(KeyboardInterrupt) as stop:
        sweep(interrupted, {"x": range(6)}, store)
    assert "3 of 6 cells are in" in stop.value.__notes__[0]
    with sqlite3.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM cells WHERE status = 'done'").fetchone() == (3,)
    connection.close()


def test_threads_agree_with_serial_bit_for_bit(store, tmp_path):
    grid = {"x": range(12), "scale": [1.0, 0.1]}
    serial = sweep(sweep_cells.numbers, grid, store)
    with ThreadPoolExecutor(4) as pool:
        threads = sweep(sweep_cells.numbers, grid, tmp_path / "t", pool, in_flight=6)
    assert threads.drop_attrs().identical(serial.drop_attrs())


def threads_of_linear_algebra():
    return max(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")


def test_linear_algebra_has_one_thread_while_a_cell_runs_and_its_own_afterwards(store):
    with threadpool_limits(2, user_api="blas"):
        found = sweep(lambda x: threads_of_linear_algebra(), {"x": [1, 2]}, store, version="1")
        assert threads_of_linear_algebra() == 2
    assert found.result.values.tolist() == [1, 1]


class Counting(ThreadPoolExecutor):
    most = now = 0

    def submit(self, *arguments):
        self.now += 1
        self.most = max(self.most, self.now)
        future = super().submit(*arguments)
        future.add_done_callback(lambda _: setattr(self, "now", self.now - 1))
        return future


def test_few_cells_are_in_flight_at_a_time(store):
    with Counting(2) as pool:
        sweep(noted, {"a": range(50), "b": range(4)}, store, pool)
        assert 1 < pool.most <= 4


def test_an_executor_that_cannot_run_the_function(store):
    class Refuses(ThreadPoolExecutor):
        def submit(self, *arguments):
            return super().submit(lambda: 1 / 0)

    with pytest.raises(RuntimeError, match=r"executor cannot run the cell x=1: ZeroDivisionError"), Refuses(1) as pool:
        sweep(half, {"x": [1, 2]}, store, pool)
    assert failures(store) == ()


def half(x):
    return x / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "slurm"}, "executor must be None, an Executor of concurrent.futures, 'processes', 'dask' or"),
        ({"executor": 4}, "executor must be None"),
        ({"in_flight": 0}, "in_flight must be an integer of at least 1, got 0"),
        ({"progress": "yes"}, "progress must be None, a bool or a callable, got 'yes'"),
        ({"client_options": {"timeout": 3}}, "client_options go with a Dask executor"),
        ({"version": ""}, "version must be a text that is not empty"),
    ],
)
def test_bad_arguments_are_refused(store, options, message):
    with pytest.raises(ValueError, match=message):
        sweep(half, {"x": [1]}, store, **options)


def test_what_is_no_function_is_refused_and_a_version_stands_for_all_code(store):
    with pytest.raises(ValueError, match="function must be callable, got 3"):
        sweep(3, {"x": [1]}, store)
    for scale in (2, 3):  # named the same, and it is the user's word that it is
        assert sweep(lambda x: scale * x, {"x": [1]}, store, version="scaled").result.item() == 2  # noqa: B023


def test_the_version_is_of_the_library_too(store, monkeypatch):
    sweep(half, {"x": [1]}, store)
    monkeypatch.setattr("sgdsde.sweeps.version.library_version", lambda: "0.0.0 other")
    assert code_version(half).library == "0.0.0 other"
    with pytest.raises(ValueError, match=r"holds results of other code, half .*; what differs: sgdsde\. "):
        sweep(half, {"x": [1]}, store)


def test_workers_with_other_code_are_refused(store):
    version = code_version(half)
    assert run_cell(half, {"x": 3}, version).traceback is None
    changed = {"code": "other", "parts": (("a global", "1"),)}, {"library": "0.0.1 other"}, {"python": "pypy-9"}
    for change, what in zip(changed, ("a global", "sgdsde", "Python"), strict=True):
        other = replace(version, **change)
        with pytest.raises(RuntimeError, match=f"a worker has other code than the sweep, .* what differs: {what}"):
            run_cell(half, {"x": 3}, other)


def test_a_function_of_the_library(store):
    found = sweep(stationary_variance, {"learning_rate": [0.1], "batch_size": [4]}, store, fixed={"n_examples": 64})
    assert 0 < found.sde.item() < found.sgd.item()
