"""Integrals of peaked densities against closed forms, and the evidence in other coordinates against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import dblquad
from scipy.special import expit
from scipy.stats import multivariate_t

from sgdsde.logistic import LogisticRegression
from sgdsde.theory import LinearMap, cubic_map, log_evidence_in_coordinates, log_integral, sinh_map

UNCHANGED, SCALES = LinearMap(np.eye(2)), LinearMap(np.diag([100.0, 0.1]))
START = np.array([1.0, -0.5])


def examples(n, seed):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, 2))
    return LogisticRegression(x, (generator.random(n) < expit(x @ START)).astype(np.int64), softmax=False)


def exact(model, coordinates, **options):
    return log_evidence_in_coordinates(model, 1.0, coordinates, START, **options).value


def test_the_trapezoidal_rule_finds_a_skewed_integral_from_a_wrong_gaussian():
    """∫∫ exp(2x − eˣ − y⁴) = Γ(2) · 2Γ(5/4)."""
    found = log_integral(lambda p: 2 * p[:, 0] - np.exp(p[:, 0]) - p[:, 1] ** 4, [0.5, 0.1], [[0.7, 0.1], [0.1, 0.2]])
    assert_allclose(found.value, np.log(2 * 0.9064024770554771), rtol=0, atol=1e-10)
    assert found.change < 1e-10


def test_integrals_that_do_not_settle_are_refused():
    with pytest.raises(ArithmeticError, match="does not fall within 64 standard deviations"):
        log_integral(multivariate_t(df=3).logpdf, np.zeros(1), np.eye(1))
    with pytest.raises(ArithmeticError, match="do not settle"):
        log_integral(lambda p: np.where(p[:, 0] > 0.123, 0.0, -50.0) - p[:, 0] ** 2, np.zeros(1), np.eye(1))


def test_gaussians_that_place_no_nodes_are_refused():
    with pytest.raises(ValueError, match="centre must be 2 finite numbers"):
        log_integral(lambda p: p[:, 0], np.zeros(3), np.eye(2))
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        log_integral(lambda p: p[:, 0], np.zeros(2), np.diag([1.0, 0.0]))


def test_the_exact_evidence_is_that_of_adaptive_integration():
    model = examples(12, 3)
    signed = model.inputs * (2 * model.labels[:, None] - 1)

    def integrand(second, first):
        likelihood = np.prod(1 / (1 + np.exp(-signed[:, 0] * first - signed[:, 1] * second)))
        return likelihood * np.exp(-(first**2 + second**2) / 2) / (2 * np.pi)

    expected, _ = dblquad(integrand, -8, 8, -8, 8, epsabs=1e-12, epsrel=1e-8)
    for coordinates in (UNCHANGED, SCALES, sinh_map(), cubic_map()):
        assert_allclose(exact(model, coordinates), np.log(expected), rtol=0, atol=1e-8)


def test_without_its_jacobian_the_evidence_is_lost():
    model = examples(12, 3)
    assert_allclose(exact(model, SCALES) - exact(model, SCALES, carried=False), np.log(10), atol=1e-9)
    assert exact(model, sinh_map()) - exact(model, sinh_map(), carried=False) > 0.1
