import json
import sqlite3

import pytest

from sgdsde.cli.main import app
from sgdsde.sweeps import failures
from sgdsde.sweeps.functions import FUNCTIONS, stationary_variance

VARIANCE = """
function = "stationary_variance"
[fixed]
n_examples = 1000
[grid]
learning_rate = [0.01, 0.1]
batch_size = [1, 16]
"""


@pytest.fixture
def run(capsys, tmp_path):
    def call(text, *options):
        file = tmp_path / "sweep.toml"
        file.write_text(text)
        with pytest.raises(SystemExit) as stopped:
            app(["sweep", str(file), *options])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return call


def test_a_grid_is_run_written_and_not_run_again(run, tmp_path, monkeypatch):
    status, out, error = run(VARIANCE)
    assert (status, error) == (0, "")
    assert "Sweep of stationary_variance: 4 of 4 cells done" in out
    assert (tmp_path / "sweep.csv").read_text().splitlines()[0] == "learning_rate,batch_size,sde,sgd"
    written = json.loads((tmp_path / "sweep.json").read_text())
    assert written["data_vars"]["sgd"]["data"][1][0] == stationary_variance(0.1, 1, 1000)["sgd"]
    monkeypatch.setattr("sgdsde.sweeps.loop.Loop._fill", lambda self, todo: next(todo, None) is not None and 1 / 0)
    assert run(VARIANCE) == (0, out, "")


def test_a_store_of_its_own_and_failures(run, tmp_path):
    text = VARIANCE.replace("0.1]", "5.0]").replace("[fixed]", 'store = "runs/own.db"\n[fixed]')
    status, out, error = run(text)
    assert status == 1
    assert "2 of 4 cells done" in out
    assert "2 of 4 cells failed" in error
    assert "learning_rate must be below the stability limit" in error
    assert "--retry-failed runs them again" in error
    assert "Traceback" in (tmp_path / "runs" / "own.failures.txt").read_text()
    assert len(failures(tmp_path / "runs" / "own.db")) == 2
    assert (tmp_path / "runs" / "own.csv").exists()
    assert run(text, "--retry-failed")[0] == 1


@pytest.mark.parametrize(
    "text",
    [
        """
        function = "exit_time"
        [fixed]
        loss = "x**4/4 - x**2/2"
        noise_covariance = 8.0
        w0 = -1.0
        stop = "x > 0"
        n_examples = 64
        paths = 50
        [grid]
        learning_rate = [0.05]
        batch_size = [1, 2]
        """,
        """
        function = "evidence"
        [fixed]
        n_train = 40
        features = 5
        [grid]
        regularization = [0.1, 10.0]
        labels = ["random", "informative"]
        """,
    ],
)
def test_other_functions(run, text):
    status, out, error = run(text)
    assert (status, error) == (0, "")
    assert "nan" not in out.lower()


def test_the_error_of_an_expression_keeps_its_lines(run, tmp_path):
    text = """
        function = "exit_time"
        fixed = {w0 = -1.0, stop = "x > 0", n_examples = 64, learning_rate = 0.05, batch_size = 1}
        grid.loss = ["x**4 +* 2"]
        """
    status, out, error = run(text)
    assert status == 1
    assert "0 of 1 cells done" in out
    lines = error.splitlines()
    assert lines[0] == "1 of 1 cells failed:"
    assert "loss='x**4 +* 2'" in lines[1]
    assert "ValueError: loss: it does not read as an expression (invalid syntax)" in lines[1]
    assert lines[2].index("x**4 +* 2") + len("x**4 +") == lines[3].index("^")  # under the sign that is too many
    assert lines[4] == "--retry-failed runs them again"
    assert "\n".join(line[2:] for line in lines[1:4]) in (tmp_path / "sweep.failures.txt").read_text()


