"""Cumulants against all batches there are, against the variance of stationary.py, and against SGD itself."""

from itertools import combinations, product

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.config import SGDConfig
from sgdsde.theory import batch_cumulants, stationary_cumulants, stationary_variance
from sgdsde.whitened import whitened_examples

SKEWED = np.array([-1.0, 0.5, 0.25, 3.0, -0.75, 0.125])


def cumulants(values):
    x = np.asarray(values) - np.mean(values)
    second = np.mean(x**2)
    return np.array([np.mean(values), second, np.mean(x**3), np.mean(x**4) - 3 * second**2])


@every("batch", range(1, 7))
def test_without_replacement_equals_the_average_over_all_batches(batch):
    config = SGDConfig(0.1, batch, 6)
    every = [np.mean(chosen) for chosen in combinations(SKEWED, batch)]
    np.testing.assert_allclose(batch_cumulants(SKEWED, config), cumulants(every), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_with_replacement_equals_the_average_over_all_batches(batch):
    config = SGDConfig(0.1, batch, 6, sampling="with_replacement")
    every = [np.mean(chosen) for chosen in product(SKEWED, repeat=batch)]
    np.testing.assert_allclose(batch_cumulants(SKEWED, config), cumulants(every), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("n", [2, 3])
def test_fewer_than_four_examples(n):
    config, few = SGDConfig(0.1, 1, n), SKEWED[:n]
    np.testing.assert_allclose(batch_cumulants(few, config), cumulants(few), rtol=1e-12, atol=1e-15)


@every("sampling", ["with_replacement", "without_replacement"])
@every(("rate", "momentum"), [(0.01, 0.0), (1.5, 0.0), (0.3, 0.9), (1.0, 0.5)])
def test_equals_the_sum_over_past_batches_and_the_known_variance(sampling, rate, momentum):
    h, config = 0.8, SGDConfig(rate, 2, 6, momentum, sampling)
    step, state, response = np.array([[1 - rate * h, momentum], [-rate * h, momentum]]), np.ones(2), []
    for _ in range(5000):
        response.append(state[0])
        state = step @ state
    sums = np.array([(np.array(response) ** power).sum() for power in (1, 2, 3, 4)])
    law = stationary_cumulants(h, SKEWED, config)
    np.testing.assert_allclose(law, batch_cumulants(SKEWED, config) * sums * (-rate) ** np.arange(1, 5), rtol=1e-10)
    assert law[0] == pytest.approx(-SKEWED.mean() / h)
    assert law[1] == pytest.approx(float(stationary_variance(h, SKEWED.var(ddof=1), config, dynamics="sgd")))


def test_weight_decay_and_dampening():
    plain = SGDConfig(0.1, 2, 6, 0.5)
    other = SGDConfig(0.2, 2, 6, 0.5, dampening=0.5, weight_decay=0.3)
    np.testing.assert_allclose(stationary_cumulants(1.0, SKEWED, plain), stationary_cumulants(0.7, SKEWED, other))


def test_equals_sgd():
    config, table = SGDConfig(0.5, 1, 32, 0.3), whitened_examples("student_t:3", 32, 1, seed=4)
    run = sg.simulate_sgd(sg.Landscape("x**2/2", "x"), config, 0.0, 60, 40_000, examples=table, seed=1)
    law = stationary_cumulants(1.0, table[:, 0], config)
    x = run.final[:, 0]
    for sample, predicted in ((x, 0.0), (x**2, law[1]), (x**3, law[2]), (x**4, law[3] + 3 * law[1] ** 2)):
        assert abs(sample.mean() - predicted) < 4.5 * sample.std() / np.sqrt(len(x))


@every(
    ("call", "named"),
    [
        (lambda: batch_cumulants([1.0, 2.0], SGDConfig(0.1, 1, 3)), "gradients"),
        (lambda: batch_cumulants([1.0, np.nan], SGDConfig(0.1, 1, 2)), "gradients"),
        (lambda: stationary_cumulants(0.0, [1.0, -1.0], SGDConfig(0.1, 1, 2)), "curvature"),
        (lambda: stationary_cumulants(1.0, [1.0, -1.0], SGDConfig(2.0, 1, 2)), "stability"),
        (lambda: stationary_cumulants(1.0, [1.0, -1.0], SGDConfig(0.1, 1, 2, sampling="reshuffle")), "reshuffle"),
    ],
)
def test_refusals_name_the_argument(call, named):
    with pytest.raises(ValueError, match=named):
        call()
