"""What the claim ``exchange_breaks`` measures, where the factors that break are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from validation.claims.exchange_breaks import exchange_breaks
from validation.context import Context
from validation.gather import gather
from validation.mnist.breaking import breaking, broken_at, growth
from validation.mnist.descents import Run
from validation.mnist.exchange import ALONE, DEAD, QUANTITIES, Runs
from validation.signs import NONE
from validation.verdict import Verdict, rule

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("with_mnist")]

LIMIT, REPLICAS = 4.5, 20
SIZE = exchange_breaks.plans["full"].size["MNIST"]
FACTORS = (1, 2, 4, 8, 16)


def test_a_factor_breaks_where_the_margin_is_left_for_the_first_time():
    assert breaking(FACTORS, np.array([0.0, 0.05, -0.15, 0.0, 0.3]), 0.1) == pytest.approx(2 ** (1 + 0.5))
    assert np.isnan(breaking(FACTORS, np.array([0.0, 0.05, -0.05, 0.0, 0.09]), 0.1))


def test_growth_is_the_exponent_of_the_factors_that_break():
    sizes, rng = (100, 400, 1600), np.random.default_rng(1)
    logs = np.log(FACTORS)
    at = np.log([2.0, 4.0, 8.0])  # where 0.1 is passed, ∝ √N
    apart = -0.1 * logs[None, :] / at[:, None] + rng.normal(0, 1e-3, (REPLICAS, 3, len(FACTORS)))
    found = growth(FACTORS, apart, 0.1, sizes)
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.standard_error < 0.02
    one = broken_at(FACTORS, apart[:, 1], 0.1)
    assert one.value == pytest.approx(4.0, abs=0.1)
    assert np.isnan(growth(FACTORS, apart / 100, 0.1, sizes).value)


def made_up(exponent, change=0.0, alone=0.5):
    """Quantities that leave their margins at factors ∝ N^exponent; `change` is what ε and B times 2 do besides."""
    settings = {SIZE.run(n, factor, factor): (n, factor) for n in SIZE.n_examples for factor in SIZE.factors}

    def sweep(self, function, grid, fixed, seed):
        (setting,), n = grid["setting"], fixed["n_examples"]
        run = Run(setting, fixed["distance"], fixed["readings"])
        _, factor = settings.get(run, (n, 0))
        rng = np.random.default_rng([n, factor])
        away = np.log(factor) / np.log(10 * (n / SIZE.n_examples[0]) ** exponent) if factor else 0.0
        variables = {}
        for name, margin in SIZE.margins.items():
            value = -margin * away**4 if factor else alone
            value += change * (factor == ALONE) + (5.0 if name == "train_loss" and factor == SIZE.factors[-1] else 0)
            noisy = value + rng.normal(0, margin / 50, (1, REPLICAS, fixed["readings"]))
            variables[name] = ("setting", "replica", "reading"), noisy if name == "test_accuracy" else np.exp(noisy)
        distance = run.distance * np.arange(1, run.readings + 1) / run.readings
        return xr.Dataset(variables | {"distance": ("reading", distance)})

    return sweep


def verdicts(monkeypatch, *sizes, **more):
    monkeypatch.setattr(Context, "sweep", made_up(*sizes, **more))
    found = gather(exchange_breaks, Context("exchange_breaks", "full", (3,), exchange_breaks.plans["full"].size))
    rulings = [rule(check, exchange_breaks.protocol.terms(check.label), LIMIT) for check in found.checks]
    return {ruling.check.label: ruling for ruling in rulings}


def growths(rulings):
    found = [ruling for label, ruling in rulings.items() if label.startswith("exponent of N")]
    assert len(found) == 2 * len(QUANTITIES)
    return found


def test_factors_that_grow_agree(monkeypatch):
    rulings = verdicts(monkeypatch, 0.3)
    for ruling in growths(rulings):
        assert ruling.verdict is Verdict.AGREES
        assert ruling.rejected == (NONE,)
        assert ruling.check.measured == pytest.approx(0.3, abs=0.06)
    for n in SIZE.n_examples:
        for text in QUANTITIES:
            ruling = rulings[f"{text}, ε and B times 2, N = {n}"]
            assert (ruling.verdict, ruling.rejected) == (Verdict.AGREES, ("ε alone",))
        assert rulings[f"ln training loss, ε and B times {SIZE.factors[-1]}, N = {n}"].verdict is Verdict.AGREES


@pytest.mark.parametrize("exponent", [0.0, -0.2])
def test_factors_that_do_not_grow_do_not_agree(exponent, monkeypatch):
    for ruling in growths(verdicts(monkeypatch, exponent)):
        assert ruling.verdict is not Verdict.AGREES
        assert ruling.check.measured == pytest.approx(exponent, abs=0.06)


def test_where_two_changes_as_much_as_the_rate_alone_nothing_agrees(monkeypatch):
    rulings = verdicts(monkeypatch, 0.3, change=0.5)
    for n in SIZE.n_examples:
        for text in QUANTITIES:
            assert rulings[f"{text}, ε and B times 2, N = {n}"].verdict is Verdict.DIFFERS


def test_runs_go_as_far_as_the_base_or_a_little_further():
    for plan in exchange_breaks.plans.values():
        for size in plan.size.values():
            for n in size.n_examples:
                assert size.base[1] * size.factors[-1] <= n
                for factor in size.factors:
                    run = size.run(n, factor, factor)
                    steps = run.distance / run.setting[0]
                    assert steps == pytest.approx(round(steps))
                    assert round(steps) % run.readings == 0
                    assert 0 <= run.distance - size.distance(n) + 1e-9 <= run.setting[0] * run.readings
                assert size.run(n, ALONE, 1).setting == (ALONE * size.base[0], size.base[1])
            assert (size.factors[0], size.factors[1]) == (1, ALONE)
            assert set(size.margins) == set(QUANTITIES.values())
            assert plan.tests == 2 * len(QUANTITIES) + len(size.n_examples) * (len(QUANTITIES) + 1)


def test_readings_are_taken_back_to_the_bases_distances_and_the_diverged_are_dead():
    size = replace(SIZE, base=(0.5, 1), epochs=2, readings=2, averaged=1, n_examples=(10,))
    assert size.distance(10) == 10.0
    losses = [[np.exp(2.0), np.exp(1.0)], [np.exp(2.0), np.nan]]
    runs = xr.Dataset({"train_loss": (("replica", "reading"), losses), "distance": ("reading", [6.0, 12.0])})
    found = Runs(size, {(10, 1, 1): runs}).courses("train_loss", 10, 1, 1)
    assert found[0] == pytest.approx([2.0, 2.0 - 4 / 6])
    assert found[1, 1] == pytest.approx(2.0 + 4 / 6 * (DEAD["train_loss"] - 2.0))
