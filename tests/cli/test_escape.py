"""`sgdsde escape` from the command line to the table and the pictures, at small sizes; and bad input."""

import csv
import functools
import json
import re

import pytest
from click.testing import CliRunner
from PIL import Image

from sgdsde import plotting
from sgdsde.cli import app
from sgdsde.escapes import escape_study

RUN = ["--learning-rate", "0.05", "--batch-size", "1", "--n-examples", "64", "--noise-covariance", "8"]
SMALL = ["--updates", "120", "--paths", "40", "--engine", "numpy"]
WELL = ["double_well", *RUN, "--w0=-1", "--stop", "x > 0"]


def escape(*arguments, status=0):
    result = CliRunner().invoke(app, ["escape", *arguments])
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result


def fails(*arguments):
    result = escape(*arguments, status=2)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 or result.stderr.endswith("^\n")  # one line, or the place in an expression
    assert result.stderr.startswith("sgdsde: ")
    return result.stderr


@pytest.fixture
def few_frames(monkeypatch):
    """An animation of three frames in place of forty; how many it has is the animation's own test."""
    monkeypatch.setattr("sgdsde.plotting.escape_animation", functools.partial(plotting.escape_animation, frames=3))


@pytest.mark.usefixtures("few_frames")
def test_table_and_pictures(tmp_path):
    folder = tmp_path / "new" / "escape"
    output = escape(*WELL, *SMALL, "--batch-sizes", "1,2", "--output", str(folder)).stdout
    assert "Run        SGD with ε = 0.05, B = 1, 2, N = 64," in output
    assert "Mean exit times in updates, from (-1) to x > 0; 40 paths of each" in output
    assert sorted(file.name for file in folder.iterdir()) == [
        "paths.gif", "paths.png", "survival.png", "table.csv", "table.json", "times.png",
    ]  # fmt: skip
    assert (folder / "paths.gif").read_bytes().startswith(b"GIF89a")
    for file in folder.iterdir():
        assert f"Written: {file}" in output
    with (folder / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["dynamics"], row["batch_size"]) for row in rows] == [
        ("SDE", "1"), ("SDE", "2"), ("SGD", "1"), ("SGD", "2"),
    ]  # fmt: skip
    assert float(rows[0]["exact"]) == pytest.approx(162.587, rel=1e-4)
    assert sum(int(rows[0][name]) for name in ("exits", "censored")) == 40
    stored = json.loads((folder / "table.json").read_text())
    assert stored["data_vars"]["kramers"]["data"][0] is None
    assert stored["attrs"]["stop"] == "x > 0"
    assert f"{float(rows[0]['mean_exit_time']):.5g} ±" in output


