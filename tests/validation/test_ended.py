"""A run that was stopped goes on: what the same code has measured in a folder is taken from there."""

from dataclasses import replace

import numpy as np
import pytest

from validation import ended
from validation.check import Check
from validation.claim import Finding, Picture, discover
from validation.context import Place
from validation.drawn import Drawn
from validation.job import Job, Measured
from validation.jobs import measure_in_turn

CLAIM = discover()["batch_near_n"]
CHECKS = (Check("a", 1.0, 1.1, 0.1, {"none": 0.0}), Check("b", 2.0, 2.0, 0.0, dof=np.inf, rounding=1e-9, beyond=1.5))
FILES = {"png": b"\x89PNG", "svg": b"<svg/>", "json": b"[]", "csv": b"x\n"}
FINDING = Finding(CHECKS, "a", (Picture("near", "Caption", "Alt", Drawn(FILES)),), "method", ("note",))


def job(folder, **more):
    return Job(CLAIM.name, "smoke", (3,), replace(Place(folder / "sweeps"), **more))


@pytest.fixture
def measured_by(monkeypatch):
    """How often claims were measured; what is found is FINDING."""
    calls = []

    def gathered(claim, context):
        calls.append(claim.name)
        return FINDING

    monkeypatch.setattr("validation.jobs.gather", gathered)
    return calls


OF_NONE = replace(CLAIM, protocol=replace(CLAIM.protocol, rivals={"none": ""}))


def run(this, claim=OF_NONE):
    told = []
    measure_in_turn([this], {CLAIM.name: claim}, lambda what, name, more: told.append((what, more)))
    return told[-1][1]


def test_the_same_code_measures_once(tmp_path, measured_by):
    first, second = run(job(tmp_path)), run(job(tmp_path))
    assert measured_by == [CLAIM.name]
    assert first.finding == second.finding == FINDING
    assert (first.measured, second.seconds, second.cpu_seconds) == ("", first.seconds, first.cpu_seconds)
    assert second.measured.startswith("20")


def test_a_real_claim_comes_back_whole(tmp_path):
    first, second = run(job(tmp_path), CLAIM), run(job(tmp_path), CLAIM)
    assert not first.error
    assert second.measured
    assert second.finding == first.finding
    assert set(second.finding.pictures[0].drawn.files) >= {"png", "json", "csv"}


@pytest.mark.parametrize("change", ["code", "seeds", "preset", "device", "again", "damaged", "cut"])
def test_what_has_changed_is_measured_again(tmp_path, measured_by, monkeypatch, change):
    run(job(tmp_path))
    (file,) = (tmp_path / "sweeps" / "claims").glob("*.zip")
    this = job(tmp_path, **{"device": {"device": "cuda"}, "again": {"again": True}}.get(change, {}))
    if change == "code":
        monkeypatch.setattr(ended, "_code", lambda name: "other")
    elif change == "damaged":
        content = bytearray(file.read_bytes())
        content[60] ^= 1
        file.write_bytes(content)
    elif change == "cut":
        file.write_bytes(file.read_bytes()[:-30])
    else:
        this = replace(this, **{"seeds": {"seeds": (4,)}, "preset": {"preset": "quick"}}.get(change, {}))
    assert not run(this).measured
    assert len(measured_by) == 2
    assert len(list(file.parent.glob("*.zip"))) == (2 if change == "preset" else 1)


def test_what_failed_and_claims_of_others_are_not_kept(tmp_path):
    ended.write(CLAIM, job(tmp_path), Measured(1.0, 1.0, None, "ValueError: x"))
    other = replace(CLAIM, measure=lambda context: iter(()))
    ended.write(other, job(tmp_path), Measured(1.0, 1.0, FINDING))
    ended.write(CLAIM, Job(CLAIM.name, "smoke", (3,), Place()), Measured(1.0, 1.0, FINDING))
    assert not list(tmp_path.rglob("*.zip"))


def test_digits_do_not_stand_for_mnist_where_it_has_come(tmp_path, monkeypatch):
    monkeypatch.setattr(ended, "missing", lambda: "no network")
    ended.write(CLAIM, job(tmp_path), Measured(1.0, 1.0, replace(FINDING, data="digits (not MNIST)")))
    assert ended.read(CLAIM, job(tmp_path)).finding.data == "digits (not MNIST)"
    monkeypatch.setattr(ended, "missing", lambda: "")
    assert ended.read(CLAIM, job(tmp_path)) is None


def test_other_claims_are_no_part_of_a_claims_code():
    names = {path.name for path in ended._sources("batch_near_n") if path.parent.name == "claims"}
    assert names == {"batch_near_n.py"}
    assert ended._code("batch_near_n") != ended._code("momentum")
    assert {"philox.py", "gather.py"} <= {path.name for path in ended._sources("momentum")}


@pytest.mark.parametrize("claim", discover().values(), ids=lambda claim: claim.name)
def test_sizes_have_the_same_words_in_every_process(claim):
    assert all(" at 0x" not in repr(plan) for plan in claim.plans.values())
    assert claim.measure.__module__ == f"validation.claims.{claim.name}"
