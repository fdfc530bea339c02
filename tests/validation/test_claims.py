"""Every claim at its smallest size, through the code that the real run takes."""

from __future__ import annotations

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde import data
from validation.claim import ORDER, discover
from validation.claims.momentum import kicks
from validation.claims.update_variance import SUBSTEPS, sde_update
from validation.context import Context
from validation.gather import gather
from validation.mnist import images as images_module
from validation.mnist.images import images
from validation.verdict import judge

pytestmark = pytest.mark.networks

CLAIMS = discover()
#: Tiny networks and a few paths show that the code runs, nothing about best batch sizes and orders. Claims that train
#: networks have sizes for each source of images.
TOO_SMALL_TO_DECIDE = {"integrator_orders"} | {
    name for name, claim in CLAIMS.items() if isinstance(claim.plans["smoke"].size, dict)
}


@pytest.fixture
def digits_only(monkeypatch):
    """No MNIST, whatever this machine has: the tests need neither network nor folder."""

    def unavailable(*_, **__):
        raise data.DataUnavailable("no network.\nTry later.")

    monkeypatch.setattr(data, "mnist", unavailable)
    images_module.missing.cache_clear()
    yield
    images_module.missing.cache_clear()


def context(name, say=lambda text: None):
    return Context(name, "smoke", (0,), CLAIMS[name].plans["smoke"].size, say=say)


#: They take seconds; `make validate` runs them too.
LONG = {
    "sharp_vs_flat", "noise_geometry", "posterior_sampling", "evidence_picks_minimum", "escape_time", "escape_sampling",
    "heavy_tails", "integrator_orders", "schedules", "weak_order",
    "three_factors", "evidence_figure_2", "noise_benefit", "mnist_sde", "mnist_training_set",
    "mnist_generalization_gap", "dont_decay", "memorisation", "exchange_breaks", "sharpness_at_equal_loss",
    "mnist_learning_rate_range", "mnist_momentum", "mnist_momentum_range", "mnist_training_length",
    "mnist_sde_low_loss", "mnist_sde_reshuffled", "evidence_figure_1", "linear_regression",
    "epoch_budget", "weight_decay", "sharpness_gap", "reshuffling_repaired", "noise_follows_loss", "valley_drift",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow("seconds of simulation") if name in LONG else ()) for name in CLAIMS],
)
def test_a_claim_holds_at_its_smallest_size(name, digits_only):
    claim = CLAIMS[name]
    finding = gather(claim, context(name))
    judgement = judge(claim, finding, 4.5, decides=False)
    assert {rival for check in finding.checks for rival in check.rivals} <= set(claim.protocol.rivals)
    if name not in TOO_SMALL_TO_DECIDE:
        assert not judgement.unmet
        assert any(ruling.rejected for ruling in judgement.rulings)
    assert finding.pictures
    assert finding.method


@every("name", CLAIMS)
def test_a_claim_says_what_it_claims_and_where_it_is_from(name):
    claim = CLAIMS[name]
    for key in ("title", "statement", "formula", "source", "method"):
        assert len(getattr(claim.protocol.words, key)) > 10
    assert claim.plans["smoke"].seconds <= 10
    assert claim.plans["quick"].seconds <= 300


def test_all_claims_of_the_plan_are_found():
    assert list(CLAIMS)[: len(ORDER)] == list(ORDER)


def test_without_mnist_the_digits_stand_in_and_the_report_says_so(digits_only):
    said = []
    found = images(context("noise_scale", said.append))
    assert found.load(n_train=100, seed=0).n_train == 100
    assert found.label == "digits (not MNIST)"
    assert said == list(found.notes) != []
    assert "no network" in said[0]
    assert "\n" not in said[0]


def test_a_corrupt_mnist_file_is_not_papered_over(monkeypatch):
    def corrupt(*_, **__):
        raise ValueError("expected SHA-256 abc")

    monkeypatch.setattr(data, "mnist", corrupt)
    images_module.missing.cache_clear()
    with pytest.raises(ValueError, match="SHA-256"):
        images(context("noise_scale"))
    images_module.missing.cache_clear()


def test_the_kicks_of_momentum_add_up():
    """Against the recursion v ← m v + 1, ω ← ω + v itself."""
    m, updates = 0.8, 30
    velocity, position = 0.0, [0.0]
    for _ in range(updates):
        velocity = m * velocity + 1
        position.append(position[-1] + velocity)
    gain, squared = kicks(m, updates)
    assert gain / (1 - m) == pytest.approx(position[-1])
    kick_sizes = np.cumsum(m ** np.arange(updates))
    assert squared == pytest.approx((kick_sizes**2).sum() * (1 - m))


def test_the_sde_update_has_its_small_step_limit():
    """For ε → 0 the variance is g F ε/N, and F does not matter beyond its start."""
    start = np.array([1.0, 2.0])
    config = sg.SGDConfig(1e-6, 8, 256)
    noise = np.eye(2) + np.outer(start, start) / 2
    np.testing.assert_allclose(sde_update(start, config), sg.theory.update_covariance(noise, config), rtol=2e-5)
    assert SUBSTEPS > 1
