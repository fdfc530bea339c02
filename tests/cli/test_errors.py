"""Bad input on the command line: one line that names the option, exit status 2, no traceback, before any work."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from tables import every

from sgdsde.cli import app
from sgdsde.cli.names import on_the_command_line

RUN = ["--learning-rate", "0.1", "--batch-size", "4", "--n-examples", "64"]
SMALL = ["--updates", "20", "--paths", "8"]


def fails(arguments, status=2, lines=1):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.count("\n") == lines
    assert result.stderr.startswith("sgdsde: ")
    return result.stderr


@every(
    ("changed", "named"),
    [
        (["--learning-rate", "-1"], "--learning-rate"),
        (["--learning-rate", "fast"], "--learning-rate"),
        (["--learning-rate", "nan"], "--learning-rate"),
        (["--batch-size", "65"], "--batch-size"),
        (["--batch-size", "0"], "--batch-size"),
        (["--batch-size", "65", "--sampling", "shuffle_once"], "--batch-size"),
        (["--drop-last"], "--drop-last"),
        (["--n-examples", "1"], "--n-examples"),
        (["--momentum", "1"], "--momentum"),
        (["--sampling", "randomly"], "--sampling"),
        (["--curvature", "0"], "--curvature"),
        (["--curvature", "inf"], "--curvature"),
        (["--colour", "red"], "--colour"),
        (["surplus"], "surplus"),
    ],
)
def test_predict_names_the_option(changed, named):
    assert named in fails(["predict", *RUN, *changed])


def test_what_is_missing_is_named():
    assert "--learning-rate" in fails(["predict", "--batch-size", "4", "--n-examples", "64"])
    assert "LOSS" in fails(["compare", *RUN])
    assert "forecast" in fails(["forecast"])


@pytest.mark.parametrize(
    ("loss", "changed", "named"),
    [
        ("x**2", ["--variables", "1x"], "--variables"),
        ("a*x**2", ["--parameter", "a"], "--parameter"),
        ("a*x**2", ["--parameter", "a=b"], "--parameter"),
        ("a*x**2", ["--parameter", "a=inf"], "--parameter"),
        ("quadratic", ["--parameter", "k=1"], "--parameter"),
        ("x**2", ["--noise-covariance", "1, 0; 0, 1"], "--noise-covariance"),
        ("x**2", ["--noise-covariance", "-1"], "--noise-covariance"),
        ("x**2", ["--noise-factor", "1; 2"], "--noise-factor"),
        ("x**2", ["--noise-factor", "1", "--noise-covariance", "1"], "--noise-factor"),
        ("x**2", ["--w0", "1,2"], "--w0"),
        ("x**2", ["--w0", "left"], "--w0"),
        ("x**2", ["--w0", "nan"], "--w0"),
        ("x**2", ["--updates", "0"], "--updates"),
        ("x**2", ["--paths", "0"], "--paths"),
        ("x**2", ["--burn-in", "20"], "--burn-in"),
        ("x**2", ["--burn-in", "-1"], "--burn-in"),
        ("x**2", ["--substeps", "0"], "--substeps"),
        ("x**2", ["--seed", "-1"], "--seed"),
        ("x**2", ["--examples", "cauchy"], "--examples"),
        ("x**2", ["--examples", "student_t:1"], "--examples"),
        ("x**2", ["--engine", "steam"], "--engine"),
        pytest.param("x**2", ["--engine", "torch", "--device", "nowhere"], "--device", marks=pytest.mark.networks),
        ("x**2", ["--output", "picture.png"], "--output must be a folder"),
        ("x**2", ["--output", "/dev/null/folder"], "--output"),
    ],
)
def test_compare_names_the_option(loss, changed, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named in fails(["compare", loss, *RUN, *SMALL, *changed])
    assert not list(tmp_path.iterdir())


@every(
    ("loss", "changed", "named", "excerpt"),
    [
        ("x**2/2 +", [], "LOSS", "x**2/2 +"),
        ("__import__('os')", [], "LOSS", "__import__('os')"),
        ("x**2 + y", [], "LOSS", "x**2 + y"),
        ("9**9**9*x", [], "LOSS", "9**9**9*x"),
        ("x**2", ["--noise-covariance", "z"], "--noise-covariance", "z"),
        ("x**2", ["--noise-covariance", "1 + * x"], "--noise-covariance", "1 + * x"),
    ],
)
def test_an_expression_is_shown_with_the_place_that_is_wrong(loss, changed, named, excerpt):
    said = fails(["compare", loss, *RUN, *SMALL, *changed], lines=3)
    assert said.startswith(f"sgdsde: {named}")
    _, shown, mark = said.splitlines()
    assert shown == f"    {excerpt}"
    assert mark.strip() == "^"


@pytest.mark.parametrize("command", [["compare"], ["escape", "--stop", "x > 1"]])
def test_what_was_meant_is_suggested(command):
    assert "did you mean valley?" in fails([*command, "vally", *RUN])
    assert "no named landscape. `sgdsde landscapes` lists" in fails([*command, "qqqq", *RUN])
    said = fails([*command, "-x**2/2", *RUN])
    assert "-x" in said
    assert "goes last, after --" in said
    assert "after --" not in fails([*command, "x**2", *RUN, "--pathss", "3"])
    assert "compare" in fails(["compair"])


def test_a_loss_with_a_minus_is_taken_after_the_hint():
    small = ["--engine", "numpy", "--updates", "20", "--paths", "8", "--substeps", "1"]
    result = CliRunner().invoke(app, ["compare", *RUN, *small, "--w0", "1", "--", "-x**2/2 + x**4/4"])
    assert result.exit_code == 0, result.output


def test_arguments_of_the_library_get_their_names_on_the_command_line():
    message = "batch_size must divide n_examples = 64 when sampling is 'reshuffle', got 5"
    assert (
        on_the_command_line(message) == "--batch-size must divide --n-examples = 64 when sampling is 'reshuffle', got 5"
    )
    assert on_the_command_line("parameters['a'] must be a number") == "--parameter a must be a number"
    assert on_the_command_line("noise_covariance must be finite at w0") == "--noise-covariance must be finite at --w0"


def test_an_unknown_name_is_answered_with_what_makes_it_known():
    error = fails(["compare", "x**2 + y**2", *RUN], lines=3)
    assert "y is not a known name" in error
    assert "--variables 'x y' and --parameter NAME=NUMBER\n    x**2 + y**2\n" in error


@pytest.mark.parametrize("place", ["sgdsde.cli.main", "click", "rich.console", "numpy"])
def test_an_interrupt_while_the_command_loads_is_one_line(place):
    interrupted = f"""
import sys
class Interrupt:
    def find_spec(self, name, *rest):
        if name == {place!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from sgdsde.cli import command
command()
"""
    ended = subprocess.run([sys.executable, "-c", interrupted], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "\nsgdsde: interrupted\n")


def test_the_installed_command_is_the_one_that_ends_in_one_line():
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"sgdsde": "sgdsde.cli:command"}


@pytest.mark.parametrize("command", [["landscapes"], ["predict", *RUN]])
def test_a_narrow_terminal_cuts_nothing_off(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    shown = CliRunner().invoke(app, command).stdout
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 40
