"""The evidence as λ → 0: against closed forms of orthant probabilities, annealing, and bad input."""

import numpy as np
import pytest
from tables import every

from sgdsde.evidence.annealing import sampled_log_evidence
from sgdsde.evidence.orthant import weak_penalty_log_evidence
from sgdsde.logistic import LogisticRegression


def with_correlation(rho, n):
    """Inputs of unit length with the same scalar product, whose signed products z have it too."""
    covariance = np.full((n, n), rho) + (1 - rho) * np.eye(n)
    labels = np.arange(n) % 2
    return LogisticRegression(np.linalg.cholesky(covariance) * np.where(labels == 1, 1.0, -1.0)[:, None], labels)


@pytest.mark.parametrize("rho", [0.9, 0.5, 0.0, -0.8])
def test_two_examples_have_the_angle_between_them(rho):
    found = weak_penalty_log_evidence(with_correlation(rho, 2), seed=1)
    exact = np.log(0.25 + np.arcsin(rho) / (2 * np.pi))
    assert abs(found.log_evidence - exact) < 4.5 * found.standard_error + 1e-12


@pytest.mark.parametrize("n", [5, 100])
def test_correlation_one_half_has_a_closed_form(n):
    """P(all of n positive) = 1/(n + 1), by exchangeability of n + 1 normals of which the least is one's own."""
    found = weak_penalty_log_evidence(with_correlation(0.5, n), seed=2)
    assert abs(found.log_evidence + np.log(n + 1)) < 4.5 * found.standard_error
    assert found.standard_error < 0.05


def test_errors_are_calibrated():
    model, runs = with_correlation(0.5, 12), 60
    found = [weak_penalty_log_evidence(model, samples=320, seed=seed) for seed in range(runs)]
    z = np.array([(each.log_evidence + np.log(13)) / each.standard_error for each in found])
    mean = 15 / 13  # of the square of Student's t
    assert abs(np.mean(z**2) - mean) < 4 * np.sqrt((3 * 225 / (13 * 11) - mean**2) / runs)


@pytest.mark.slow("annealing at many penalties")
def test_annealing_comes_to_it_at_weak_penalties():
    generator = np.random.default_rng(5)
    x = generator.standard_normal((60, 60))
    model = LogisticRegression(x, (x.sum(axis=1) > 0).astype(int))
    limit = weak_penalty_log_evidence(model, seed=3)
    annealed = sampled_log_evidence(model, 1e-7, particles=256, seed=4)
    assert limit.trusted
    assert limit.standard_error < 0.02
    error = np.hypot(limit.standard_error, annealed.standard_error)
    assert error < 0.3
    assert abs(limit.log_evidence - annealed.log_evidence) < 5 * error


@every(
    ("model", "options", "message"),
    [
        (LogisticRegression(np.eye(3), [0, 1, 2]), {}, "model must be binary, with one weight vector, got a softmax"),
        (LogisticRegression([[1.0], [2.0]], [0, 1]), {}, "model must have linearly independent inputs, got"),
        (
            LogisticRegression(np.eye(2), [0, 1]),
            {"samples": 31},
            "samples must be an integer of at least 32 and a mult",
        ),
        (LogisticRegression(np.eye(2), [0, 1]), {"seed": -1}, "seed must be an integer of at least 0, got -1"),
        ("model", {}, "model must be a LogisticRegression, got str"),
    ],
)
def test_bad_input_is_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        weak_penalty_log_evidence(model, **options)
