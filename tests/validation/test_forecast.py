"""What is said of how long training will take."""

from __future__ import annotations

import re

import pytest

from validation.context import Context
from validation.mnist import forecast as module
from validation.mnist.cells.training import trained
from validation.mnist.forecast import Planned, forecast

FIXED = {
    "source": "digits", "n_examples": 30, "hidden": 5, "learning_rate": 0.1, "momentum": 0.0, "random_share": 0.0,
    "sampling": "with_replacement", "updates": 3, "readings": 1, "replicas": 2, "device": "cpu",
}  # fmt: skip
PLANS = [Planned((2, 4), FIXED, 3, 1)]


@pytest.fixture
def said(monkeypatch):
    """A second for each example of an update, and 512 for one of evaluations, whatever the machine."""
    monkeypatch.setattr(module, "_update", lambda hidden, batch_size, device: float(batch_size))
    return []


def context(said, tmp_path, preset="full"):
    from validation.context import Place

    return Context("one", preset, (1, 2), None, say=said.append, place=Place(tmp_path))


def test_cells_in_the_store_take_no_time(said, tmp_path):
    whole = context(said, tmp_path)
    forecast(whole, trained, "a", PLANS)
    whole.sweep(trained, {"batch_size": [2]}, FIXED, "a")
    forecast(whole, trained, "a", PLANS)
    whole.sweep(trained, {"batch_size": [2, 4]}, FIXED, "a")
    forecast(whole, trained, "a", PLANS)
    counts = [re.match(r"one: (\d) of 4 cells are to be trained", text)[1] for text in said]
    assert counts == ["4", "2", "0"]
    assert said[2].endswith("trained")
    seconds = [PLANS[0].seconds(b, "cpu") for b in (2, 4)]
    assert seconds[1] - seconds[0] == 2 * 3 * (4 - 2)  # replicas, updates, examples


def test_time_grows_in_proportion_beyond_what_was_timed(said):
    two = [Planned((b,), FIXED, 10**6, 1).seconds(b, "cpu") for b in (512, 2048)]
    assert two[1] / two[0] == pytest.approx(4, rel=1e-2)


def test_other_presets_say_nothing(said, tmp_path):
    forecast(context(said, tmp_path, "quick"), trained, "a", PLANS)
    assert not said
