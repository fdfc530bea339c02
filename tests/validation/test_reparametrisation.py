"""The integrals that the claim about reparametrisation leans on, against SciPy's, and its network's derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import dblquad, quad
from scipy.stats import multivariate_t

from sgdsde.statistics import Estimate
from sgdsde.theory.coordinates import LinearMap, cubic_map, sinh_map
from validation.coordinates.laplace_shift import (
    LAMBDA,
    UNCHANGED,
    exact_log_evidence,
    first_order_shift,
    laplace,
    measured_shifts,
    plane_examples,
    power,
    random_map,
    toy_examples,
)
from validation.coordinates.quadrature import log_integral
from validation.coordinates.rescaled_network import Network, orbit, random_network, reading, rescaled

TINY = Network(np.array([[0.5, 1.5], [1.0, 0.3]]), np.array([[1, 0], [1, 1]]), 0.7)


def differences(function, at, step=1e-6):
    return np.stack([(function(at + s) - function(at - s)) / (2 * step) for s in step * np.eye(len(at))], axis=-1)


def test_the_trapezoidal_rule_finds_a_skewed_integral_from_a_wrong_gaussian():
    """∫∫ exp(2x − eˣ − y⁴) = Γ(2) · 2Γ(5/4)."""
    found = log_integral(
        lambda p: 2 * p[:, 0] - np.exp(p[:, 0]) - p[:, 1] ** 4, np.array([0.5, 0.1]), np.array([[0.7, 0.1], [0.1, 0.2]])
    )
    assert_allclose(found.value, np.log(2 * 0.9064024770554771), rtol=0, atol=1e-10)
    assert found.change < 1e-10


def test_integrals_that_do_not_settle_are_refused():
    with pytest.raises(ArithmeticError, match="does not fall within 64 standard deviations"):
        log_integral(multivariate_t(df=3).logpdf, np.zeros(1), np.eye(1))
    with pytest.raises(ArithmeticError, match="do not settle"):
        log_integral(lambda p: np.where(p[:, 0] > 0.123, 0.0, -50.0) - p[:, 0] ** 2, np.zeros(1), np.eye(1))


def test_the_exact_evidence_is_that_of_adaptive_integration():
    model = plane_examples(12, 3)
    signed = model.inputs * (2 * model.labels[:, None] - 1)

    def integrand(second, first):
        likelihood = np.prod(1 / (1 + np.exp(-signed[:, 0] * first - signed[:, 1] * second)))
        return likelihood * np.exp(-LAMBDA * (first**2 + second**2) / 2) * LAMBDA / (2 * np.pi)

    expected, _ = dblquad(integrand, -8, 8, -8, 8, epsabs=1e-12, epsrel=1e-8)
    for coordinates in (UNCHANGED, LinearMap(np.diag([100.0, 0.1])), sinh_map(), cubic_map()):
        assert_allclose(exact_log_evidence(model, coordinates).value, np.log(expected), rtol=0, atol=1e-8)


def test_without_its_jacobian_the_evidence_is_lost():
    model, scales = plane_examples(12, 3), LinearMap(np.diag([100.0, 0.1]))
    lost = exact_log_evidence(model, scales).value - exact_log_evidence(model, scales, carried=False).value
    assert_allclose(lost, np.log(10), atol=1e-9)
    lost = exact_log_evidence(model, sinh_map()).value - exact_log_evidence(model, sinh_map(), carried=False).value
    assert lost > 0.1


def test_the_first_order_term_takes_third_derivatives_of_the_loss():
    """Without the third derivatives the remainder would be of the order of the term itself."""
    model = plane_examples(4000, 5)
    here, there = laplace(model, UNCHANGED), laplace(model, sinh_map())
    shift = there.log_evidence - here.log_evidence
    assert_allclose(shift, first_order_shift(model, sinh_map(), here.theta), rtol=0.01)


def test_shifts_are_means_over_data_sets_with_errors():
    shifts = measured_shifts(sinh_map(), (50, 400), range(12))
    assert shifts.shift.value.shape == shifts.rest.standard_error.shape == (2,)
    assert_allclose(shifts.shift.value - shifts.rest.value, shifts.first, rtol=1e-12)
    again = measured_shifts(sinh_map(), (400,), range(12))
    assert again.shift.value[0] == shifts.shift.value[1]


def test_a_power_has_the_error_of_repeated_experiments():
    counts, generator = np.array([25.0, 50, 100, 200, 400, 800]), np.random.default_rng(0)
    truth = -3 / counts**2 * np.exp(4 / counts)
    errors = 0.01 * np.abs(truth)
    found = [power(counts, Estimate(truth + errors * generator.standard_normal(6), errors)) for _ in range(400)]
    z = np.array([(each.value + 2) / each.standard_error for each in found])
    assert abs(z.mean()) < 4.5 / np.sqrt(400)
    assert abs(z.var() - 1) < 4.5 * np.sqrt(2 / 400)
    with pytest.raises(RuntimeError, match="one sign"):
        power(counts, Estimate(truth * [1, 1, 1, 1, 1, -1], errors))


def test_a_random_map_has_the_condition_asked_for():
    matrix = random_map(30, 0.1, 1000.0, 1).matrix
    assert_allclose(np.linalg.cond(matrix), 1e4, rtol=1e-9)
    assert toy_examples(30, 1).inputs.shape == (30, 30)


def test_the_network_has_the_derivatives_of_its_cost():
    network = random_network(20, 4)
    for weights in (np.array([0.8, 1.1, -0.6]), np.array([-0.5, 0.9, 1.3])):
        assert_allclose(differences(network.cost, weights), network.gradient(weights), atol=1e-6)
        expected = differences(network.gradient, weights) - network.regularization * np.eye(3)
        assert_allclose(network.hessian(weights), expected, atol=1e-6)


def test_the_evidence_of_the_network_is_that_of_adaptive_integration():
    signs = 2 * TINY.labels - 1

    def prior(x):
        return math.sqrt(TINY.regularization / (2 * math.pi)) * math.exp(-TINY.regularization * x * x / 2)

    def one_input(k, v):
        def integrand(u):
            return prior(u) * np.prod(1 / (1 + np.exp(-v * max(u, 0.0) * signs[k] * TINY.inputs[k])))

        return quad(integrand, -9, 0, epsrel=1e-10)[0] + quad(integrand, 0, 9, epsrel=1e-10)[0]

    def outer(v):
        return prior(v) * one_input(0, v) * one_input(1, v)

    expected = math.log(quad(outer, -9, 0, epsrel=1e-9)[0] + quad(outer, 0, 9, epsrel=1e-9)[0])
    for alpha in (1.0, 0.05, 30.0):
        assert_allclose(TINY.log_evidence(alpha), expected, rtol=0, atol=1e-8)
        assert_allclose(TINY.log_evidence(alpha, 1 / 8), expected, rtol=0, atol=1e-8)
        assert_allclose(TINY.log_evidence(alpha, carried=False), expected + math.log(alpha), rtol=0, atol=1e-8)


def test_rescaling_is_a_symmetry_of_the_network_that_its_prior_breaks():
    network = random_network(100, 2)
    minimum = network.minimum()
    assert_allclose(minimum[:2] @ minimum[:2], minimum[2] ** 2, rtol=1e-9)
    for alpha in (0.01, 3.0):
        there = rescaled(minimum, alpha)
        assert_allclose(network.cross_entropy(there), network.cross_entropy(minimum), rtol=1e-12)
        assert network.cost(there) > network.cost(minimum) + 0.1
        assert reading(network, there) < reading(network, minimum)
    start, near, far = orbit(network, (10.0, 100.0))
    assert start.lifted == 0
    assert far.sharpness[0] > 50 * near.sharpness[0] > 50 * start.sharpness[0]


def test_the_network_says_where_its_nodes_end():
    with pytest.raises(ValueError, match=r"alpha must be from 0.001 to 1000, got 2000.0"):
        TINY.log_evidence(2000.0)
    one_sided = Network(np.ones((2, 5)), np.zeros((2, 5), dtype=int), 0.5)
    with pytest.raises(RuntimeError, match="no minimum with positive weights"):
        one_sided.minimum()
