import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data import Dataset, digits
from sgdsde.models import DYNAMICS, mlp, train
from sgdsde.models.checkpoint import Checkpoint, open_checkpoint

DIGITS = digits(n_train=60, seed=3)
#: A run in a process of its own, which says when it has begun; 20 evaluations of 75 updates.
SCRIPT = """
import sys
from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.models import mlp, train
data = digits(n_train=60, seed=3)
print("begun", flush=True)
train(mlp(64, 6, 10), data, SGDConfig(0.1, 5, 60, 0.9), 1500, 3, evaluate_every=75, checkpoint=sys.argv[1])
"""


class Cut(Exception):
    pass


def cut_short_after(calls):
    """A measure that raises at a later call, as an interruption would."""
    made = []

    def measure(weights, x, y):
        made.append(1)
        if len(made) > calls:
            raise Cut
        return float(weights["0.bias"][0])

    return measure


def settings(dynamics="sgd", sampling="without_replacement", **more):
    m = 0.0 if dynamics == "svag" else 0.9
    substeps = {"substeps": 3} if DYNAMICS[dynamics].divides else {}
    config = SGDConfig(0.1, 5, 60, m, sampling)
    given = {"model": mlp(64, 6, 10), "data": DIGITS, "config": config, "updates": 31, "replicas": 2}
    return given | {"dynamics": dynamics, "evaluate_every": 3} | substeps | more


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize(
    ("dynamics", "sampling"),
    [*((name, "without_replacement") for name in sorted(DYNAMICS)), ("sgd", "with_replacement"), ("sgd", "reshuffle")],
)
def test_a_run_that_was_cut_short_goes_on_to_the_same_result_bit_for_bit(dynamics, sampling, every, tmp_path):
    arguments = settings(dynamics, sampling)
    whole = train(**arguments, measures={"bias": cut_short_after(100)})
    arguments |= {"checkpoint": tmp_path / "run", "checkpoint_every": every}
    for _ in range(2):  # cut short twice
        with pytest.raises(Cut):
            train(**arguments, measures={"bias": cut_short_after(3)})
    kept = [Checkpoint(tmp_path / "run").load(r) for r in range(2)]
    assert any(state is not None and 0 < state["marks"] < 11 for state in kept)
    xr.testing.assert_identical(train(**arguments, measures={"bias": cut_short_after(100)}), whole)
    # all is there now: nothing is measured any more
    xr.testing.assert_identical(train(**arguments, measures={"bias": cut_short_after(0)}), whole)


@pytest.mark.slow
def test_schedules_many_configs_and_data_sets_go_on_too(tmp_path):
    arguments = settings(
        data=[DIGITS, digits(n_train=60, seed=4)],
        config=[SGDConfig(0.1, 5, 60, 0.9), SGDConfig(0.1, 5, 60, 0.5, "with_replacement")],
        learning_rates=np.linspace(0.1, 0.05, 31),
        batch_sizes=np.arange(1, 32),
        model=nn.Sequential(nn.Linear(64, 6), nn.Tanh(), nn.Linear(6, 10)),
    )
    whole = train(**arguments, measures={"bias": cut_short_after(100)})
    with pytest.raises(Cut):
        train(**arguments, measures={"bias": cut_short_after(4)}, checkpoint=tmp_path)
    again = train(**arguments, measures={"bias": cut_short_after(100)}, checkpoint=tmp_path)
    xr.testing.assert_identical(again, whole)


