"""The claim ``weight_decay`` on made-up accuracies whose gaps and best batch sizes are known, and its cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from tests.mutations.weight_decay import moved_to, not_at_all
from validation.claim import discover
from validation.context import Context
from validation.gather import gather
from validation.mnist.cells.decay.training import decayed
from validation.mnist.cells.training import trained
from validation.mnist.weight_decay import run_all
from validation.verdict import Verdict, rule

pytestmark = pytest.mark.networks

CLAIM = discover()["weight_decay"]
SIZE = CLAIM.plans["full"].size["MNIST"]
GAP, LIMIT = 0.02, 4.0


def made_up(closes, moves):
    """A peak at B = 32 with a gap; λ takes `closes` of the gap and moves the peak by `moves` octaves."""

    def sweep(self, function, grid, fixed, seed):
        decay, b = fixed.get("weight_decay", 0.0), np.array(grid["batch_size"])
        octaves = np.log2(b / 32) - (moves if decay else 0.0)
        gap = GAP * (1 - closes(decay))
        right = gap * octaves / np.log2(256 / 32)
        fallen = np.where(octaves < 0, 0.03 * octaves**2, np.minimum(right, gap) + 0.002 * octaves)
        replicas = fixed["replicas"] * len(self.seeds)
        generator = np.random.default_rng([round(1e6 * decay), 3])
        accuracy = 0.9 - fallen[:, None] + generator.normal(0, 0.002, (len(b), replicas))
        names = ("batch_size", "replica")
        found = xr.Dataset({"test_accuracy": (names, accuracy), "train_loss": (names, 1 - accuracy)})
        return found if decay else found.expand_dims("reading")

    return sweep


def rulings(monkeypatch, closes, moves=0.0):
    monkeypatch.setattr(Context, "sweep", made_up(closes, moves))
    sizes = dict.fromkeys(("MNIST", "digits"), SIZE)
    finding = gather(CLAIM, Context("weight_decay", "full", (1, 2, 3, 4, 5), sizes))
    return {check.label: rule(check, CLAIM.protocol.terms(check.label), LIMIT) for check in finding.checks}


def verdicts(found, start):
    return {label.rsplit("λ = ")[-1].split(":")[0]: r.verdict for label, r in found.items() if label.startswith(start)}


def test_a_gap_that_closes_and_an_optimum_that_stays_are_found(monkeypatch):
    found = rulings(monkeypatch, lambda decay: min(1.0, 100 * decay))
    gaps = verdicts(found, "gap, ")
    assert (gaps["0"], gaps["0.01"]) == (Verdict.DIFFERS, Verdict.AGREES)
    assert verdicts(found, "gap without")["0.01"] is Verdict.DIFFERS
    assert verdicts(found, "ln of")["0.001"] is Verdict.AGREES
    assert all(ruling.met for ruling in found.values())


def test_where_decay_does_nothing_the_gap_is_not_closed(monkeypatch):
    found = rulings(monkeypatch, lambda decay: 0.0)
    assert set(verdicts(found, "gap, ").values()) == {Verdict.DIFFERS}
    assert Verdict.DIFFERS not in verdicts(found, "gap without").values()


@pytest.mark.parametrize("octaves", [-1.0, 1.0])
def test_an_optimum_that_moves_by_a_factor_of_two_does_not_stay(monkeypatch, octaves):
    found = rulings(monkeypatch, lambda decay: 0.3 if decay else 0.0, octaves)
    assert Verdict.AGREES not in verdicts(found, "ln of").values()
    (moved,) = (r.check for label, r in found.items() if label.endswith("λ = 0.001") and label.startswith("ln of"))
    assert moved.measured == pytest.approx(octaves * np.log(2), abs=0.25)


def test_without_an_optimum_nothing_is_said_of_its_place(monkeypatch):
    found = rulings(monkeypatch, lambda decay: 2.0 if decay else 0.0)  # accuracy rises to the largest batches
    assert set(verdicts(found, "ln of").values()) == {Verdict.UNDECIDED}


def test_the_best_batch_size_of_a_replica_is_that_of_the_others(monkeypatch):
    monkeypatch.setattr(Context, "sweep", made_up(lambda decay: 1.0, 0.0))
    runs = run_all(Context("weight_decay", "full", (1,), None), "digits", replace(SIZE, replicas=3))
    accuracy = runs.accuracy(0.01)
    others = [np.delete(accuracy[:-1], r, axis=1).mean(axis=1).argmax() for r in range(3)]
    np.testing.assert_allclose(runs.gaps(0.01), accuracy[others, range(3)] - accuracy[-1])


CELL = {
    "source": "digits", "n_examples": 100, "hidden": 8, "learning_rate": 0.1, "batch_size": 10, "momentum": 0.5,
    "random_share": 0.0, "updates": 60, "replicas": 2, "seed": 3, "device": "cpu",
}  # fmt: skip


def test_decay_makes_weights_small_and_none_of_it_is_plain_training():
    plain = trained(**CELL, sampling="without_replacement", readings=1).isel(reading=-1)
    little, much = (decayed(**CELL, weight_decay=decay) for decay in (1e-9, 0.1))
    np.testing.assert_allclose(little.test_accuracy, plain.test_accuracy, atol=2e-3)
    np.testing.assert_allclose(little.weight_norm, plain.weight_norm, rtol=1e-4)
    assert (much.weight_norm < 0.7 * plain.weight_norm).all()
    assert (much.train_loss > plain.train_loss).all()
    assert dict(much.sizes) == {"replica": 2}


def test_mutations_train_as_their_rivals_say():
    cell = {**CELL, "weight_decay": 0.1}
    np.testing.assert_array_equal(
        not_at_all(**cell).weight_norm,
        trained(**CELL, sampling="without_replacement", readings=1).isel(reading=-1).weight_norm,
    )
    np.testing.assert_array_equal(moved_to(2.0)(**cell).weight_norm, decayed(**{**cell, "batch_size": 20}).weight_norm)
