"""The learning rate and the preconditioner nearest to the posterior, against minimisation of the divergence itself."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov
from tables import every

from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.theory import (
    optimal_learning_rate,
    optimal_preconditioner,
    posterior_divergence,
    stability_limit,
    stationary_covariance,
)


def landscape(p, seed=0):
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((2, p, p))
    return a @ a.T + np.eye(p), b @ b.T + 0.3 * np.eye(p)


def divergence(h, f, config, model, rate):
    here = replace(config, learning_rate=rate)
    return posterior_divergence(h, stationary_covariance(h, f, here, model), config.n_examples)


@pytest.mark.parametrize("p", [1, 2, 5])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
@pytest.mark.parametrize("model", ["sde", "sgd"])
def test_no_other_rate_is_nearer(p, momentum, sampling, model):
    h, f = landscape(p)
    config = SGDConfig(0.1, 8, 1000, momentum, sampling)
    if model == "sde" and config.repeated:
        with pytest.raises(ValueError, match="driver must be 'brownian' for sampling 'shuffle_once'"):
            optimal_learning_rate(h, f, config, model)
        return
    best = optimal_learning_rate(h, f, config, model)
    least = divergence(h, f, config, model, best)
    for factor in (0.5, 0.999, 1.001, 2.0):
        if model == "sde" or best * factor < stability_limit(h, config):
            assert divergence(h, f, config, model, best * factor) > least


def test_the_constant_of_the_paper():
    """ε* = 2 (B/N)(P/Tr BBᵀ), their eq. for constant SGD; with replacement c = (N − 1)/(N B), F's divisor is N − 1."""
    h, f = landscape(3)
    config = SGDConfig(0.1, 8, 10_000, sampling="with_replacement")
    theirs = 2 * 8 / 10_000 * 3 / f.trace()
    assert optimal_learning_rate(h, f, config) == pytest.approx(theirs * 10_000 / 9_999)
    distinct = replace(config, sampling="without_replacement")
    assert optimal_learning_rate(h, f, distinct) == pytest.approx(theirs / (1 - 8 / 10_000))
    heavy = replace(config, momentum=0.9)
    assert optimal_learning_rate(h, f, heavy) == pytest.approx(0.1 * optimal_learning_rate(h, f, config))


def test_small_rates_share_one_optimum_and_large_ones_do_not():
    h, f = landscape(3)
    ratio = {}
    for n in (50, 10**6):
        config = SGDConfig(0.1, 8, n)
        ratio[n] = optimal_learning_rate(h, f, config, "sgd") / optimal_learning_rate(h, f, config)
    assert ratio[10**6] == pytest.approx(1, abs=1e-4)
    assert ratio[50] < 0.98


def test_in_one_dimension_the_optimum_is_the_posterior_itself():
    """εcF/(h(2 − εh)) = 1/(N h) has the solution ε = 2/(NcF + h)."""
    config = SGDConfig(0.1, 8, 200)
    best = optimal_learning_rate(0.5, 2.0, config, "sgd")
    assert best == pytest.approx(2 / (200 * config.batch_noise * 2.0 + 0.5), rel=1e-6)
    assert divergence(0.5, 2.0, config, "sgd", best) < 1e-12


def test_the_divergence_is_that_of_two_gaussians():
    """Against a sum over samples of ln q − ln p."""
    h, s = landscape(2, seed=1)
    s, n = s / 50, 40
    x = np.random.default_rng(0).multivariate_normal(np.zeros(2), s, size=400_000)
    quadratic = [np.einsum("np,pq,nq->n", x, m, x) / 2 for m in (n * h, np.linalg.inv(s))]
    samples = quadratic[0] - quadratic[1] - np.linalg.slogdet(n * h @ s)[1] / 2
    error = samples.std() / np.sqrt(len(samples))
    assert abs(samples.mean() - posterior_divergence(h, s, n)) < 4 * error
    assert posterior_divergence(h, np.linalg.inv(n * h), n) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_full_preconditioner_samples_the_posterior(momentum):
    h, f = landscape(4)
    config = SGDConfig(0.1, 8, 1000, momentum)
    k = optimal_preconditioner(f, config)
    noise = config.batch_noise / (1 - momentum) * k @ f @ k
    law = solve_continuous_lyapunov(k @ h, noise)
    np.testing.assert_allclose(law, np.linalg.inv(1000 * h), rtol=1e-8, atol=1e-12)


def test_the_diagonal_preconditioner_beats_every_single_rate_and_is_exact_for_diagonal_noise():
    h, f = landscape(2)
    config = SGDConfig(0.1, 8, 1000)
    k = optimal_preconditioner(f, config, diagonal=True)
    assert np.count_nonzero(k - np.diag(np.diag(k))) == 0
    law = solve_continuous_lyapunov(k @ h, config.batch_noise * k @ f @ k)
    best = optimal_learning_rate(h, f, config)
    assert posterior_divergence(h, (law + law.T) / 2, 1000) < divergence(h, f, config, "sde", best)
    flat = np.diag([1.0, 0.2])
    np.testing.assert_allclose(
        optimal_preconditioner(flat, config, diagonal=True), optimal_preconditioner(flat, config)
    )


@every(
    ("call", "message"),
    [
        (lambda c: optimal_learning_rate(np.diag([1.0, -1.0]), np.eye(2), c), "hessian must be positive definite"),
        (
            lambda c: optimal_learning_rate(np.eye(2), np.diag([1.0, 0.0]), c),
            "noise_covariance must be positive definite",
        ),
        (lambda c: optimal_learning_rate(np.eye(2), np.eye(3), c), r"noise_covariance must have the shape \(2, 2\)"),
        (lambda c: optimal_learning_rate(1.0, 1.0, c, "exact"), "dynamics must be one of sde, sgd, got 'exact'"),
        (lambda c: optimal_learning_rate(1.0, np.nan, c), "noise_covariance must be finite"),
        (lambda c: optimal_learning_rate(1.0, 1.0, replace(c, batch_size=100)), "batch_size .* got 100"),
        (lambda c: optimal_preconditioner(1.0, replace(c, batch_size=100)), "batch_size .* got 100"),
        (lambda c: posterior_divergence(np.eye(2), 1.0, 10), r"stationary must have the shape \(2, 2\)"),
        (lambda c: posterior_divergence(1.0, -1.0, 10), "stationary must be positive definite"),
        (lambda c: posterior_divergence(1.0, 1.0, 0), "n_examples must be an integer of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(SGDConfig(0.1, 8, 100))