def test_a_diverged_replica_stays_so(tmp_path):
    wild = Dataset(**{**vars(DIGITS), "x_train": DIGITS.x_train * np.float32(1e25)})
    arguments = settings(data=wild, checkpoint=tmp_path)
    with pytest.warns(RuntimeWarning, match="2 of 2 replicas diverged"):
        first = train(**arguments)
    with pytest.warns(RuntimeWarning, match="2 of 2 replicas diverged"):
        xr.testing.assert_identical(train(**arguments), first)


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_killed_process_loses_what_is_after_its_last_checkpoint_and_nothing_else(how, tmp_path):
    folder = tmp_path / "run"
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with child:
        child.stdout.readline()
        until = time.monotonic() + 60
        while not list(folder.glob("group-*.npz")) and time.monotonic() < until:
            time.sleep(0.002)
        os.kill(child.pid, how)
        assert child.wait(timeout=60) != 0
    before = [state["marks"] for r in range(3) if (state := Checkpoint(folder).load(r)) is not None]
    assert before
    assert len(before) < 3 or min(before) < 20
    arguments = (mlp(64, 6, 10), DIGITS, SGDConfig(0.1, 5, 60, 0.9), 1500, 3)
    again = train(*arguments, evaluate_every=75, checkpoint=folder)
    xr.testing.assert_identical(again, train(*arguments, evaluate_every=75))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"updates": 32}, "updates"),
        ({"replicas": 3}, "replicas"),
        ({"dynamics": "noisy_gd"}, "dynamics"),
        ({"seed": 1}, "seed"),
        ({"config": SGDConfig(0.1, 6, 60, 0.9)}, "config"),
        ({"data": digits(n_train=60, seed=4)}, "data"),
        ({"model": mlp(64, 7, 10)}, "model"),
        ({"initialization": "shared"}, "initialization"),
        ({"dtype": "float64"}, "dtype"),
        ({"evaluate_every": 8}, "evaluate_every"),
        ({"learning_rates": np.full(31, 0.1)}, "learning_rates"),
        ({"batch_sizes": np.full(31, 5)}, "batch_sizes"),
        ({"measures": {"first": cut_short_after(10)}}, "measures"),
    ],
)
def test_a_checkpoint_of_other_arguments_is_refused_by_name(changes, name, tmp_path):
    open_runs = settings(checkpoint=tmp_path)
    with pytest.raises(Cut):
        train(**open_runs, measures={"bias": cut_short_after(1)})
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"is of a run with another {name}: "):
        train(**open_runs | {"measures": {"bias": cut_short_after(10)}} | changes)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == kept


def test_weights_count_where_they_are_the_start(tmp_path):
    shared = settings(initialization="shared", checkpoint=tmp_path / "shared")
    train(**shared)
    with pytest.raises(ValueError, match="another model"):
        train(**shared | {"model": mlp(64, 6, 10, seed=1)})
    own = settings(checkpoint=tmp_path / "own")
    xr.testing.assert_identical(train(**own), train(**own | {"model": mlp(64, 6, 10, seed=1)}))


def test_folders_of_something_else_and_damaged_files_are_refused(tmp_path):
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("")
    other.mkdir()
    (other / "notes.txt").write_text("")
    with pytest.raises(ValueError, match="checkpoint must be a folder, or not exist yet, got the file"):
        train(**settings(checkpoint=file))
    with pytest.raises(ValueError, match="checkpoint must be an empty folder or one of an earlier run"):
        train(**settings(checkpoint=other))
    run = tmp_path / "run"
    train(**settings(checkpoint=run))
    (run / "group-0001.npz").write_bytes((run / "group-0001.npz").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"checkpoint file .*group-0001.npz' is damaged"):
        train(**settings(checkpoint=run))
    (run / "run.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match="checkpoint must be a folder of this version"):
        train(**settings(checkpoint=run))
    (run / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"has a damaged run\.json"):
        train(**settings(checkpoint=run))
    with pytest.raises(ValueError, match="model must accept inputs"):
        train(**settings(model=mlp(63, 10), checkpoint=tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_files_are_plain_and_replaced_as_a_whole(tmp_path, monkeypatch):
    made = open_checkpoint(tmp_path / "a" / "b", {"seed": 1})
    made.save(0, {"x": np.ones(3)})
    assert json.loads((tmp_path / "a" / "b" / "run.json").read_text())["arguments"] == {"seed": 1}

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space left"):
        made.save(0, {"x": np.zeros(3)})
    assert made.load(0)["x"].tolist() == [1, 1, 1]
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["group-0000.npz", "run.json"]
    assert made.load(1) is None
    monkeypatch.undo()
    np.savez(tmp_path / "a" / "b" / "group-0002.npz", x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="damaged"):  # no object is ever unpickled
        made.load(2)
