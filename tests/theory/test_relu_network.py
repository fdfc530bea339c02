"""The ReLU network with an exact evidence: derivatives, integrals, and what rescaling its layers does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import expit
from tables import every

from sgdsde.theory import ReLUNetwork, transformed_hessian

TINY = ReLUNetwork([[0.5, 1.5], [1.0, 0.3]], [[1, 0], [1, 1]], 0.7)
#: Largest eigenvalue, trace, determinant.
MEASURES = (lambda h: np.linalg.eigvalsh(h)[-1], np.trace, np.linalg.det)


def drawn(n, seed, sizes=(1.0, 0.7)):
    generator = np.random.default_rng(seed)
    inputs = np.abs(generator.standard_normal((len(sizes), n)))
    p = expit(1.5 * np.array(sizes)[:, None] * inputs)
    return ReLUNetwork(inputs, (generator.random(inputs.shape) < p).astype(int), 0.5)


def differences(function, at, step=1e-6):
    return np.stack([(function(at + s) - function(at - s)) / (2 * step) for s in step * np.eye(len(at))], axis=-1)


@pytest.mark.parametrize("sizes", [(1.0, 0.7), (1.0, 0.7, 0.4)])
def test_it_has_the_derivatives_of_its_cost(sizes):
    network = drawn(20, 4, sizes)
    for weights in (np.array([0.8, 1.1, 0.4, -0.6]), np.array([-0.5, 0.9, 0.2, 1.3])):
        w = np.append(weights[: len(sizes)], weights[-1])
        assert_allclose(differences(network.cost, w), network.gradient(w), atol=1e-6)
        expected = differences(network.gradient, w) - network.regularization * np.eye(len(w))
        assert_allclose(network.hessian(w), expected, atol=1e-6)


def test_its_evidence_is_that_of_adaptive_integration():
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
        assert_allclose(TINY._log_evidence(alpha, 1 / 8, True), expected, rtol=0, atol=1e-8)
        assert_allclose(TINY.log_evidence(alpha, carried=False), expected + math.log(alpha), rtol=0, atol=1e-8)


def test_the_determinant_of_three_inputs_is_the_square_of_alpha():
    three = drawn(5, 1, (1.0, 0.7, 0.4))
    assert_allclose(three.log_evidence(20.0), three.log_evidence(), rtol=0, atol=1e-8)
    assert_allclose(three.log_evidence(20.0, carried=False) - three.log_evidence(), 2 * math.log(20), atol=1e-8)


@every("alpha", [0.001, 0.01, 0.1, 0.5, 3.0, 10.0, 100.0, 1000.0])
def test_rescaling_is_a_symmetry_that_makes_it_as_sharp_as_one_likes_and_that_its_prior_breaks(alpha):
    network = drawn(100, 2)
    minimum = network.minimum()
    there = network.rescaled(minimum, alpha)
    assert_allclose(network.cross_entropy(there), network.cross_entropy(minimum), rtol=1e-12)
    here, jacobian = network.hessian(minimum), np.diag(network.rescaled(np.ones(3), 1 / alpha))
    for measure in MEASURES:
        assert_allclose(measure(network.hessian(there)), measure(transformed_hessian(here, jacobian)), rtol=1e-8)
    assert_allclose(MEASURES[2](network.hessian(there)), MEASURES[2](here) / alpha**2, rtol=1e-8)
    # Along the orbit C has its minimum where |u|² = v²: both are then |u| v.
    assert_allclose(minimum[:2] @ minimum[:2], minimum[2] ** 2, rtol=1e-9)
    lifted = network.regularization * np.linalg.norm(minimum[:2]) * minimum[2] * (alpha - 1 / alpha) ** 2 / 2
    assert_allclose(network.cost(there) - network.cost(minimum), lifted, rtol=1e-8)
    assert lifted > 0.1


def test_sharpness_grows_without_bound():
    network = drawn(100, 2)
    start, near, far = (MEASURES[0](network.hessian(network.rescaled(network.minimum(), a))) for a in (1, 10, 100))
    assert far > 50 * near > 50 * start


def test_what_it_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"alpha must be from 0.001 to 1000, got 2000.0"):
        TINY.log_evidence(2000.0)
    with pytest.raises(RuntimeError, match="no minimum with positive weights"):
        ReLUNetwork(np.ones((2, 5)), np.zeros((2, 5), dtype=int), 0.5).minimum()
    with pytest.raises(ValueError, match="inputs must be positive, got -1"):
        ReLUNetwork([[-1.0]], [[1]], 0.5)
    with pytest.raises(ValueError, match=r"labels must be 0 or 1, of the shape \(1, 2\)"):
        ReLUNetwork([[1.0, 2.0]], [[1, 2]], 0.5)
    with pytest.raises(ValueError, match=r"weights must have the shape \(3,\)"):
        TINY.cost([1.0, 2.0])
