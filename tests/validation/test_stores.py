"""Stores of long sweeps: what is kept of them, and that functions marked lasting compute what they did."""

from __future__ import annotations

import inspect
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from validation import stores
from validation.context import Context, Place
from validation.mnist.cells.annealing import annealed
from validation.mnist.cells.decay.training import decayed
from validation.mnist.cells.descent import descent
from validation.mnist.cells.dynamics import followed
from validation.mnist.cells.ensembles import looked_at
from validation.mnist.cells.normality.gradients import batch_gradients
from validation.mnist.cells.schedules import scheduled
from validation.mnist.cells.training import trained, trained_along

pytestmark = pytest.mark.networks

CELLS = Path(stores.__file__).parent / "mnist" / "cells"
LASTING = re.compile(r"@lasting\(.*\)\ndef (\w+)\(")

FIXED = {
    "source": "digits", "n_examples": 100, "hidden": 12, "learning_rate": 0.2, "momentum": 0.9, "replicas": 2,
    "sampling": "without_replacement", "device": "cpu", "batch_size": 6, "seed": 7,
}  # fmt: skip
#: Few updates of each lasting function: its version, more arguments, and the training losses, which only rounding may
#: change.
WITNESSES = {
    trained: (
        "1", {"random_share": 0.25, "updates": 20, "readings": 2},
        [[2.3209874659776686, 2.238840202093124], [2.226253932118416, 2.2773305464535953]],
    ),
    trained_along: (
        "1", {"marks": (5, 20)},
        [[2.2724482011795044, 1.9656290920078754], [2.190165832042694, 1.6416717378795147]],
    ),
    annealed: ("1", {"random_share": 0.25, "updates": 20}, [2.191487491130829, 2.1900559681653977]),
    decayed: (
        "1", {"random_share": 0.25, "updates": 20, "weight_decay": 0.01}, [2.289122760295868, 2.2161165741086006],
    ),
    descent: (
        "1",
        {
            "setting": (0.2, 5), "period": 1, "distance": 4.0, "readings": 2, "n_test": 50, "random_share": 0.25,
            "level": 2.0, "largest": True,
        },
        [[2.2807318127155303, 2.2009254372119904], [2.2198256599903106, 2.1319447600841523]],
    ),
    looked_at: (
        "1",
        {
            "sampling": "with_replacement", "dynamics": "sde", "substeps": 1, "learning_rate": 0.1, "time": 2.0,
            "looks": 2, "kept_every": 1,
        },
        [[2.2231952333450318, 2.176371451616287], [2.20177721619606, 2.151089463233948]],
    ),
    followed: (
        "1",
        {
            "n_test": 50, "dynamics": "sde", "substeps": 1, "learning_rate": 0.1, "time": 2.0, "readings": 2,
        },
        [[2.2353542816638945, 2.1598900353908537], [2.201813458204269, 2.1619558608531952]],
    ),
    batch_gradients: (
        "1",
        {
            "trained_with": 6, "momentum": 0.0, "stages": (0, 20), "batch_sizes": (1, 4), "directions": 2, "draws": 20,
            "examples": 100, "groups": 2,
        },
        [[2.343193769454956, 2.0631675720214844], [2.3346028327941895, 2.1252880096435547]],
    ),
    scheduled: (
        "1",
        {
            "kind": "ε falls", "batch_size": 5, "factor": 2, "drops": 1, "epochs": 1, "readings": 1, "momentum": 0.5,
            "test_stride": 10,
        },
        [[1.960898209810257, 1.537519945204258], [1.9350483953952788, 1.493272497355938]],
    ),
}  # fmt: skip


def arguments(function, **others):
    """What a function of these takes, of its own arguments and those that all have."""
    given = FIXED | WITNESSES[function][1] | others
    return {name: given[name] for name in inspect.signature(function).parameters}


def cells(number=3):
    return {"x": list(range(number))}


@stores.lasting("3")
def double(x: int) -> float:
    """What two times x is."""
    return 2.0 * x


def sweep(folder, preset="full", number=3):
    return Context("one", preset, (5,), None, place=Place(folder)).sweep(double, cells(number), {})


def count(path):
    with closing(sqlite3.connect(path)) as store:
        return store.execute("select count(*) from cells").fetchone()[0]


