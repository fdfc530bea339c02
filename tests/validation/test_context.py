"""Seeds, and sweeps that claims share."""

from __future__ import annotations

import importlib
import logging

import numpy as np
import pytest
import xarray as xr

from validation.context import Context, Place

LOG = logging.getLogger("square")


@pytest.fixture
def calls(caplog):
    """What `square` was called with: a list in a global would be part of its code, and other code with every call."""
    return lambda: [int(message) for name, _, message in caplog.record_tuples if name == "square"]


def square(x: int, shift: int) -> float:
    """Raises at 13; counts its calls."""
    LOG.warning("%d", x)
    if x == 13:
        raise ValueError("thirteen")
    return float(x * x + shift)


def context(folder=None, claim="one", **more):
    return Context(claim, "smoke", more.pop("seeds", (5,)), None, place=Place(folder), **more)


def test_seeds_are_a_claims_own_or_common():
    assert context().seed("a") != context(claim="two").seed("a")
    assert context().common_seed("a") == context(claim="two").common_seed("a") != context().common_seed("b")


def test_what_one_claim_has_run_another_does_not_run_again(tmp_path, calls):
    told = []
    first = context(tmp_path, progress=told.append).sweep(square, {"x": [1, 2]}, {"shift": 1})
    second = context(tmp_path, "two").sweep(square, {"x": [2, 3]}, {"shift": 1})
    assert first.result.values.tolist() == [2, 5]
    assert second.result.values.tolist() == [5, 10]
    assert calls() == [1, 2, 3]
    assert told[-1] == 1


def test_results_are_of_all_files_beside_the_function(tmp_path, monkeypatch):
    room = tmp_path / "room_of_cells"
    room.mkdir()
    (room / "cell.py").write_text("def cell(x: int) -> float:\n    return float(x)\n")
    monkeypatch.syspath_prepend(room.parent)
    cell = importlib.import_module("room_of_cells.cell").cell
    counts = []
    for text in ("FACTOR = 1", "FACTOR = 1", "FACTOR = 2"):
        (room / "beside.py").write_text(text)
        context(tmp_path / "stores").sweep(cell, {"x": [1]}, {})
        counts.append(len(list((tmp_path / "stores").glob("*.sqlite"))))
    assert counts == [1, 1, 2]


def test_without_a_folder_nothing_stays(tmp_path, monkeypatch, calls):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        context().sweep(square, {"x": [4]}, {"shift": 0})
    assert calls() == [4, 4]
    assert not list(tmp_path.iterdir())


def test_a_cell_that_fails_is_told_with_its_traceback_and_the_others_are_kept(tmp_path, calls):
    with pytest.raises(RuntimeError, match=r"1 of 2 cells failed[\s\S]*x=13[\s\S]*thirteen"):
        context(tmp_path).sweep(square, {"x": [13, 6]}, {"shift": 0})
    context(tmp_path).sweep(square, {"x": [6]}, {"shift": 0})
    assert calls() == [13, 6]


def test_parts_of_the_progress():
    told = []
    part = context(progress=told.append).part(0.5, 1)
    part.progress(0)
    part.part(0, 0.5).progress(1)
    assert told == [0.5, 0.75]


def test_shares_of_the_work_are_as_large_as_it():
    told = []
    for item, share in context(progress=told.append).shares("ab", [1, 3]):
        share.progress(0.5)
        assert item in "ab"
    assert told == [0.125, 0.25, 0.625, 1]


def drawn(x: int, replicas: int, seed: int) -> xr.Dataset:
    noise = np.random.default_rng(seed).normal(size=replicas)
    return xr.Dataset({"value": ("replica", x + noise), "size": ((), float(x))})


def test_replicas_of_all_seeds_are_pooled(tmp_path):
    both = context(tmp_path, seeds=(5, 6)).sweep(drawn, {"x": [1, 2]}, {"replicas": 3}, "noise")
    assert dict(both.sizes) == {"x": 2, "replica": 6}
    assert both["size"].dims == ("x",)
    for root, place in ((5, slice(0, 3)), (6, slice(3, 6))):
        alone = context(tmp_path, seeds=(root,)).sweep(drawn, {"x": [1, 2]}, {"replicas": 3}, "noise")
        np.testing.assert_array_equal(both["value"].isel(replica=place), alone["value"])
