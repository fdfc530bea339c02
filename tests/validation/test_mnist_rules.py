"""Optima of curves, their law, and what is trained."""

from __future__ import annotations

import numpy as np
import pytest
from validation.mnist.rules.protocols import PROTOCOLS

from sgdsde.config import SGDConfig
from validation.mnist.cells.training import subsets, trained
from validation.mnist.optimum import optima
from validation.mnist.rules.curves import VARIABLES, Curve

SIZES = np.array([4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0])


def noisy(best, generator, replicas=8, noise=0.002):
    """Accuracies that are highest at `best`, with a part that all points of a replica share."""
    mean = 0.9 - 0.02 * np.log2(SIZES / best)[:, None] ** 2
    return mean + 0.01 * generator.standard_normal(replicas) + noise * generator.standard_normal((7, replicas))


@pytest.mark.slow("30 fits with their intervals")
def test_the_interval_of_the_exponent_covers_it():
    """30 draws of two curves whose optima are a factor of 2² apart for 4 times the variable: 95 % hold α = 1."""
    generator = np.random.default_rng(0)
    held, errors, exponents = 0, [], []
    for _ in range(30):
        values = [noisy(7.0, generator), noisy(7.0, generator)]
        found = optima([0.1, 0.4], [SIZES, 4 * SIZES], values, generator)
        low, high = found.exponent_interval
        held += low < 1 < high
        errors.append(found.exponent_error)
        exponents.append(found.exponent)
    assert held >= 24  # binomial, 95 %: 28.5 ± 1.2
    assert np.mean(errors) == pytest.approx(np.std(exponents), rel=0.4)


def test_the_error_of_an_optimum_is_that_of_a_mean_over_replicas():
    """Parabolas of equal curvature: the mean's highest place is the mean of theirs, even of two of them."""
    octaves = np.log2(SIZES)[:, None] - np.log2(12.0) - np.array([-0.3, 0.3])
    found = optima([1.0, 2.0], [SIZES, SIZES], [-(octaves**2)] * 2, np.random.default_rng(0))
    assert np.log2(found.place / 12) == pytest.approx(0, abs=0.01)
    assert found.octave_error == pytest.approx(0.3, rel=0.06)  # of 2000 resamples
    assert found.exponent_error == 0


def test_another_law_is_told_apart():
    generator = np.random.default_rng(1)
    found = optima([0.1, 0.4], [SIZES, SIZES], [noisy(8.0, generator), noisy(16.0, generator)], generator)
    assert found.exponent == pytest.approx(0.5, abs=4 * found.exponent_error)
    assert found.exponent_interval[1] < 1
    assert found.bracketed.all()


def test_an_optimum_at_the_end_is_not_bracketed():
    generator = np.random.default_rng(2)
    found = optima([1.0, 2.0], [SIZES, SIZES], [noisy(64.0, generator), noisy(8.0, generator)], generator)
    assert found.bracketed.tolist() == [False, True]


def test_the_effective_batch_size_makes_the_noise_scale_exact():
    curve = Curve((4, 16), 0.1, 0.5, 100)
    for b, effective in zip(curve.batch_sizes, curve.effective_batch_sizes, strict=True):
        assert curve.noise_scale_times / effective == pytest.approx(
            SGDConfig(0.1, b, 100, 0.5, "without_replacement").noise_scale
        )
    assert curve.batch_size(curve.effective_batch_sizes) == pytest.approx([4, 16])


@pytest.mark.parametrize("source", PROTOCOLS)
@pytest.mark.parametrize("preset", ["smoke", "quick", "full"])
@pytest.mark.parametrize("rule", ["learning_rate", "momentum", "training_set", "few examples"])
def test_the_curves_of_a_rule_differ_in_one_thing(source, preset, rule):
    protocol = PROTOCOLS[source][preset]
    curves = [protocol.curves[each] for each in protocol.rules[rule]]
    variable = "learning_rate" if rule == "few examples" else rule
    assert len({VARIABLES[variable].of(curve) for curve in curves}) == len(curves) >= 2
    for other in set(VARIABLES) - {variable}:
        assert len({VARIABLES[other].of(curve) for curve in curves}) == 1
    for curve in curves:
        assert max(curve.batch_sizes) < curve.n_examples
        assert protocol.updates(curve) % curve.readings == 0
        passed = protocol.updates(curve) * curve.learning_rate / (1 - curve.momentum)
        assert passed == pytest.approx(protocol.time, rel=0.01)


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
