"""The exact laws that ``posterior_sampling`` leans on, against what is known without them."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.logistic import LogisticRegression
from sgdsde.theory.evidence import laplace_evidence
from validation.posterior.laws import batch_noise, euler_steps, mean_gradient, sde_steps, sgd_steps, stationary_law
from validation.posterior.rates import divergence, least_rate, preconditioners
from validation.posterior.runs import BATCH, batch_config, normal_law, sgd_law
from validation.posterior.samplers import GROUPS, Length, measured_divergence, run_sgd, third_moments
from validation.posterior.target import Posterior, tumours

POSTERIOR = tumours()
N = POSTERIOR.n_examples
POINTS = np.random.default_rng(0).normal(size=(5, 2))


def isotropic(weights):
    return np.broadcast_to(2 / N * np.eye(2), (*weights.shape[:-1], 2, 2))


def test_costs_and_gradients_of_equal_examples_are_those_of_the_model():
    model, penalty = POSTERIOR.model, POSTERIOR.penalty
    np.testing.assert_allclose(POSTERIOR.cost(POINTS), model.cost(POINTS, penalty))
    np.testing.assert_allclose(N * mean_gradient(POSTERIOR, POINTS), model.gradient(POINTS, penalty))
    for w, found in zip(POINTS, batch_noise(POSTERIOR)(POINTS), strict=True):
        np.testing.assert_allclose(found, np.cov(model.per_example_gradients(w, penalty).T))


def test_the_landscape_is_the_mean_loss():
    landscape = POSTERIOR.with_isotropic_noise()
    np.testing.assert_allclose(N * landscape.loss(POINTS), POSTERIOR.cost(POINTS))


def test_exact_moments_are_laplaces_for_strong_priors_and_the_evidence_near_his():
    model = POSTERIOR.model
    strong = Posterior(model, 1e5)
    np.testing.assert_allclose(strong.exact.covariance, np.linalg.inv(N * strong.hessian), rtol=1e-3)
    curvatures = np.linalg.eigvalsh(N * POSTERIOR.hessian)
    laplace = laplace_evidence(POSTERIOR.fit.cost, curvatures, POSTERIOR.penalty).log_evidence
    assert 1e-4 < abs(POSTERIOR.log_evidence() - laplace) < 0.05


def test_the_law_of_isotropic_noise_is_the_posterior():
    start = np.linalg.inv(N * POSTERIOR.hessian)
    law = stationary_law(sde_steps(POSTERIOR, 1.0, np.eye(2), isotropic), POSTERIOR.fit.weights, start)
    np.testing.assert_allclose(POSTERIOR.whitened(law.mean), 0.0, atol=1e-5)
    np.testing.assert_allclose(POSTERIOR.axes.T @ law.covariance @ POSTERIOR.axes, np.eye(2), atol=1e-5)
    assert np.abs(POSTERIOR.whitened(POSTERIOR.fit.weights)).max() > 0.05  # the mean is not the minimum


def test_laws_of_steps_tend_to_that_of_the_sde_linearly_in_the_step():
    start = np.linalg.inv(N * POSTERIOR.hessian)
    laws = [
        stationary_law(
            euler_steps(POSTERIOR, 1 / step, step * np.eye(2), isotropic), POSTERIOR.fit.weights, start
        ).covariance
        for step in (0.25, 0.5)
    ]  # fmt: skip
    first, second = (np.linalg.norm(law - POSTERIOR.exact.covariance) for law in laws)
    assert second / first == pytest.approx(2.0, rel=0.05)


def test_the_law_of_sgd_is_that_of_constant_noise_for_many_copies_of_the_data():
    """With 200 times the data at the same ε/N the law is narrow, and H and F are constant across it."""
    few, small = POSTERIOR.model, 0.002 * np.eye(2)
    many = Posterior(LogisticRegression(np.tile(few.inputs, (20, 1)), np.tile(few.labels, 20)), 20 * POSTERIOR.penalty)
    gaps = []
    for posterior, rates in ((POSTERIOR, 20 * small), (many, small)):
        law = stationary_law(sgd_steps(posterior, 1, rates), posterior.fit.weights, normal_law(posterior, 16 * rates))
        normal = normal_law(posterior, 16 * rates)
        gaps.append(np.abs(law.covariance / normal - 1).max())
    assert gaps[1] < gaps[0] / 5


def test_measured_covariance_of_sgd_is_that_of_its_law_and_not_of_another_batch_size():
    rates = 0.6 * np.eye(2)
    root = np.linalg.cholesky(normal_law(POSTERIOR, rates))
    start = POSTERIOR.fit.weights + np.random.default_rng(1).standard_normal((640, 2)) @ root.T
    snapshots = run_sgd(POSTERIOR, BATCH, rates, start, Length(120, 40, 6), seed=2)
    found = measured_divergence(POSTERIOR, snapshots)
    assert abs(found.value - divergence(POSTERIOR, rates)) < 5 * found.error
    wrong = sgd_steps(POSTERIOR, BATCH - 4, rates)
    law = stationary_law(wrong, POSTERIOR.fit.weights, normal_law(POSTERIOR, rates)).covariance
    assert abs(found.value - POSTERIOR.divergence(POSTERIOR.axes.T @ law @ POSTERIOR.axes)) > 5 * found.error


def test_the_preconditioner_from_f_comes_nearest():
    config = batch_config(POSTERIOR)
    from sgdsde.theory import optimal_learning_rate

    best = optimal_learning_rate(POSTERIOR.hessian, POSTERIOR.noise, config, dynamics="sgd")
    plain = divergence(POSTERIOR, best * np.eye(2))
    full, diagonal = (divergence(POSTERIOR, matrix) for matrix in preconditioners(POSTERIOR).values())
    assert full < 1e-3 < diagonal < plain
    assert min(divergence(POSTERIOR, factor * best * np.eye(2)) for factor in (0.8, 1.25)) > plain
    assert sgd_law(POSTERIOR, best * np.eye(2))[0, 0] > 1.5


def test_the_jackknife_takes_the_bias_of_kl_away_and_knows_its_error():
    """Normal samples with the posterior's covariance: KL is 0."""
    generator, runs = np.random.default_rng(3), []
    root = np.linalg.inv(POSTERIOR.axes).T
    for _ in range(100):
        cloud = POSTERIOR.exact.mean + generator.standard_normal((1, 8 * GROUPS, 2)) @ root.T
        runs.append(measured_divergence(POSTERIOR, cloud))
    values = np.array([run.value for run in runs])
    assert abs(values.mean()) < 4.5 * values.std() / np.sqrt(len(values))


def test_third_moments_and_their_errors():
    """Exponential variables have the third moment 2."""
    generator, z = np.random.default_rng(4), []
    inverse = np.linalg.inv(POSTERIOR.axes)
    for _ in range(100):
        cloud = POSTERIOR.exact.mean + generator.exponential(size=(2, 2000, 2)) @ inverse
        found = third_moments(POSTERIOR, cloud)
        z.append((found.value[0, 0, 0] - 2) / found.standard_error[0, 0, 0])
    assert abs(np.mean(z)) < 0.8  # skewed itself: with 4000 values the error bar is not normal yet
    assert 0.6 < np.std(z) < 2.0


def test_what_is_not_a_posterior_in_two_weights_is_refused():
    model = LogisticRegression(np.ones((4, 3)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="two weights"):
        Posterior(model, 1.0)
    with pytest.raises(ValueError, match="positive"):
        Posterior(POSTERIOR.model, 0.0)
    assert least_rate(np.array([0.5, 1.0, 2.0]), np.array([0.5, 1.0, 2.0]) - np.log([0.5, 1.0, 2.0]), np.ones(3)) > 0.99
