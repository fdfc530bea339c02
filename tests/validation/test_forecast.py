"""What is said of how long training will take."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from validation.context import Context
from validation.mnist import forecast as module
from validation.mnist.cells.training import trained
from validation.mnist.forecast import forecast, seconds
from validation.mnist.networks import Cells

SIZE = SimpleNamespace(n_examples=30, hidden=5, random_share=0.0, replicas=2)
OWN = {"learning_rate": 0.1, "momentum": 0.0, "sampling": "with_replacement", "updates": 3, "readings": 1}
JOBS = [Cells("batch_size", (2, 4), OWN)]
FIXED = {"source": "digits", "device": "cpu", **vars(SIZE), **OWN}


@pytest.fixture
def said(monkeypatch):
    """A second for each example of an update, and 512 for one of evaluations, whatever the machine."""
    monkeypatch.setattr(module, "_update", lambda hidden, batch_size, device: float(batch_size))
    return []


def context(said, tmp_path, preset="full"):
    from validation.context import Place

    return Context("one", preset, (1, 2), None, say=said.append, place=Place(tmp_path))


@pytest.mark.networks
def test_cells_in_the_store_take_no_time(said, tmp_path):
    whole = context(said, tmp_path)
    forecast(whole, trained, "digits", SIZE, JOBS, "a")
    whole.sweep(trained, {"batch_size": [2]}, FIXED, "a")
    forecast(whole, trained, "digits", SIZE, JOBS, "a")
    whole.sweep(trained, {"batch_size": [2, 4]}, FIXED, "a")
    forecast(whole, trained, "digits", SIZE, JOBS, "a")
    counts = [re.match(r"one: (\d) of 4 cells are to be trained", text)[1] for text in said]
    assert counts == ["4", "2", "0"]
    assert said[2].endswith("trained")
    found = [seconds(FIXED, b) for b in (2, 4)]
    assert found[1] - found[0] == 2 * 3 * (4 - 2)  # replicas, updates, examples
    assert [seconds({**FIXED, "marks": (1, 3)}, b) - seconds({**FIXED, "readings": 2}, b) for b in (2, 4)] == [0, 0]


def test_time_grows_in_proportion_beyond_what_was_timed(said):
    two = [seconds({**FIXED, "updates": 10**6}, b) for b in (512, 2048)]
    assert two[1] / two[0] == pytest.approx(4, rel=1e-2)


def test_other_presets_say_nothing(said, tmp_path):
    forecast(context(said, tmp_path, "quick"), trained, "digits", SIZE, JOBS, "a")
    assert not said
