"""The best constant learning rate to sample a posterior: exact law, SDE, and what runs find."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.models import LinearRegression, posterior_divergences, posterior_rate
from sgdsde.models.posterior_rates import least_rate
from sgdsde.theory import optimal_learning_rate, posterior_divergence

pytestmark = pytest.mark.networks

N = 100
PROBLEM = LinearRegression.gaussian(2, n_examples=N, spectrum=[1.0, 0.5])
CONFIG = sg.SGDConfig(0.1, batch_size=10, n_examples=N, sampling="with_replacement")


def test_divergences_are_those_of_the_stationary_laws():
    law = PROBLEM.stationary_covariance(sg.SGDConfig(0.2, 10, N, sampling="with_replacement"))
    expected = posterior_divergence(PROBLEM.hessian, law, N)
    np.testing.assert_allclose(posterior_divergences(PROBLEM, CONFIG, [0.2])[0], expected)
    assert posterior_divergences(PROBLEM, CONFIG, 0.2).shape == (1,)


def test_the_sde_is_best_where_the_closed_form_says():
    best = optimal_learning_rate(PROBLEM.hessian, PROBLEM.noise_covariance(), CONFIG)
    below, at, above = posterior_divergences(PROBLEM, CONFIG, best * np.array([0.98, 1.0, 1.02]), "sde")
    assert at < below
    assert at < above


def test_runs_find_the_best_rate_of_the_exact_law_and_not_that_of_the_sde():
    best = optimal_learning_rate(PROBLEM.hessian, PROBLEM.noise_covariance(), CONFIG)
    rates = best * np.array([0.5, 0.7, 0.9, 1.1, 1.4])
    found = posterior_rate(PROBLEM, CONFIG, rates, 5120, range(5))
    assert found.exact < 0.97 * best
    near = posterior_divergences(PROBLEM, CONFIG, found.exact * np.array([0.99, 1.0, 1.01]))
    assert near.argmin() == 1
    error = float(found.best.standard_error)
    assert error < 0.01 * found.exact
    assert abs(float(found.best.value) - found.exact) < 4 * error
    assert abs(float(found.best.value) - best) > 4 * error
    z = (found.divergence.value - found.law) / found.divergence.standard_error
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"rates": [0.1, 0.2, 0.3]}, "rates must be at least 4 numbers, as many as seeds, got 4 seeds"),
        ({"seeds": [1, 2, 3]}, "rates must be at least 4 numbers, as many as seeds, got 3 seeds"),
        ({"groups": 1}, "groups must be an integer of at least 2, got 1"),
        ({"replicas": 100}, "covariance_groups must divide replicas = 100, got 128"),
    ],
)
def test_what_cannot_be_is_refused(change, match):
    arguments = {"rates": [0.1, 0.2, 0.3, 0.4], "replicas": 128, "seeds": [1, 2, 3, 4]} | change
    with pytest.raises(ValueError, match=match):
        posterior_rate(PROBLEM, CONFIG, **arguments)


def test_the_valley_is_least_where_its_formula_says():
    rates = np.array([0.5, 0.7, 1.0, 1.4, 2.0])
    for dimension in (2, 6):
        law = 3 + 0.8 * rates + 0.1 * rates**2 - dimension / 2 * np.log(rates)
        expected = {2: 1.0, 6: (np.sqrt(0.8**2 + 4 * 0.2 * 3) - 0.8) / 0.4}[dimension]
        assert np.isclose(least_rate(rates, law, np.ones(5), dimension), expected)
