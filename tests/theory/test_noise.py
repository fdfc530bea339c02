"""The noise covariances against enumeration: every batch and every permutation of a tiny set of examples."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from tables import every

from sgdsde.config import SGDConfig
from sgdsde.theory import (
    batch_gradient_covariance,
    between_batches_covariance,
    noise_scale,
    summed_gradient_covariance,
    update_covariance,
)

N = 6
GRADIENTS = np.random.default_rng(1).normal(size=(N, 2)) + 3.0
F = np.cov(GRADIENTS.T)  # divisor N − 1

BATCHES = {
    "with_replacement": lambda b: product(range(N), repeat=b),
    "without_replacement": lambda b: combinations(range(N), b),
    "reshuffle": lambda b: (order[:b] for order in permutations(range(N))),
    "shuffle_once": lambda b: (order[-b:] for order in permutations(range(N))),
}


@every("sampling", BATCHES)
@every("batch_size", [1, 2, 3])
def test_batch_covariance_is_that_of_all_batches(sampling, batch_size):
    config = SGDConfig(0.3, batch_size, N, sampling=sampling)
    means = np.array([GRADIENTS[list(batch)].mean(axis=0) for batch in BATCHES[sampling](batch_size)])
    exact = np.cov(means.T, bias=True)
    np.testing.assert_allclose(batch_gradient_covariance(F, config), exact, rtol=1e-12)
    np.testing.assert_allclose(summed_gradient_covariance(F, config), np.cov(N * means.T, bias=True), rtol=1e-12)
    np.testing.assert_allclose(update_covariance(F, config), np.cov(-0.3 * means.T, bias=True), rtol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_batches_of_one_epoch_are_anticorrelated(batch_size):
    orders = np.array(list(permutations(range(N))))
    epochs = GRADIENTS[orders].reshape(len(orders), N // batch_size, batch_size, 2).mean(axis=2)
    epochs -= GRADIENTS.mean(axis=0)
    exact = np.einsum("ka,kb->ab", epochs[:, 0], epochs[:, -1]) / len(orders)
    config = SGDConfig(0.3, batch_size, N, sampling="reshuffle")
    np.testing.assert_allclose(between_batches_covariance(F, config), exact, rtol=1e-11)
    fresh = SGDConfig(0.3, batch_size, N)
    assert not between_batches_covariance(F, fresh).any()


def test_the_papers_constants():
    config = SGDConfig(0.1, 4, 64)
    assert float(summed_gradient_covariance(1.0, config)) == pytest.approx(64 * (64 / 4 - 1), rel=1e-15)
    assert float(update_covariance(1.0, config)) == pytest.approx(config.noise_scale * 0.1 / 64, rel=1e-15)


@pytest.mark.parametrize("sampling", BATCHES)
def test_noise_scale_broadcasts_and_agrees_with_the_config(sampling):
    batches, momenta = np.array([1, 2, 16, 64]), np.array([[0.0], [0.9]])
    got = noise_scale(0.2, batches, 64, momenta, sampling)
    exact = [[SGDConfig(0.2, int(b), 64, float(m), sampling).noise_scale for b in batches] for m in momenta[:, 0]]
    np.testing.assert_allclose(got, exact, rtol=1e-14)


@every(
    ("arguments", "name"),
    [
        ((0.0, 1, 4), "learning_rate"),
        ((0.1, 0, 4), "batch_size"),
        ((0.1, 1.5, 4), "batch_size"),
        ((0.1, [1, 5], 4), "batch_size must be at most"),
        ((0.1, 1, 1), "n_examples"),
        ((0.1, 1, 4, 1.0), "momentum"),
        ((0.1, 5, 4, 0.0, "shuffle_once"), "batch_size must be at most"),
        ((0.1, 1, 4, 0.0, "bootstrap"), "sampling must be one of"),
        ((float("nan"), 1, 4), "learning_rate must be finite"),
        (("a", 1, 4), "learning_rate must be an array of real numbers"),
    ],
)
def test_bad_parts_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        noise_scale(*arguments)


def test_bad_covariance_is_refused():
    with pytest.raises(ValueError, match="noise_covariance must be finite"):
        batch_gradient_covariance([np.inf], SGDConfig(0.1, 1, 4))