def test_a_lasting_store_is_of_its_version_in_the_full_preset_alone(tmp_path):
    sweep(tmp_path, "quick")
    assert not (tmp_path / "double-v3.sqlite").exists()
    assert sweep(tmp_path).result.values.tolist() == [0, 2, 4]
    assert count(tmp_path / "double-v3.sqlite") == 3


def test_a_run_begins_with_what_is_kept(tmp_path, monkeypatch):
    sweep(tmp_path / "old")
    kept = stores.keep(tmp_path / "old", tmp_path / "kept")
    assert kept == [tmp_path / "kept" / "double-v3.sqlite"]
    monkeypatch.setattr(stores, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(stores.opened, "__defaults__", (tmp_path / "kept",))
    (tmp_path / "new").mkdir()
    assert count(stores.opened(double, tmp_path / "new")) == 3
    sweep(tmp_path / "new", number=5)
    assert count(tmp_path / "new" / "double-v3.sqlite") == 5
    assert count(kept[0]) == 3


def test_a_copy_is_made_again_only_where_cells_are_new(tmp_path):
    sweep(tmp_path / "old")
    (copy,) = stores.keep(tmp_path / "old", tmp_path / "kept")
    before = copy.stat().st_ino
    stores.keep(tmp_path / "old", tmp_path / "kept")
    assert copy.stat().st_ino == before
    sweep(tmp_path / "old", number=4)
    stores.keep(tmp_path / "old", tmp_path / "kept")
    assert count(copy) == 4


def test_what_is_open_elsewhere_is_kept_whole(tmp_path):
    sweep(tmp_path / "old")
    with closing(sqlite3.connect(tmp_path / "old" / "double-v3.sqlite")) as open_elsewhere:
        open_elsewhere.execute("delete from cells")  # not committed
        (kept,) = stores.keep(tmp_path / "old", tmp_path / "kept")
    assert count(kept) == 3
    assert os.listdir(tmp_path / "kept") == [kept.name]


@pytest.mark.parametrize("function", WITNESSES, ids=lambda f: f.__name__)
def test_a_lasting_function_computes_what_its_version_did(function):
    version, _, losses = WITNESSES[function]
    assert stores.version_of(function) == version
    np.testing.assert_allclose(function(**arguments(function)).train_loss, losses, rtol=2e-4)


def test_every_lasting_function_has_a_witness():
    marked = {f for path in CELLS.rglob("*.py") for f in LASTING.findall(path.read_text(encoding="utf-8"))}
    assert marked == {function.__name__ for function in WITNESSES}


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from validation.context import Context, Place
from validation.mnist.cells.training import trained
from tests.validation.test_stores import arguments

if __name__ == "__main__":
    context = Context("one", "full", (5, 6), None, place=Place(Path(sys.argv[1])))
    fixed = arguments(trained, updates=3000)
    del fixed["batch_size"], fixed["seed"]
    found = context.sweep(trained, {"batch_size": [2, 3, 4, 5, 6, 8]}, fixed, "killed")
    np.savez(sys.argv[2], **{name: values.to_numpy() for name, values in found.items()})
"""


@pytest.mark.slow("five processes that import torch, one after the other")
def test_a_run_killed_three_times_ends_with_the_same_numbers(tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "killed"), str(tmp_path / "killed.npz")]
    store, done = tmp_path / "killed" / "trained-v1.sqlite", []
    kept = stores.KEPT / store.name
    first = count(kept) if kept.exists() else 0
    for kills in range(3):
        process = subprocess.Popen(command, cwd=root)
        while process.poll() is None and (not store.exists() or _rows(store) <= (done[-1] if done else first)):
            time.sleep(0.02)
        time.sleep(0.03 * (kills + 1))  # into the next cell
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it must not have ended before"
        done.append(_rows(store))
    assert first < done[0] < done[1] < done[2] < first + 12
    subprocess.run(command, cwd=root, check=True)
    once = [*command[:3], str(tmp_path / "once"), str(tmp_path / "once.npz")]
    subprocess.run(once, cwd=root, check=True)
    with np.load(tmp_path / "killed.npz") as first, np.load(tmp_path / "once.npz") as second:
        assert set(first) == set(second) == {*found_names()}
        assert all(np.array_equal(first[name], second[name]) for name in first)


def found_names():
    return ("test_accuracy", "test_loss", "train_accuracy", "train_loss", "weight_norm", "diverged")


def _rows(store):
    try:
        return count(store)
    except sqlite3.OperationalError:  # not made yet
        return 0
