"""The rules of the best batch size: what is trained, and what the claims make of curves whose law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tables import every

from sgdsde.config import SGDConfig
from tests.mutations.synthetic_accuracy import by_its_square_root, by_the_noise_scale, trained_as, without_gap
from validation.claim import discover
from validation.context import Context
from validation.gather import gather
from validation.measure import UNKNOWN
from validation.mnist.cells.training import subsets, trained
from validation.mnist.rules.curves import VARIABLES, Curve, Size
from validation.mnist.rules.law import _examples
from validation.protocol import presets_of
from validation.sizes import built
from validation.verdict import Verdict, rule, thresholds

pytestmark = pytest.mark.networks

SIZES = {
    source: {preset: built(Size, held["size"][source]) for preset, held in presets_of("mnist_rules").items()}
    for source in ("MNIST", "digits")
}
RULES = ["mnist_learning_rate", "mnist_momentum", "mnist_training_set"]


def rulings(name, cell, preset="full", seeds=(1, 2, 3, 4, 5), **changed):
    """What the claim shows of accuracies that are synthetic, without any training."""
    claims = discover()
    limit = thresholds({each: found.plans[preset].tests for each, found in claims.items()})[name]
    with pytest.MonkeyPatch.context() as patch:
        trained_as(patch, cell)
        patch.setattr("validation.mnist.rules.curves.forecast", lambda *_: None)
        sizes = {source: replace(size, **changed) for source, size in claims[name].plans[preset].size.items()}
        finding = gather(claims[name], Context(name, preset, seeds, sizes))
    return {c.label: rule(c, claims[name].protocol.terms(c.label), limit) for c in finding.checks}, finding


@pytest.mark.slow("the full preset of five claims, with synthetic accuracies in place of training")
@pytest.mark.parametrize("name", [*RULES, "mnist_learning_rate_range", "mnist_momentum_range"])
def test_claims_agree_where_only_the_noise_scale_counts_and_with_no_other_law(name):
    found, finding = rulings(name, by_the_noise_scale)
    assert found[finding.headline].met
    lacking = {Verdict.UNDECIDED} if name.endswith("range") else set()  # power in parts of ranges, at ten replicas
    assert all(ruling.met or ruling.verdict in lacking for ruling in found.values())
    found, _ = rulings(name, by_its_square_root)
    assert Verdict.AGREES not in {ruling.verdict for ruling in found.values()}


def test_without_a_gap_none_is_found():
    found, _ = rulings("mnist_generalization_gap", without_gap)
    assert {r.verdict for label, r in found.items() if label.startswith("gap")} == {Verdict.UNDECIDED}
    assert [r.verdict for label, r in found.items() if r.rivals].count(Verdict.AGREES) == 0


@pytest.mark.parametrize("name", RULES)
def test_two_replicas_decide_nothing(name):
    found, finding = rulings(name, by_the_noise_scale, "quick", (1,), replicas=2)
    assert {ruling.verdict for ruling in found.values()} == {Verdict.UNDECIDED}
    assert all(check.standard_error == UNKNOWN for check in finding.checks)


def test_the_effective_batch_size_makes_the_noise_scale_exact():
    curve = Curve((4, 16), 0.1, 0.5, 100)
    for b, effective in zip(curve.batch_sizes, curve.effective_batch_sizes, strict=True):
        assert curve.noise_scale_times / effective == pytest.approx(
            SGDConfig(0.1, b, 100, 0.5, "without_replacement").noise_scale
        )
    assert [_examples(curve, each) for each in (0, *curve.effective_batch_sizes, np.inf)] == ["0", "4", "16", "1e+02"]


@every("source", SIZES)
@every("preset", ["smoke", "quick", "full"])
@every("rule", VARIABLES)
def test_the_curves_of_a_rule_differ_in_one_thing(source, preset, rule):
    size, variable = SIZES[source][preset], VARIABLES[rule]
    whole, *parts = size.rules[rule]
    for part in (whole, *parts):
        assert set(part) <= set(whole)
        curves = [size.curves[each] for each in part]
        values = [variable.of(curve) for curve in curves]
        assert values == sorted(set(values))
        assert len(values) >= 2
        for other in VARIABLES.values():
            assert other.symbol == variable.symbol or len({other.of(curve) for curve in curves}) == 1
    for curve in (size.curves[each] for each in whole):
        assert max(curve.batch_sizes) < curve.n_examples
        assert len(curve.batch_sizes) >= 5
        assert size.updates(curve) % curve.readings == 0
        passed = size.updates(curve) * curve.learning_rate / (1 - curve.momentum)
        assert passed == pytest.approx(size.time, rel=0.01)


def test_a_replica_is_the_same_however_many_there_are_and_diverged_ones_guess():
    sets = subsets("digits", 50, 3, 7)
    assert [each.y_train.tolist() for each in subsets("digits", 50, 2, 7)] == [d.y_train.tolist() for d in sets[:2]]
    cell = {
        "source": "digits", "n_examples": 50, "hidden": 8, "batch_size": 5, "momentum": 0.0, "updates": 20,
        "random_share": 0.5, "sampling": "without_replacement", "readings": 2, "seed": 7, "device": "cpu",
    }  # fmt: skip
    three, two = (trained(learning_rate=0.1, replicas=r, **cell) for r in (3, 2))
    np.testing.assert_array_equal(three.test_accuracy[:2], two.test_accuracy)
    assert dict(three.sizes) == {"replica": 3, "reading": 2}
    right = trained(learning_rate=0.1, replicas=2, **(cell | {"random_share": 0.0}))
    assert (right.train_loss < two.train_loss).all()
    wild = trained(learning_rate=1e30, replicas=2, **cell)
    assert wild.diverged.all()
    assert (wild.test_accuracy == 0.1).all()
    assert wild.train_loss.values == pytest.approx(np.log(10))
