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
from sgdsde.dynamics import all_rules
from sgdsde.models import mlp, train
from sgdsde.models.checkpoint import open_checkpoint
from sgdsde.models.dynamics import names, network_dynamics

pytestmark = pytest.mark.networks

DIGITS = digits(n_train=60, seed=3)
#: A run in a process of its own, which says when it has begun; 20 evaluations of 30 updates.
SCRIPT = """
import sys
from sgdsde.config import SGDConfig
from sgdsde.data import digits
from sgdsde.models import mlp, train
data = digits(n_train=60, seed=3)
print("begun", flush=True)
train(mlp(64, 6, 10), data, SGDConfig(0.1, 5, 60, 0.9), 600, 3, evaluate_every=30, checkpoint=sys.argv[1])
"""


class Cut(Exception):
    pass


def kept_marks(folder, replicas):
    """After how many marks each replica that was kept is."""
    files = [folder / f"group-{r:04}.npz" for r in range(replicas)]
    return [int(np.load(file)["marks"]) for file in files if file.exists()]


def cut_short_after(calls):
    """A measure that raises at a later call, as an interruption would."""
    made = []

    def measure(weights, x, y):
        made.append(1)
        if len(made) > calls:
            raise Cut
        return float(weights["0.bias"][0])

    return measure


def without_momentum(dynamics):
    """Whether its rule has none, or its noise is not made for any."""
    return dynamics == "svag" or (dynamics in all_rules() and "momentum" not in all_rules()[dynamics].takes)


def settings(dynamics="sgd", sampling="without_replacement", **more):
    m = 0.0 if without_momentum(dynamics) else 0.9
    config = SGDConfig(0.1, 5, 60, m, sampling)
    substeps = {"substeps": 3} if network_dynamics(dynamics, config).divides else {}
    given = {"model": mlp(64, 6, 10), "data": DIGITS, "config": config, "updates": 31, "replicas": 2}
    return given | {"dynamics": dynamics, "evaluate_every": 3} | substeps | more


#: Each kept after every mark, or after every other.
RUNS = [
    *((name, "without_replacement") for name in names()),
    *(("sgd", sampling) for sampling in ("with_replacement", "reshuffle", "shuffle_once")),
    ("sde", "reshuffle"),
    ("momentum_sde", "reshuffle"),
]


@pytest.mark.parametrize(("dynamics", "sampling", "every"), [(*run, 1 + k % 2) for k, run in enumerate(RUNS)])
def test_a_run_that_was_cut_short_goes_on_to_the_same_result_bit_for_bit(dynamics, sampling, every, tmp_path):
    arguments = settings(dynamics, sampling, updates=19)
    whole = train(**arguments, measures={"bias": cut_short_after(100)})
    arguments |= {"checkpoint": tmp_path / "run", "checkpoint_every": every}
    for _ in range(2):  # cut short twice
        with pytest.raises(Cut):
            train(**arguments, measures={"bias": cut_short_after(3)})
    assert any(0 < marks < 7 for marks in kept_marks(tmp_path / "run", 2))
    xr.testing.assert_identical(train(**arguments, measures={"bias": cut_short_after(100)}), whole)
    # all is there now: nothing is measured any more
    xr.testing.assert_identical(train(**arguments, measures={"bias": cut_short_after(0)}), whole)


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


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow("seconds, as of the other signal"))]
)
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
    before = kept_marks(folder, 3)
    assert before
    assert len(before) < 3 or min(before) < 20
    arguments = (mlp(64, 6, 10), DIGITS, SGDConfig(0.1, 5, 60, 0.9), 600, 3)
    again = train(*arguments, evaluate_every=30, checkpoint=folder)
    xr.testing.assert_identical(again, train(*arguments, evaluate_every=30))


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
    (run / "run.json").write_text('{"format": 1, "arguments": {}}')
    with pytest.raises(ValueError, match="checkpoint must be a folder of this version"):
        train(**settings(checkpoint=run))
    (run / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"has a damaged run\.json"):
        train(**settings(checkpoint=run))
    with pytest.raises(ValueError, match="model must accept inputs"):
        train(**settings(model=mlp(63, 10), checkpoint=tmp_path / "new"))
    assert not (tmp_path / "new").exists()


STATE = {"weights/w": np.arange(3.0), "values": np.full((2, 1, 4), np.nan), "marks": np.array(2)}


def saved(folder):
    made = open_checkpoint(folder, {"seed": 1})
    made.save(0, STATE)
    return made, folder / "group-0000.npz"


def test_a_file_is_plain_numpy_and_comes_back_as_it_was(tmp_path):
    made, file = saved(tmp_path)
    with np.load(file, allow_pickle=False) as plain:
        assert set(plain) == set(STATE)
    back = made.load(0, STATE)
    for name, array in STATE.items():
        np.testing.assert_array_equal(back[name], array)
    assert made.load(1, STATE) is None


