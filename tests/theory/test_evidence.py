"""Laplace's evidence: against a dense computation written anew, its parts, its limits, and bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tables import every

from sgdsde.theory import laplace_evidence, log_evidence_ratio, null_log_evidence


def independent_ratio(x, y, penalty):
    """Smith & Le's E by a plain Newton loop and a determinant, with none of the library."""
    weights = np.zeros(x.shape[1])
    for _ in range(40):
        p = 1 / (1 + np.exp(-x @ weights))
        hessian = (x.T * (p * (1 - p))) @ x + penalty * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, x.T @ (p - y) + penalty * weights)
    z = (2 * y - 1) * (x @ weights)
    cost = np.sum(np.log1p(np.exp(-z))) + penalty / 2 * weights @ weights
    log_determinant = np.linalg.slogdet(hessian / penalty)[1]
    return cost + log_determinant / 2 - len(y) * np.log(2)


@pytest.mark.parametrize(("n", "features"), [(60, 5), (200, 200)])
@pytest.mark.parametrize("informative", [True, False])
def test_the_ratio_is_that_of_an_independent_dense_computation(n, features, informative):
    generator = np.random.default_rng(7)
    x = generator.standard_normal((n, features))
    y = (x.sum(axis=1) > 0).astype(int) if informative else generator.permutation(np.arange(n) % 2)
    penalties = [0.03, 1.0, 30.0]
    found = log_evidence_ratio(x, y, penalties)
    assert_allclose(found, [independent_ratio(x, y, penalty) for penalty in penalties], rtol=0, atol=1e-8)
    assert_allclose(log_evidence_ratio(x, y, 1.0), found[1], rtol=0, atol=1e-9)
    assert_allclose(log_evidence_ratio(x, y, 1.0, cutoff=True), found[1], rtol=0, atol=1e-8)


def test_three_classes_against_the_integral():
    # One feature, three weights: the integral over the prior on a product rule, at a penalty where Laplace is close.
    x, y, penalty = np.linspace(-1, 1, 9)[:, None], np.arange(9) // 3, 20.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij")) / np.sqrt(penalty)
    logits = x[:, :1, None, None] * grid[:, None]
    own = np.stack([logits[label, row] for row, label in enumerate(y)])
    likelihood = np.exp((own - np.log(np.exp(logits).sum(axis=0))).sum(axis=0))
    mass = np.einsum("abc,a,b,c->", likelihood, *[weights / weights.sum()] * 3)
    assert_allclose(log_evidence_ratio(x, y, penalty), -9 * np.log(3) - np.log(mass), atol=5e-3)


def test_a_strong_prior_is_the_null_model_and_a_weak_one_is_worse():
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((50, 8)), np.arange(50) % 2
    weak, strong = log_evidence_ratio(x, y, [1e-8, 1e8])
    assert abs(strong) < 1e-4
    assert weak > 50


def test_parts_add_up():
    evidence = laplace_evidence(3.0, [8.0, 1.0, 0.5], 2.0)
    assert_allclose(evidence.eigenvalues, [0.5, 1.0, 8.0])
    assert_allclose(evidence.log_occam_factors, [np.log(2), np.log(2) / 2, -np.log(2)])
    assert_allclose(evidence.log_occam_factor, np.log(2) / 2)
    assert_allclose(evidence.log_evidence, np.log(2) / 2 - 3)


def test_the_cutoff_leaves_out_eigenvalues_below_the_penalty_only():
    evidence = laplace_evidence(0.0, [-1.0, 0.5, 2.0, 8.0], 2.0, cutoff=True)
    assert evidence.counted.tolist() == [False, False, True, True]
    assert_allclose(evidence.log_evidence, -np.log(2))
    with pytest.raises(ValueError, match="eigenvalues must be positive at a minimum, got -1; cutoff=True"):
        laplace_evidence(0.0, [-1.0, 0.5, 2.0, 8.0], 2.0)


def test_null_model():
    assert_allclose(null_log_evidence(10, 3), -10 * np.log(3))


@every(
    ("call", "message"),
    [
        (lambda: log_evidence_ratio([[1.0], [np.inf]], [0, 1], 1.0), r"X must be finite, got inf at \[1, 0\]"),
        (lambda: log_evidence_ratio([[1.0], [2.0]], [0, 0], 1.0), "y must hold two classes or more, got 0 only"),
        (lambda: log_evidence_ratio([[1.0], [2.0]], [0, 1.5], 1.0), r"y must be .*got 1.5 at \[1\]"),
        (lambda: log_evidence_ratio([[1.0], [2.0]], [0, 1, 1], 1.0), r"y must be .*got the shape \(3,\)"),
        (
            lambda: log_evidence_ratio([[1.0], [2.0]], [0, 1], 0.0),
            "regularization must be a positive finite number, as .*, got 0.0",
        ),
        (
            lambda: log_evidence_ratio([[1.0], [2.0]], [0, 1], [1, -1]),
            "regularization must be a positive finite number",
        ),
        (lambda: log_evidence_ratio([[-1.0], [1.0]], [0, 1], 1e-300), "regularization must be stronger"),
        (lambda: laplace_evidence(np.nan, [1.0], 1.0), "cost must be finite, got nan"),
        (lambda: laplace_evidence(0.0, [[1.0]], 1.0), "eigenvalues must be finite numbers in one dimension"),
        (lambda: null_log_evidence(0), "n_examples must be an integer of at least 1, got 0"),
        (lambda: null_log_evidence(10, 1), "n_classes must be an integer of at least 2, got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
