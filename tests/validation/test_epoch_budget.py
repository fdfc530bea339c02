"""The claim ``epoch_budget`` on made-up accuracies and losses whose best learning rates follow known powers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from validation.claim import discover
from validation.claims.epoch_budget import PAPER, _ends, _exponents
from validation.context import Context
from validation.gather import gather
from validation.mnist.epoch_budget import Budget, budget_figure, run_all
from validation.verdict import Verdict, rule

pytestmark = pytest.mark.networks

CLAIM = discover()["epoch_budget"]
SIZE = CLAIM.plans["full"].size["MNIST"]
#: Grids wide enough for γ = −1.
WIDE = tuple(0.02 * 2 ** (np.arange(14) / 2))
LIMIT = 4.0


def made_up(test, train, gap=0.02):
    """Best ε of 0.35 and 0.8 times (epochs/40)^γ, γ of test accuracy and training loss."""

    def sweep(self, function, grid, fixed, seed):
        rates, b = np.array(grid["learning_rate"]), fixed["batch_size"]
        epochs = fixed["updates"] * b / fixed["n_examples"]
        top = 0.35 if b == 16 else 0.8
        away = [np.log2(rates / (top * (epochs / 40) ** gamma)) for gamma in (test, train)]
        replicas = fixed["replicas"] * len(self.seeds)
        noise = np.random.default_rng([b, round(epochs)]).normal(0, 0.01, (2, len(rates), replicas))
        error = np.exp(np.log(0.05) + 0.15 * away[0][:, None] ** 2 + noise[0])
        loss = np.exp(-4 + 0.6 * away[1][:, None] ** 2 + noise[1])
        names = ("learning_rate", "replica")
        accuracy = 1 - error - (gap if b > 16 else 0.0)
        return xr.Dataset({"test_accuracy": (names, accuracy), "train_loss": (names, loss)})

    return sweep


def rulings(monkeypatch, test, train, gap=0.02):
    monkeypatch.setattr(Context, "sweep", made_up(test, train, gap))
    point = {name: replace(getattr(SIZE, name), learning_rates=WIDE) for name in ("small", "large")}
    sizes = dict.fromkeys(("MNIST", "digits"), replace(SIZE, **point))
    finding = gather(CLAIM, Context("epoch_budget", "full", (1, 2, 3, 4, 5), sizes))
    return {check.label: rule(check, CLAIM.protocol.terms(check.label), LIMIT) for check in finding.checks}


TEST, TRAIN = "γ, best ε for test accuracy, B = 16", "γ, best ε for training loss, B = 16"


def test_the_paper_is_right_where_its_powers_are_the_truth(monkeypatch):
    found = rulings(monkeypatch, PAPER["test accuracy"], PAPER["training loss"])
    assert found[TEST].verdict is found[TRAIN].verdict is Verdict.AGREES
    assert found[TEST].check.measured == pytest.approx(-1 / 7, abs=0.05)
    assert found[TRAIN].check.measured == pytest.approx(-4 / 7, abs=0.05)
    assert found["γ, best ε for training loss, B = 512"].verdict is not Verdict.AGREES
    for epochs in (10, 160):
        assert found[f"best test accuracy after {epochs} epochs, B = 16 less 512"].verdict is Verdict.AGREES


@pytest.mark.parametrize(("test", "train"), [(-4 / 7, -1 / 7), (-1.0, -1.0)])
def test_no_rival_that_is_the_truth_is_taken_for_the_paper(monkeypatch, test, train):
    found = rulings(monkeypatch, test, train)
    assert Verdict.AGREES not in {found[TEST].verdict, found[TRAIN].verdict}
    assert found[TEST].verdict is Verdict.DIFFERS


def test_a_best_rate_that_knows_no_budget_is_as_said_of_accuracy_and_not_of_the_loss(monkeypatch):
    found = rulings(monkeypatch, 0.0, 0.0)
    assert (found[TEST].verdict, found[TRAIN].verdict) == (Verdict.AGREES, Verdict.DIFFERS)
    assert all(found[label].verdict is Verdict.AGREES for label in found if label.endswith("B = 512"))


def test_large_batches_that_are_better_are_no_gap(monkeypatch):
    found = rulings(monkeypatch, 0.0, 0.0, gap=-0.02)
    gaps = {ruling.verdict for label, ruling in found.items() if label.startswith("best test accuracy")}
    assert gaps == {Verdict.DIFFERS}


def test_optima_at_the_ends_of_grids_are_told_and_decide_nothing(monkeypatch):
    monkeypatch.setattr(Context, "sweep", made_up(-1.0, 0.0))
    size = replace(SIZE, small=replace(SIZE.small, learning_rates=(0.17, 0.35, 0.7, 1.4, 2.8)))
    runs = run_all(Context("epoch_budget", "full", (1, 2), None), "digits", size)
    ends = list(_ends(runs))
    assert any("test accuracy is at an end of the grid at B = 16 after 160 epochs" in end for end in ends)
    assert not any("training loss" in end and "B = 16" in end for end in ends)
    check = next(_exponents(runs, size.small))
    assert rule(check, CLAIM.protocol.terms(check.label), LIMIT).verdict is Verdict.UNDECIDED
    assert len(budget_figure(runs, PAPER).axes) == 3


def test_budgets_for_equal_updates_are_equal_and_run_once():
    few, many = SIZE.equal
    assert (few, many) == (Budget(16, 5), Budget(512, 160))
    assert SIZE.updates(few) == SIZE.updates(many) == 1250
    budgets = [budget for _, budget in SIZE.budgets()]
    assert len(set(budgets)) == len(budgets) == 11
    with pytest.raises(ValueError, match="whole epochs of small batches"):
        replace(SIZE, epochs=(10, 20))


def test_numbers_of_the_best_rate_are_those_of_the_highest_mean_accuracy(monkeypatch):
    monkeypatch.setattr(Context, "sweep", made_up(0.0, 0.0))
    runs = run_all(Context("epoch_budget", "full", (1,), None), "digits", SIZE)
    run = runs.found[Budget(16, 10)]
    at = run["test_accuracy"].to_numpy().mean(axis=1).argmax()
    np.testing.assert_array_equal(runs.best(Budget(16, 10), "train_loss"), run["train_loss"].to_numpy()[at])
