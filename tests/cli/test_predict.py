"""`sgdsde predict` against numbers worked out by hand, and its notes."""

import math

import pytest
from click.testing import CliRunner

from sgdsde import SGDConfig
from sgdsde.cli import app
from sgdsde.cli.predict import notes, rows


def test_values_are_those_of_smith_and_le():
    values = {quantity: value for quantity, _, value in rows(SGDConfig(0.1, 4, 64, momentum=0.5), 2.0)}
    assert values["noise scale"] == pytest.approx(0.1 * (64 / 4 - 1) / 0.5)
    assert values["temperature"] == pytest.approx(3.0 / 64)
    assert values["time of an update, summed cost"] == pytest.approx(0.1 / (64 * 0.5))
    assert values["stability limit of ε at h = 2"] == pytest.approx(1.5)
    assert values["stationary variance over F, SDE"] == pytest.approx(3.0 / 64 / 4)
    c = 1 / 4 - 1 / 64
    exact = 0.1 * c * 1.5 / (2.0 * 0.5 * (2 * 1.5 - 0.1 * 2.0))
    assert values["stationary variance over F, SGD, exact"] == pytest.approx(exact)


def test_momentum_makes_sgd_slow_to_forget():
    values = {quantity: value for quantity, _, value in rows(SGDConfig(0.1, 4, 64, momentum=0.999), 1.0)}
    assert values["updates in which the SDE forgets"] == pytest.approx(0.01)
    assert values["the same, the slower of SDE and SGD"] == pytest.approx(-2 / math.log(0.999), rel=1e-9)


def noted(*config, curvature=None, **more):
    return " ".join(notes(SGDConfig(*config, **more), curvature))


def test_a_run_that_theory_describes_has_no_note():
    assert noted(0.01, 4, 6400, curvature=1.0) == ""


def test_notes_tell_where_theory_fails():
    assert "g = 0 (the usual εN/(B(1 − m)) is 0.1)" in noted(0.1, 64, 64)
    assert "= 0.2 is 2 × the noise scale" in noted(0.1, 32, 64)
    assert "below the stability limit 2:" in noted(2.5, 4, 64, curvature=1.0)
    assert "variance is 2 × the SDE's" in noted(1.0, 1, 6400, curvature=1.0)
    assert "2.311 times" in noted(0.1, 4, 64, curvature=1.0, sampling="reshuffle")
    assert "--curvature" in noted(0.1, 4, 64, sampling="reshuffle")
    assert "one permutation cancel" in noted(0.1, 4, 64, curvature=1.0, sampling="shuffle_once")
    assert "4 examples of each epoch make a smaller batch" in noted(0.1, 6, 64, curvature=1.0, sampling="reshuffle")
    left_out = noted(0.1, 6, 64, curvature=1.0, sampling="reshuffle", drop_last=True)
    assert "4 examples of each epoch are left out" in left_out


def test_the_table_and_the_notes_are_printed():
    arguments = "predict --learning-rate 0.1 --batch-size 4 --n-examples 64 --curvature 1 --sampling reshuffle"
    result = CliRunner().invoke(app, arguments.split())
    assert result.exit_code == 0
    assert "noise scale" in result.stdout
    assert "1.5" in result.stdout
    assert "Note: reshuffled batches" in result.stdout
