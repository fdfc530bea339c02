"""The posterior in two weights, exact laws of its samplers and measures of samples, against what is known without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tables import every

from sgdsde import SGDConfig
from sgdsde.logistic import LogisticRegression
from sgdsde.posterior import (
    LogisticPosterior,
    normal_law,
    sample_langevin,
    sample_sde,
    sample_sgd,
    sampled_covariance,
    sampled_divergence,
    sampled_third_moments,
    sde_law,
    sgd_law,
)
from sgdsde.theory import (
    LinearMap,
    laplace_evidence,
    log_evidence_in_coordinates,
    optimal_learning_rate,
    optimal_preconditioner,
    posterior_divergence,
)

N, BATCH = 300, 16


def regression():
    """Correlated inputs in whole numbers, so that many examples are alike."""
    generator = np.random.default_rng(8)
    inputs = np.round(2 * generator.multivariate_normal([0, 0], [[1, 0.67], [0.67, 1]], N))
    labels = generator.random(N) < 1 / (1 + np.exp(-inputs @ [1.0, 0.7]))
    return LogisticRegression(inputs, labels.astype(int))


POSTERIOR = LogisticPosterior(regression(), 1.0)
CONFIG = SGDConfig(0.3, BATCH, N, sampling="with_replacement")
POINTS = np.random.default_rng(0).normal(size=(5, 2))


def isotropic(weights):
    return np.broadcast_to(2 / N * np.eye(2), (*weights.shape[:-1], 2, 2))


def test_costs_and_gradients_of_equal_examples_are_those_of_the_model():
    model, penalty = POSTERIOR.model, POSTERIOR.regularization
    assert len(POSTERIOR.rows[0]) < N
    np.testing.assert_allclose(POSTERIOR.cost(POINTS), model.cost(POINTS, penalty))
    np.testing.assert_allclose(N * POSTERIOR.mean_gradient(POINTS), model.gradient(POINTS, penalty))
    for w, found in zip(POINTS, POSTERIOR.batch_noise(POINTS), strict=True):
        np.testing.assert_allclose(found, np.cov(model.per_example_gradients(w, penalty).T))
    np.testing.assert_allclose(POSTERIOR.batch_noise(POSTERIOR.fit.weights), POSTERIOR.noise_covariance)


def test_the_landscape_is_the_mean_loss():
    few = LogisticPosterior(LogisticRegression(POSTERIOR.model.inputs[:20], POSTERIOR.model.labels[:20]), 0.7)
    landscape = few.with_isotropic_noise().with_parameters(f=3.0)
    np.testing.assert_allclose(20 * landscape.loss(POINTS), few.cost(POINTS))
    np.testing.assert_allclose(landscape.noise_covariance(POINTS), 3.0 * np.broadcast_to(np.eye(2), (5, 2, 2)))


def test_exact_moments_are_laplaces_for_strong_priors_and_the_evidence_near_his():
    strong = LogisticPosterior(POSTERIOR.model, 1e5)
    np.testing.assert_allclose(strong.exact.covariance, np.linalg.inv(N * strong.hessian), rtol=1e-3)
    curvatures = np.linalg.eigvalsh(N * POSTERIOR.hessian)
    laplace = laplace_evidence(POSTERIOR.fit.cost, curvatures, POSTERIOR.regularization).log_evidence
    assert 1e-4 < abs(POSTERIOR.log_evidence() - laplace) < 0.05


def test_exact_evidence_is_that_of_another_quadrature():
    found = log_evidence_in_coordinates(POSTERIOR.model, 1.0, LinearMap(np.eye(2)), POSTERIOR.fit.weights)
    assert POSTERIOR.log_evidence() == pytest.approx(found.value, abs=1e-9)


def test_the_law_of_isotropic_noise_is_the_posterior():
    law = sde_law(POSTERIOR, 1.0, noise=isotropic)
    np.testing.assert_allclose(POSTERIOR.whitened(law.mean), 0.0, atol=1e-4)
    np.testing.assert_allclose(POSTERIOR.relative(law.covariance), np.eye(2), atol=1e-4)
    assert POSTERIOR.divergence(law.covariance) < 1e-8
    assert np.abs(POSTERIOR.whitened(POSTERIOR.fit.weights)).max() > 0.05  # the mean is not the minimum


def test_laws_of_steps_tend_to_that_of_the_sde_linearly_in_the_step():
    laws = [sde_law(POSTERIOR, 1.0, step, isotropic).covariance for step in (0.1, 0.2)]
    first, second = (np.linalg.norm(law - POSTERIOR.exact.covariance) for law in laws)
    assert second / first == pytest.approx(2.0, rel=0.05)


def test_the_law_of_sgd_is_that_of_constant_noise_for_many_copies_of_the_data():
    """With 20 times the data at the same ε the law is narrow, and H and F are constant across it."""
    few, gaps = POSTERIOR.model, []
    many = LogisticPosterior(LogisticRegression(np.tile(few.inputs, (20, 1)), np.tile(few.labels, 20)), 20.0)
    for posterior, rate in ((POSTERIOR, 0.04), (many, 0.002)):
        config = SGDConfig(rate, 1, posterior.n_examples, sampling="with_replacement")
        law, normal = sgd_law(posterior, config), normal_law(posterior, config)
        gaps.append(np.abs(law.covariance / normal.covariance - 1).max())
    assert gaps[1] < gaps[0] / 5


@pytest.mark.parametrize("preconditioner", [None, [[0.5, -0.1], [-0.1, 0.4]]])
def test_samples_of_sgd_have_its_law_and_not_that_of_another_batch_size(preconditioner):
    start = normal_law(POSTERIOR, CONFIG, preconditioner).normal(640, seed=1)
    snapshots = sample_sgd(POSTERIOR, CONFIG, start, 6, 2, preconditioner, burn_in=60, save_every=20)
    found = sampled_covariance(POSTERIOR, snapshots)
    law, wrong = (
        POSTERIOR.relative(sgd_law(POSTERIOR, config, preconditioner).covariance)
        for config in (CONFIG, replace(CONFIG, batch_size=BATCH - 6))
    )
    assert (np.abs(found.value - law) < 4.5 * found.standard_error).all()
    assert (np.abs(found.value - wrong) > 4.5 * found.standard_error).any()
    divergence = sampled_divergence(POSTERIOR, snapshots)
    assert abs(divergence.value - posterior_divergence(np.eye(2), law, 1)) < 5 * divergence.standard_error


def test_samples_of_the_sde_have_the_law_of_its_steps():
    start = normal_law(POSTERIOR, CONFIG).normal(400, seed=1)
    snapshots = sample_sde(POSTERIOR, CONFIG.temperature, 0.3, start, 6, seed=2)
    found, law = sampled_covariance(POSTERIOR, snapshots), sde_law(POSTERIOR, CONFIG.temperature, 0.3)
    assert (np.abs(found.value - POSTERIOR.relative(law.covariance)) < 4.5 * found.standard_error).all()


def test_momentum_samples_at_its_noise_scale():
    heavy = replace(CONFIG, learning_rate=0.5 * CONFIG.learning_rate, momentum=0.5)
    np.testing.assert_allclose(
        normal_law(POSTERIOR, heavy).covariance, normal_law(POSTERIOR, CONFIG).covariance, rtol=1e-12
    )
    snapshots = sample_sgd(POSTERIOR, heavy, normal_law(POSTERIOR, heavy).normal(640, 1), 6, seed=2)
    found, law = sampled_covariance(POSTERIOR, snapshots), POSTERIOR.relative(sgd_law(POSTERIOR, CONFIG).covariance)
    np.testing.assert_allclose(np.diagonal(found.value), np.diagonal(law), rtol=0.15)


def test_the_preconditioner_from_f_comes_nearest():
    def distance(rate=0.3, preconditioner=None):
        law = sgd_law(POSTERIOR, replace(CONFIG, learning_rate=rate), preconditioner)
        return POSTERIOR.divergence(law.covariance)

    best = optimal_learning_rate(POSTERIOR.hessian, POSTERIOR.noise_covariance, CONFIG, dynamics="sgd")
    plain, full = distance(best), distance(preconditioner=optimal_preconditioner(POSTERIOR.noise_covariance, CONFIG))
    assert full < plain / 5
    assert min(distance(0.7 * best), distance(1.4 * best)) > plain


def test_the_jackknife_takes_the_bias_of_kl_away_and_knows_its_error():
    """Normal samples with the posterior's covariance: KL is 0."""
    generator, runs = np.random.default_rng(3), []
    root = np.linalg.inv(POSTERIOR.axes).T
    for _ in range(100):
        cloud = POSTERIOR.exact.mean + generator.standard_normal((1, 256, 2)) @ root.T
        runs.append(sampled_divergence(POSTERIOR, cloud, groups=32))
    values = np.array([run.value for run in runs])
    assert abs(values.mean()) < 4.5 * values.std() / np.sqrt(len(values))