@pytest.mark.parametrize("name", ["group-0000.npz", "run.json"])
def test_any_cut_and_any_flipped_bit_is_refused_with_the_name_of_the_file(name, tmp_path):
    saved(tmp_path)
    file, pristine = tmp_path / name, (tmp_path / name).read_bytes()
    wrong = [pristine[: len(pristine) * cut // 10] for cut in range(10)]
    wrong += [pristine[:-1], pristine + b"\n" if name != "run.json" else pristine[1:]]
    for place in range(0, len(pristine), 1 if name == "run.json" else 7):
        flipped = bytearray(pristine)
        flipped[place] ^= 1 << place % 8
        wrong.append(bytes(flipped))
    refused = 0
    for content in wrong:
        file.write_bytes(content)
        try:
            open_checkpoint(tmp_path, {"seed": 1}).load(0, STATE)
        except ValueError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017
            assert name in str(error) or name == "run.json"  # noqa: PT017
            refused += 1
        else:
            assert name == "run.json"  # a space that became another: the same JSON
            assert json.loads(content) == json.loads(pristine)
    assert refused >= len(wrong) - 1
    file.write_bytes(pristine)
    assert open_checkpoint(tmp_path, {"seed": 1}).load(0, STATE) is not None


def rewritten(file, change):
    """The arrays of a file changed and written by other means."""
    with np.load(file) as opened:
        arrays = change(dict(opened))
    np.savez(file, **arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "weights/0.weight": arrays["weights/0.weight"][:, :3]},
        lambda arrays: {**arrays, "weights/0.weight": arrays["weights/0.weight"] * 2},
        lambda arrays: {name: array for name, array in arrays.items() if name != "velocity/0.bias"},
        lambda arrays: {**arrays, "marks": np.array(3)},
    ],
)
def test_arrays_that_were_cut_changed_or_left_out_are_refused(change, tmp_path):
    train(**settings(checkpoint=tmp_path))
    rewritten(tmp_path / "group-0001.npz", change)
    with pytest.raises(ValueError, match=r"group-0001\.npz' is damaged, .* delete it to start these replicas anew"):
        train(**settings(checkpoint=tmp_path))


def test_a_state_of_another_run_or_another_replica_is_refused(tmp_path):
    """Both files are whole; a run that went on from one would end with other numbers."""
    train(**settings(checkpoint=tmp_path / "run"))
    train(**settings(checkpoint=tmp_path / "other", seed=1))
    first, second = tmp_path / "run" / "group-0000.npz", tmp_path / "run" / "group-0001.npz"
    own = first.read_bytes()
    for other in (second, tmp_path / "other" / "group-0000.npz"):
        first.write_bytes(other.read_bytes())
        with pytest.raises(ValueError, match=r"group-0000\.npz' is damaged, or of another run or place"):
            train(**settings(checkpoint=tmp_path / "run"))
    first.write_bytes(own)
    xr.testing.assert_identical(train(**settings(checkpoint=tmp_path / "run")), train(**settings()))


def test_a_state_with_other_arrays_than_the_runs_is_refused(tmp_path):
    made, _ = saved(tmp_path)
    for like in ({**STATE, "more": np.zeros(1)}, {**STATE, "weights/w": np.zeros(4)}, {"marks": STATE["marks"]}):
        with pytest.raises(ValueError, match=r"group-0000\.npz' must hold the arrays .* of this run"):
            made.load(0, like)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "checkpoint must be the path of a folder, or None for no checkpoint, got ''"),
        (5, "checkpoint must be the path of a folder, got 5"),
        (False, "checkpoint must be the path of a folder, got False"),
        (b"run", "checkpoint must be the path of a folder, got b'run'"),
        ("a\0b", "or None for no checkpoint, got 'a"),
        (["run"], r"checkpoint must be the path of a folder, got \['run'\]"),
    ],
)
def test_what_is_no_path_is_refused(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        train(**settings(checkpoint=path))
    assert not os.listdir(tmp_path)


def test_a_tilde_is_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert open_checkpoint("~/runs/first", {}).path == tmp_path / "runs" / "first"
    assert os.listdir(tmp_path) == ["runs"]


def test_files_are_plain_and_replaced_as_a_whole(tmp_path, monkeypatch):
    made = open_checkpoint(tmp_path / "a" / "b", {"seed": 1})
    made.save(0, {"x": np.ones(3)})
    assert json.loads((tmp_path / "a" / "b" / "run.json").read_text())["arguments"] == {"seed": 1}

    def full(handle):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        made.save(0, {"x": np.zeros(3)})
    like = {"x": np.empty(3)}
    assert made.load(0, like)["x"].tolist() == [1, 1, 1]
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["group-0000.npz", "run.json"]
    assert made.load(1, like) is None
    monkeypatch.undo()
    np.savez(tmp_path / "a" / "b" / "group-0002.npz", x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="damaged"):  # no object is ever unpickled
        made.load(2, like)


@pytest.mark.parametrize(
    ("config", "schedule"),
    [(SGDConfig(0.05, 25, 60, sampling="reshuffle"), None), (SGDConfig(0.05, 5, 60), [5] * 5 + [30] * 7)],
)
def test_noise_that_changes_with_the_batch_goes_on_where_it_was(config, schedule, tmp_path):
    arguments = (mlp(64, 6, 10), DIGITS, config, 12)
    options = {"noise": "isotropic", "evaluate_every": 4, "batch_sizes": schedule}
    whole = train(*arguments, **options, measures={"bias": cut_short_after(99)})
    with pytest.raises(Cut):
        train(*arguments, **options, measures={"bias": cut_short_after(1)}, checkpoint=tmp_path)
    assert kept_marks(tmp_path, 1) == [1]
    again = train(*arguments, **options, measures={"bias": cut_short_after(99)}, checkpoint=tmp_path)
    np.testing.assert_array_equal(again.bias, whole.bias)
