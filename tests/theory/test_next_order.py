"""The next order of Laplace's method against integrals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sgdsde.logistic import LogisticRegression
from sgdsde.theory import laplace_correction, laplace_evidence


def exact_log_evidence(model, penalty):
    """The integral over the prior on a product rule around the minimum, wide enough for what is not Gaussian."""
    fit = model.fit(penalty)
    root = np.linalg.inv(np.linalg.cholesky(model.hessian(fit.weights, penalty))).T
    nodes, weights = np.polynomial.legendre.leggauss(120)
    grid = np.stack(np.meshgrid(*[9 * nodes] * model.dimension, indexing="ij"), axis=-1)
    measure = weights * 9
    for _ in range(model.dimension - 1):
        measure = np.multiply.outer(measure, weights * 9)
    integral = (measure * np.exp(fit.cost - model.cost(fit.weights + grid @ root.T, penalty))).sum()
    volume = np.linalg.slogdet(root)[1] + model.dimension / 2 * np.log(penalty / (2 * np.pi))
    return fit, float(np.log(integral) + volume - fit.cost)


@pytest.mark.parametrize("features", [1, 2])
def test_what_is_left_after_it_is_of_the_next_order(features):
    # With k copies of the data and k times the penalty C is k times as large: errors fall as 1/k, then as 1/k².
    generator = np.random.default_rng(3)
    x, y = generator.standard_normal((6, features)), np.array([0, 1, 1, 0, 1, 1])
    first, second = [], []
    for copies in (4, 8, 16):
        model = LogisticRegression(np.tile(x, (copies, 1)), np.tile(y, copies))
        fit, exact = exact_log_evidence(model, 0.5 * copies)
        hessian = model.hessian(fit.weights, 0.5 * copies)
        laplace = laplace_evidence(fit.cost, np.linalg.eigvalsh(hessian), 0.5 * copies).log_evidence
        first.append(exact - laplace)
        second.append(exact - laplace - laplace_correction(model, fit.weights, 0.5 * copies))
    assert_allclose(np.log2(np.abs(first[0] / first[1])), 1, atol=0.1)
    assert_allclose(np.log2(np.abs(first[1] / first[2])), 1, atol=0.1)
    assert_allclose(np.log2(np.abs(second[1] / second[2])), 2, atol=0.25)


def test_rows_in_blocks_are_all_rows(monkeypatch):
    generator = np.random.default_rng(0)
    model = LogisticRegression(generator.standard_normal((50, 3)), np.arange(50) % 2)
    weights = model.fit(1.0).weights
    whole = laplace_correction(model, weights, 1.0)
    monkeypatch.setitem(laplace_correction.__globals__, "ROWS", 7)
    assert_allclose(laplace_correction(model, weights, 1.0), whole, rtol=1e-12)


def test_softmax_is_refused():
    model = LogisticRegression(np.eye(3), [0, 1, 2])
    with pytest.raises(ValueError, match="model must be binary, with one weight vector, got a softmax"):
        laplace_correction(model, np.zeros(9), 1.0)