def test_a_store_at_home(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    status, _, error = run(VARIANCE.replace("[fixed]", 'store = "~/runs/own.db"\n[fixed]'))
    assert (status, error) == (0, "")
    assert {each.name for each in (tmp_path / "home" / "runs").iterdir()} == {
        "own.db", "own.db.lock", "own.csv", "own.json",
    }  # fmt: skip


def test_an_altered_cell_is_named_with_its_store(run, tmp_path):
    assert run(VARIANCE)[0] == 0
    with sqlite3.connect(tmp_path / "sweep.sqlite") as connection:
        connection.execute("UPDATE cells SET data = zeroblob(16) WHERE rowid = 1")
    connection.close()
    status, _, error = run(VARIANCE)
    assert status == 2
    assert "sweep.sqlite' is damaged: the cell learning_rate=0.01, batch_size=1 is not as it was kept" in error
    assert "--retry-failed runs it again" in error
    assert run(VARIANCE, "--retry-failed")[0] == 0


def test_ctrl_c_says_what_is_kept(run, monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "evidence", stops)
    status, _, error = run('function = "evidence"\n[grid]\nregularization = [1.0, 2.0, 3.0]')
    assert status == 130
    assert "2 of 3 cells are in" in error
    assert error.endswith("sgdsde: interrupted\n")


def stops(regularization):
    if regularization == 3.0:
        raise KeyboardInterrupt
    return regularization


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("function = ", "sweep.toml is not TOML: Invalid value (at"),
        ("[grid]\nx = [1]", "the key function is missing"),
        ('function = "evidence"', "the key grid is missing"),
        ("functoin = 1", "the key functoin is unknown, use function, store"),
        ("function = 3", "function must be text, got 3"),
        (VARIANCE.replace("[fixed]", "in_flight = true\n[fixed]"), "in_flight must be an integer, got True"),
        (VARIANCE.replace("[fixed]", "in_flight = 0\n[fixed]"), "in_flight must be an integer of at least 1, got 0"),
        ('function = "os.system"\n[grid]\nx = [1]', "function must be one of stationary_variance, exit_time, evidence"),
        (VARIANCE.replace("batch_size", "batch"), "grid.batch is no argument of stationary_variance: learning_rate"),
        (VARIANCE.replace("n_examples", "examples"), "fixed.examples is no argument of stationary_variance"),
        (VARIANCE.replace("[1, 16]", "16"), "grid.batch_size must be a list of values, got 16"),
        (VARIANCE.replace("[1, 16]", "[]"), "grid['batch_size'] must hold one value or more"),
        (VARIANCE.replace("[1, 16]", "[2020-01-01]"), "grid['batch_size'] must be None, a bool, a number"),
        (VARIANCE.replace("n_examples = 1000", ""), "stationary_variance needs n_examples, in grid or fixed"),
        (VARIANCE + '[executor]\nhost = "x"', "executor.host is unknown, use address, tls_ca_file"),
        (VARIANCE + "[executor]\naddress = 1", "executor.address must be text, got 1"),
        (VARIANCE + '[executor]\ntls_ca_file = "x"', "executor.address is missing"),
        (VARIANCE + '[executor]\naddress = "tls://x:1"\ntls_ca_file = "x"', "executor.tls_client_cert is missing"),
        (VARIANCE.replace("[fixed]", 'executor = "slurm"\n[fixed]'), "executor must be None, an Executor"),
        (
            VARIANCE.replace("[fixed]", 'store = ":memory:"\n[fixed]'),
            "store must be the path of a file, got ':memory:'",
        ),
        (VARIANCE.replace("[fixed]", 'store = ""\n[fixed]'), "store must be the path of a file"),
        (VARIANCE.replace("[fixed]", 'store = "."\n[fixed]'), "store must be the path of a file, got '.'"),
        (VARIANCE.replace("[fixed]", 'store = "sweep.toml/s"\n[fixed]'), "toml: the folder of store, '"),
    ],
)
def test_bad_files_end_in_one_line_that_names_the_key(run, tmp_path, text, message):
    status, _, error = run(text)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "sweep.csv").exists()


def test_other_code_in_the_store(run, monkeypatch):
    run(VARIANCE)
    monkeypatch.setattr("sgdsde.sweeps.version.library_version", lambda: "0.0.1 other")
    status, _, error = run(VARIANCE)
    assert status == 2
    assert "holds results of other code, stationary_variance" in error
    assert "this is stationary_variance (code" in error
    assert "what differs: sgdsde." in error
    assert "sgdsde 0.0.1 other" in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there(capsys):
    with pytest.raises(SystemExit):
        app(["sweep", "absent.toml"])
    assert "FILE absent.toml cannot be read: No such file or directory" in capsys.readouterr().err
