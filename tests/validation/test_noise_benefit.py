"""The helpers of ``noise_benefit``: its learning rate, its best points, and curves whose exponent is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from validation.claims.noise_benefit import _differences, _exponents, _reasons, noise_benefit
from validation.context import Context
from validation.mnist.cells.annealing import annealed, annealed_rates
from validation.mnist.noise_benefit import epochs_figure, run_all

SIZE = replace(noise_benefit.plans["quick"].size["digits"], replicas=6, replicas_of_equal=6)


def made_up(limit):
    """Accuracies whose best ε is 0.03 B up to a limit, and which fall in octaves beyond it."""

    def sweep(self, function, grid, fixed, seed):
        rates, b = np.array(grid["learning_rate"]), fixed["batch_size"]
        best = min(0.03 * b, limit)
        noise = np.random.default_rng(b).normal(0, 1e-4, (len(rates), fixed["replicas"]))
        accuracy = 0.8 - 0.02 * np.log2(rates / best)[:, None] ** 2 - 0.05 * np.log2(0.03 * b / best) + noise
        names = ("learning_rate", "replica")
        return xr.Dataset({"test_accuracy": (names, accuracy), "train_loss": (names, 1 - accuracy)})

    return sweep


def measured(monkeypatch, limit):
    monkeypatch.setattr(Context, "sweep", made_up(limit))
    return run_all(Context("noise_benefit", "quick", (3,), None), "digits", SIZE)


def test_the_exponents_are_those_of_curves_with_a_limit(monkeypatch):
    found = measured(monkeypatch, 1.0)
    small, large = _exponents(found)
    assert small.measured == pytest.approx(1.0, abs=0.02)
    assert large.measured == pytest.approx(0.0, abs=0.02)
    for check in (small, large):
        assert min(abs(check.z_from(rival)) for rival in check.rivals.values()) > 4
    others = list(_differences(found))
    assert others[0].measured == pytest.approx(0.0, abs=1e-3)
    assert others[1].measured > 0.1
    assert not list(_reasons(found, others[:2]))
    assert len(epochs_figure(found).axes) == 3


def test_a_best_rate_that_never_stops_growing_leaves_the_grid_of_large_batches(monkeypatch):
    found = measured(monkeypatch, np.inf)
    assert any("end of the grid" in reason for reason in _reasons(found, []))
    assert all(np.isfinite(check.standard_error) for check in _exponents(found))


def test_a_limit_already_at_small_batches_is_seen_in_the_exponent(monkeypatch):
    small, _ = _exponents(measured(monkeypatch, 0.2))
    assert small.measured == pytest.approx(np.log(0.2 / 0.06) / np.log(4), abs=0.02)


def test_the_best_point_is_that_of_the_highest_mean(monkeypatch):
    found = measured(monkeypatch, 1.0)
    point = found.size.small[0]
    accuracy = found.found[point]["test_accuracy"].to_numpy()
    np.testing.assert_array_equal(found.best(point), accuracy[accuracy.mean(axis=1).argmax()])
    np.testing.assert_array_equal(found.best(point, "train_loss"), 1 - found.best(point))


def test_the_learning_rate_is_constant_for_half_and_then_halved_ten_times():
    rates = annealed_rates(0.8, 200)
    np.testing.assert_allclose(rates[:100], 0.8)
    np.testing.assert_allclose(rates[100::10], 0.8 * 0.5 ** np.arange(1, 11))
    assert len(np.unique(rates)) == 11


@pytest.mark.networks
def test_replicas_are_trained_at_the_rates_of_the_schedule():
    settings = {
        "source": "digits", "n_examples": 200, "hidden": 10, "batch_size": 10, "momentum": 0.0,
        "random_share": 0.0, "replicas": 2, "seed": 1, "device": "cpu",
    }  # fmt: skip
    little, more = (annealed(learning_rate=0.5, updates=k, **settings) for k in (20, 400))
    assert set(more.data_vars) == {"test_accuracy", "train_loss", "diverged"}
    assert more.sizes == {"replica": 2}
    assert (more["train_loss"] < little["train_loss"]).all()
    assert (more["test_accuracy"] > 0.75).all()


@pytest.mark.networks
def test_a_diverged_replica_guesses():
    run = annealed("digits", 100, 10, 1e20, 10, 0.0, 0.0, 30, 2, 1, "cpu")
    assert run["diverged"].all()
    np.testing.assert_allclose(run["test_accuracy"], 0.1)
    np.testing.assert_allclose(run["train_loss"], np.log(10))


def test_grids_of_small_batches_are_proportional_to_them():
    sizes = [size for plan in noise_benefit.plans.values() for size in plan.size.values()]
    for size in sizes:
        relative = {tuple(np.round(np.array(p.learning_rates) / p.batch_size, 9)) for p in size.small}
        assert len(relative) == 1
        assert max(p.batch_size for p in (*size.large, *size.equal)) <= size.n_examples