@pytest.mark.usefixtures("few_frames")
def test_one_batch_size_has_no_picture_of_times_against_it(tmp_path):
    (tmp_path / "table.csv").write_text("old")
    output = escape(*WELL, *SMALL, "--output", str(tmp_path)).stdout
    names = {"paths.gif", "paths.png", "survival.png", "table.csv", "table.json"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert f"Replaced: {tmp_path / 'table.csv'}" in output
    assert output.count("Written: ") == 4
    with Image.open(tmp_path / "paths.gif") as picture:
        assert picture.n_frames == 3


def test_a_few_exits_are_told_apart_from_a_measurement():
    cold = ["double_well", *RUN[:-1], "2", "--w0=-1", "--stop", "x > 0", "--engine", "numpy", "--paths", "60"]
    output = escape(*cold, "--updates", "300").stdout
    rows = {line.split()[2]: line for line in output.splitlines() if line.startswith("1 ")}
    counts = {label: int(re.search(r"(\d+) of 60", row)[1]) for label, row in rows.items()}
    assert any(0 < count < 10 for count in counts.values())
    for label, count in counts.items():
        assert ("±" in rows[label]) == (count >= 10)
        assert (f"{label} at B = 1" in output.partition("Fewer than 10 paths ended")[2]) == (count < 10)


def test_the_table_is_no_wider_than_the_terminal(monkeypatch):
    once = functools.cache(lambda: escape_study(*given[0], **given[1]))
    given = []

    def study(*arguments, **options):
        given[:] = arguments, options
        return once()

    monkeypatch.setattr("sgdsde.escapes.escape_study", study)
    for width, tables in {60: 2, 120: 1}.items():
        monkeypatch.setenv("COLUMNS", str(width))
        output = escape(*WELL, *SMALL, "--batch-sizes", "1,2").stdout
        assert max(map(len, output.splitlines())) <= width
        assert output.count("dynamics") == tables


@pytest.mark.slow("an equation in two dimensions, and an animation")
def test_paths_are_drawn_in_two_variables(tmp_path):
    loss = ["x**4/4 - x**2/2 + y**2/2", "--variables", "x y", "--learning-rate", "0.05", "--batch-size", "1"]
    noise = ["--n-examples", "64", "--noise-covariance", "8, 0; 0, 8", "--w0=-1,0", "--stop", "x > 0"]
    escape(*loss, *noise, *SMALL, "--output", str(tmp_path))
    assert (tmp_path / "paths.png").read_bytes().startswith(b"\x89PNG")


def test_the_start_is_a_minimum_unless_told_otherwise():
    output = escape("double_well", *RUN, *SMALL, "--stop", "x > 0").stdout
    assert "from (-1) to x > 0" in output


def test_a_region_that_is_not_reached_is_censored_and_warned_of(tmp_path):
    far = [*WELL[:-1], "x > 2.5", *SMALL, "--output", str(tmp_path)]
    result = escape(*far, status=1)
    assert "Warning: none of 40 paths reached out within 120 updates" in result.stdout
    assert "> 1602" in result.stdout  # 40 · 120/ln 20: the lower bound
    assert "sgdsde: no path has left: --updates 120 is too short, or --stop out of reach" in result.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["table.csv", "table.json"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (["--w0", "1"], "--w0 must be outside of --stop"),
        (["--w0", "1,2"], "--w0 must have shape"),
        (["--w0", "left"], "--w0"),
        (["--stop", "x > z"], "--stop: z"),
        (["--stop", "x"], "--stop: 'x' is no comparison"),
        (["--stop", ""], "--stop"),
        (["--batch-sizes", "1,a"], "--batch-sizes"),
        (["--batch-sizes", "0"], "--batch-sizes"),
        (["--batch-sizes", "1,64"], "--batch-sizes must leave SGD some noise"),
        (["--batch-sizes", "65"], "--batch-sizes must be at most"),
        (["--batch-size", "0"], "--batch-size"),
        (["--saddle", "1,2"], "--saddle must have shape"),
        (["--saddle", "top"], "--saddle"),
        (["--paths", "1"], "--paths"),
        (["--updates", "0"], "--updates"),
        (["--seed", "-1"], "--seed"),
        (["--examples", "cauchy"], "--examples"),
        (["--engine", "steam"], "--engine"),
        (["--noise-covariance", "-1"], "--noise-covariance"),
        (["--noise-factor", "1"], "--noise-factor"),
        (["--output", "/dev/null/escape"], "--output"),
        (["surplus"], "surplus"),
    ],
)
def test_bad_input_names_the_option(changed, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named in fails(*WELL, *SMALL, "--output", "made", *changed)
    assert not list(tmp_path.iterdir())


def test_a_saddle_that_is_not_there(tmp_path):
    bowl = ["x**2/2", *RUN, *SMALL, "--w0", "0", "--stop", "x > 1", "--output", str(tmp_path / "made")]
    assert "--saddle must be near a saddle of the landscape" in fails(*bowl, "--saddle", "1")
    assert "--w0 must lead down to a minimum" in fails(*WELL, *SMALL, "--w0", "0", "--stop", "x > 1", "--saddle", "0")
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_named():
    assert "--stop" in fails("double_well", *RUN)
    assert "LANDSCAPE" in fails(*RUN, "--stop", "x > 0")