def test_third_moments_and_their_errors():
    """Exponential variables have the third moment 2."""
    generator, z = np.random.default_rng(4), []
    inverse = np.linalg.inv(POSTERIOR.axes)
    for _ in range(100):
        cloud = POSTERIOR.exact.mean + generator.exponential(size=(2, 2000, 2)) @ inverse
        found = sampled_third_moments(POSTERIOR, cloud)
        z.append((found.value[0, 0, 0] - 2) / found.standard_error[0, 0, 0])
    assert abs(np.mean(z)) < 0.8  # skewed itself: with 4000 values the error bar is not normal yet
    assert 0.6 < np.std(z) < 2.0


def test_replicas_that_diverge_are_an_error():
    with pytest.raises(RuntimeError, match="3 replicas diverged"), np.errstate(all="ignore"):
        sample_sgd(POSTERIOR, replace(CONFIG, learning_rate=1e150), np.ones((3, 2)), 2, 0, burn_in=0, save_every=5)


@every(
    ("call", "message"),
    [
        (lambda: LogisticPosterior(LogisticRegression(np.ones((4, 3)), [0, 1, 0, 1]), 1.0), "model must have two weig"),
        (lambda: LogisticPosterior(POSTERIOR.model, 0.0), "regularization must be a positive"),
        (lambda: sgd_law(POSTERIOR, replace(CONFIG, momentum=0.5)), "config must have momentum=0"),
        (lambda: sgd_law(POSTERIOR, replace(CONFIG, sampling="reshuffle")), "config must have sampling="),
        (lambda: sgd_law(POSTERIOR, replace(CONFIG, n_examples=200)), "n_examples=300 of the posterior, got 200"),
        (lambda: normal_law(POSTERIOR, CONFIG, [[1.0, 2.0], [0.0, 1.0]]), "preconditioner must be symmetric"),
        (lambda: sample_sgd(POSTERIOR, CONFIG, [0.0, 0.0], 1, 0), r"w0 must be finite weights of the shape \(R, 2"),
        (lambda: sample_sgd(POSTERIOR, replace(CONFIG, sampling="reshuffle"), POINTS, 1, 0), "config must have samp"),
        (lambda: sample_sde(POSTERIOR, 1.0, -1.0, POINTS, 1, 0), "step must be a positive"),
        (lambda: sampled_divergence(POSTERIOR, POINTS[None]), "multiple of groups = 64 replicas, got 5"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_isotropic_noise_samples_the_posterior_and_its_powers():
    for power in (1.0, 0.3):
        found = sample_langevin(POSTERIOR, 2000, 4, 7, power)
        assert found.shape == (4, 2000, 2)
        exact = POSTERIOR.moments(power=power)
        every = found.reshape(-1, 2)
        error = np.sqrt(np.diagonal(exact.covariance) / 2000)
        np.testing.assert_array_less(abs(every.mean(axis=0) - exact.mean), 4 * error)
        np.testing.assert_allclose(np.cov(every.T), exact.covariance, atol=0.1 * exact.covariance.max())
    np.testing.assert_array_equal(found, sample_langevin(POSTERIOR, 2000, 4, 7, 0.3))


@pytest.mark.parametrize("wrong", [{"power": 0.0}, {"step": -1.0}, {"snapshots": 0}])
def test_langevin_refuses_what_cannot_be(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        sample_langevin(**{"posterior": POSTERIOR, "paths": 2, "snapshots": 1, "seed": 0, **wrong})
