"""What the claim ``memorisation`` compares, on curves whose dependence on ε/B is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from validation.claims.memorisation import ALONE, EFFECTS, FACTORS, memorisation
from validation.context import Context
from validation.gather import gather
from validation.mnist.descents import Run, mean_along
from validation.mnist.memorisation import COMPARED, exchanges
from validation.signs import NONE
from validation.verdict import Verdict, rule

pytestmark = [pytest.mark.networks, pytest.mark.usefixtures("with_mnist")]

LIMIT, REPLICAS = 4.5, 20
#: Slopes of test accuracy and of what is memorised at equal training accuracy, as the paper has them.
PAPER = (0.03, -0.06)


def course(run, share, accuracy, learnt, by_batch=1.0):
    """Random labels are learnt the later the larger ε/B^by_batch; test accuracy depends on how many are, and on ε/B."""
    rate, batch = run
    distance = np.linspace(20, 1500, 60)
    memorised = 1 - np.exp(-distance / 800 / (rate / batch**by_batch * np.exp(6.5 - (1 - by_batch) * 4.8)) ** 0.3)
    log = np.log(rate / batch) + 6.5
    return distance, {
        "memorised": memorised,
        "test_accuracy": 0.9 - 0.2 * memorised + accuracy * log,
        "train_accuracy": (1 - share) * 0.99 + share * (memorised - learnt * log),
        "trace": np.exp(3 - memorised - 0.4 * log),
        "train_loss": 1 - 0.9 * memorised,
    }


def made_up(accuracy, learnt, by_batch=1.0):
    def sweep(self, function, grid, fixed, seed):
        (setting,), share = grid["setting"], fixed["random_share"]
        distance, curves = course(setting, share, accuracy, learnt, by_batch)
        rng = np.random.default_rng(round(1000 * setting[0] * setting[1]))
        noisy = {
            name: (("setting", "replica", "reading"), [[y * (1 + rng.normal(0, 1e-3)) for _ in range(REPLICAS)]])
            for name, y in curves.items()
        }
        along = {"distance": distance, "epochs": distance * setting[1] / setting[0] / 1e4}
        return xr.Dataset(noisy | {name: ("reading", values) for name, values in along.items()})

    return sweep


def verdicts(monkeypatch, *effects, **more):
    monkeypatch.setattr(Context, "sweep", made_up(*effects, **more))
    size = memorisation.plans["full"].size
    found = gather(memorisation, Context("memorisation", "full", (3,), size))
    rulings = [rule(check, memorisation.protocol.terms(check.label), LIMIT) for check in found.checks]
    return {ruling.check.label: ruling for ruling in rulings}


def named(rulings, text):
    chosen = [ruling for label, ruling in rulings.items() if text in label]
    assert len(chosen) == 2  # both shares of random labels
    return chosen


def test_effects_of_the_papers_sign_agree(monkeypatch):
    rulings = verdicts(monkeypatch, *PAPER)
    for text, *_ in EFFECTS:
        for ruling in named(rulings, f"slope of {text}"):
            assert ruling.verdict is Verdict.AGREES
            assert ruling.rejected == (NONE,)
    assert named(rulings, "slope of test accuracy")[0].check.measured == pytest.approx(0.03, abs=0.003)
    assert named(rulings, "equal training accuracy")[0].check.measured == pytest.approx(-0.06, abs=0.006)
    for factor in FACTORS:
        for ruling in named(rulings, f"accuracy on random labels, ε and B times {factor}"):
            assert (ruling.verdict, ruling.rejected) == (Verdict.AGREES, (ALONE,))


def test_effects_of_the_other_sign_differ_and_are_shown(monkeypatch):
    rulings = verdicts(monkeypatch, -PAPER[0], -PAPER[1])
    for text, sign in (("slope of test accuracy", 1), ("equal training accuracy", -1)):
        for ruling in named(rulings, text):
            assert ruling.verdict is Verdict.DIFFERS
            assert ruling.check.measured * sign < -0.02
            assert ruling.check.predicted * sign > 0


def test_without_an_effect_nothing_agrees(monkeypatch):
    rulings = verdicts(monkeypatch, 0.0, 0.0)
    for text in ("slope of test accuracy", "equal training accuracy"):
        assert {ruling.verdict for ruling in named(rulings, text)} <= {Verdict.DIFFERS, Verdict.UNDECIDED}


def test_where_the_batch_does_not_matter_the_exchange_does_not_agree(monkeypatch):
    rulings = verdicts(monkeypatch, *PAPER, by_batch=0.0)
    for factor in FACTORS:
        for ruling in named(rulings, f"accuracy on random labels, ε and B times {factor}"):
            assert ruling.verdict is not Verdict.AGREES


def test_labels_that_are_never_learnt_are_named_and_slopes_are_unknown(monkeypatch):
    original = made_up(*PAPER)

    def sweep(self, function, grid, fixed, seed):
        return original(self, function, grid, fixed, seed).isel(reading=slice(0, 20))

    monkeypatch.setattr(Context, "sweep", sweep)
    size = memorisation.plans["full"].size
    found = gather(memorisation, Context("memorisation", "full", (3,), size))
    assert "25 % random, ε = 0.2, B = 50" in found.undecided
    assert (found.headline_check.measured, found.headline_check.standard_error) == (0.0, 1.0)


def test_means_are_along_the_order_of_what_they_are_at(monkeypatch):
    x = np.array([[0.1, 0.5, 0.3, 0.9], [0.3, 0.4, 0.5, 0.6]])
    runs = xr.Dataset(
        {name: (("replica", "reading"), values) for name, values in (("memorised", x), ("test_accuracy", 1 - x))}
        | {"train_loss": (("replica", "reading"), x), "trace": (("replica", "reading"), np.exp(2 * x))}
        | {"distance": ("reading", [1.0, 2.0, 3.0, 4.0])}
    )
    assert mean_along(runs, "test_accuracy", "memorised", (0.2, 0.8)) == pytest.approx([0.5, np.nan], nan_ok=True)
    assert mean_along(runs, "trace", "memorised", (0.3, 0.5)) == pytest.approx([0.8, 0.8])
    assert mean_along(runs, "memorised", "distance", (1.0, 2.0)) == pytest.approx([0.3, 0.35])


def test_exchanges_are_pairs_of_one_ratio_with_the_rate_alone_beside():
    runs = tuple(Run(setting, 1.0, 1) for setting in ((0.1, 10), (0.2, 20), (0.2, 10), (0.4, 20)))
    (only,) = exchanges(runs[:3], 2)
    assert only == runs[:3]
    assert len(list(exchanges(runs, 2))) == 1  # that of (0.2, 10) lacks ε alone
    assert list(exchanges(runs, 4)) == []


def test_sizes_compare_where_all_runs_go():
    for plan in memorisation.plans.values():
        for size in plan.size.values():
            assert plan.tests == len(size.shares) * (len(EFFECTS) + 2 * len(FACTORS))
            assert set(size.least) == {name for _, name, _, _ in EFFECTS}
            for held in size.shares.values():
                assert min(run.distance for run in held.runs) >= held.distance[1]
                assert min(run.distance / run.ratio for run in held.runs) / size.n_examples >= held.epochs[1]
                for factor in FACTORS:
                    assert list(exchanges(held.runs, factor))
                for run in held.runs:
                    assert run.distance / run.readings <= held.distance[0]
                    assert run.distance / run.ratio / run.readings / size.n_examples <= held.epochs[0]
                assert all(getattr(held, name)[0] < getattr(held, name)[1] for name in COMPARED)


def test_the_full_preset_has_the_papers_grid():
    size = memorisation.plans["full"].size["MNIST"]
    assert (size.hidden, sorted(size.shares)) == (256, [0.25, 0.5])
    assert size.n_examples >= 10_000
    for held in size.shares.values():
        rates, batches = ({run.setting[k] for run in held.runs} for k in (0, 1))
        assert rates == {0.05, 0.1, 0.2}
        assert batches <= {50, 100, 200, 400, 800}
