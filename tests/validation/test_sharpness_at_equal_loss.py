"""What the claim ``sharpness_at_equal_loss`` measures, where the Hessian's law is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from validation.claims.sharpness_at_equal_loss import sharpness_at_equal_loss as claim
from validation.context import Context
from validation.gather import gather
from validation.signs import NONE
from validation.verdict import Verdict, rule

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("with_mnist")]

LIMIT, REPLICAS = 4.5, 20


def made_up(by_rate, by_batch, accuracy=0.0, reached=True):
    """tr H and λ_max ∝ L^0.6 ε^−by_rate B^by_batch, and a test accuracy with a slope in ln ε."""

    def sweep(self, function, grid, fixed, seed):
        ((rate, batch),), level = grid["setting"], fixed["level"]
        loss = level * np.geomspace(3.0, 0.5 if reached else 2.0, 8)
        rng = np.random.default_rng(round(1e5 * rate * batch))
        noise = 0.02 * rng.normal(0, 1, (1, REPLICAS, len(loss)))
        sharp = 5 * loss**0.6 * rate**-by_rate * batch**by_batch * np.exp(noise)
        names = ("setting", "replica", "reading")
        run = {
            "trace": sharp, "train_loss": loss + 0 * noise, "test_accuracy": 0.9 + accuracy * np.log(rate) + noise / 100
        }  # fmt: skip
        if fixed["largest"]:
            run["largest"] = sharp / 9
        return xr.Dataset({name: (names, values) for name, values in run.items()})

    return sweep


def verdicts(monkeypatch, *law, **more):
    monkeypatch.setattr(Context, "sweep", made_up(*law, **more))
    found = gather(claim, Context(claim.name, "full", (3,), claim.plans["full"].size))
    rulings = {
        ruling.check.label: ruling for ruling in (rule(c, claim.protocol.terms(c.label), LIMIT) for c in found.checks)
    }
    return rulings, found


def slopes(rulings):
    found = [ruling for label, ruling in rulings.items() if "varied" in label and "accuracy" not in label]
    assert len(found) == 7
    return found


ALIKE = [f"slope of {text}, by ε less by B" for text in ("ln tr H", "ln λ_max")]


def test_a_law_in_the_ratio_agrees_and_its_exponent_is_not_one(monkeypatch):
    rulings, _ = verdicts(monkeypatch, 0.4, 0.4)
    for ruling in slopes(rulings):
        assert (ruling.verdict, ruling.rejected) == (Verdict.AGREES, (NONE,))
        assert ruling.check.measured == pytest.approx(-0.4, abs=0.02)
    for label in ALIKE:
        assert rulings[label].verdict is Verdict.AGREES
        assert set(rulings[label].rejected) == {"ε alone", "B alone"}
    quadratic = rulings["slope of ln tr H by E[L] = ε tr H/(4B)"]
    assert (quadratic.verdict, quadratic.met) == (Verdict.DIFFERS, True)


def test_the_quadratic_law_would_agree(monkeypatch):
    rulings, _ = verdicts(monkeypatch, 1.0, 1.0, accuracy=0.01)
    assert rulings["slope of ln tr H by E[L] = ε tr H/(4B)"].verdict is Verdict.AGREES


def test_without_dependence_no_slope_agrees(monkeypatch):
    rulings, _ = verdicts(monkeypatch, 0.0, 0.0)
    assert Verdict.AGREES not in {ruling.verdict for ruling in slopes(rulings)}
    assert Verdict.AGREES not in {rulings[label].verdict for label in ALIKE}


def test_sharpness_that_rises_differs_and_is_shown(monkeypatch):
    for ruling in slopes(verdicts(monkeypatch, -0.3, -0.3)[0]):
        assert ruling.verdict is Verdict.DIFFERS
        assert ruling.check.measured == pytest.approx(0.3, abs=0.02)
        assert ruling.check.predicted < 0


@pytest.mark.parametrize("law", [(0.4, 0.0), (0.0, 0.4)])
def test_a_law_in_one_of_the_two_is_no_exchange(law, monkeypatch):
    rulings, _ = verdicts(monkeypatch, *law)
    for label in ALIKE:
        assert rulings[label].verdict is Verdict.DIFFERS


def test_losses_that_are_not_reached_are_named_and_nothing_is_decided(monkeypatch):
    rulings, found = verdicts(monkeypatch, 0.4, 0.4, reached=False)
    assert "ε = 0.05, B = 64" in found.undecided
    assert {ruling.verdict for ruling in rulings.values()} == {Verdict.UNDECIDED}


def test_both_scans_have_the_same_ratios_and_one_run_in_common():
    for plan in claim.plans.values():
        assert plan.tests == 11
        for size in plan.size.values():
            by_batch, by_rate = ([run.ratio for run in scan] for scan in size.scans().values())
            assert by_batch == pytest.approx(by_rate)
            assert len(set(size.batches) & set(size.rates)) == 1
            assert by_batch == sorted(by_batch)
            assert len({run.setting[0] for run in size.batches}) == len({run.setting[1] for run in size.rates}) == 1
    full = claim.plans["full"].size["MNIST"]
    assert full.batches[-1].ratio >= 60 * full.batches[0].ratio
