"""`sgdsde diagnose`: landscapes, networks, and what is refused."""

import json

import pytest
from click.testing import CliRunner
from tables import every

from sgdsde.cli import app

RUN = ["--learning-rate", "0.1", "--batch-size", "4", "--n-examples", "64"]


def printed(*arguments):
    result = CliRunner().invoke(app, ["diagnose", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@every(
    ("arguments", "said"),
    [
        (["quadratic", *RUN, "--sampling", "reshuffle"], "No: the SDE's variance is 2.31 times SGD's"),
        (["x**4/4 - x**2/2", *RUN, "--w0", "0.5"], "minimum at x = 1"),
        (["(x**2 + 4*y**2)/2", *RUN, "--variables", "x y", "--momentum", "0.9"], "SDE with momentum"),
        (["multiplicative", *RUN, "--parameter", "r=100"], "does not stay here"),
        (["quadratic", *RUN, "--sampling", "reshuffle", "--driver", "epoched"], "epoched Brownian motion"),
        (["quadratic", *RUN, "--examples", "student_t:3"], "non-normal batches"),
    ],
)
def test_landscapes_are_diagnosed(arguments, said):
    assert said in printed(*arguments)


def test_the_dictionary_is_written(tmp_path):
    shown = printed("quadratic", *RUN, "--batch-size", "64", "--output", str(tmp_path))
    assert "diagnosis.json" in shown
    text = (tmp_path / "diagnosis.json").read_text("utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["verdict"] == "negligible"
    assert '"Infinity"' in text  # T = ε/B where there is no noise


@pytest.mark.networks
def test_networks_are_diagnosed():
    shown = printed("--network", "64-8-10", "--train", "20", *RUN)
    assert "network of 610 weights" in shown
    assert "mnist_sde" in shown


@every(
    ("arguments", "said"),
    [
        (RUN, "give a LANDSCAPE or --network"),
        (["quadratic", *RUN, "--network", "64-10"], "give a LANDSCAPE or --network"),
        (["quadratc", *RUN], "did you mean quadratic?"),
        (["double_well", *RUN, "--w0", "0"], "--w0 must be in a well"),
        (["valley_of_minima", *RUN], "--w0 must be above a minimum"),
        (["quadratic", *RUN, "--driver", "epoched"], "--driver must be 'brownian'"),
        (["quadratic", *RUN, "--train", "5"], "--train and --updates are for a --network"),
        (["--network", "64-10", *RUN, "--w0", "0"], "are for a LANDSCAPE"),
        (["--network", "wide", *RUN], "--network must be widths such as"),
        (["--network", "64-10", *RUN, "--data", "cifar"], "--data must be one of digits, mnist"),
        (["quadratic", *RUN, "--examples", "cauchy"], "--examples must be one of"),
        (["quadratic", *RUN, "--learning-rate", "0"], "--learning-rate"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(arguments, said):
    result = CliRunner().invoke(app, ["diagnose", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
