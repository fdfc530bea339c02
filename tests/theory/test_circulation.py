"""Circulation around a minimum: against all orders of an epoch, the Lyapunov equation, and its limits."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.linalg import matrix_power
from tables import every

import sgdsde as sg
from sgdsde.theory import circulation, stationary_covariance

H = np.array([[1.5, 0.4], [0.4, 3.0]])
F = np.array([[2.0, 0.7], [0.7, 1.0]])
CONFIG = sg.SGDConfig(0.1, 4, 64)


def test_of_the_sde_it_is_hs_minus_sh_and_the_limit_of_short_lags():
    s = stationary_covariance(H, F, CONFIG)
    rate = circulation(H, F, CONFIG)
    np.testing.assert_allclose(rate, H @ s - s @ H, atol=1e-15)
    short = sg.SGDConfig(1e-6, 4, 64)
    np.testing.assert_allclose(circulation(H, F, short, lag=1) * 1e5, rate, rtol=1e-5)


def test_of_sgd_it_has_the_closed_form_in_modes():
    h, f, rate = np.diag([1.0, 4.0]), F, 0.2
    config = sg.SGDConfig(rate, 4, 64)
    expected = config.temperature * f[0, 1] * (1 - 4) / (1 + 4 - rate * 1 * 4)
    assert circulation(h, f, config, "sgd", 1)[0, 1] == pytest.approx(expected, rel=1e-12)


@every("momentum", [0.0, 0.5])
def test_reshuffled_it_is_the_average_over_all_orders(momentum):
    rate, n, one = 0.15, 3, np.eye(2)
    examples = sg.whitened.whitened_examples(np.random.default_rng(0).normal(size=(n, 2)), n, 2)
    gradients = examples @ np.linalg.cholesky(F).T
    step = np.block([[one - rate * H, momentum * one], [-rate * H, momentum * one]])
    kick, law, later = -rate * np.vstack([one, one]), np.zeros((4, 4)), np.zeros((4, 4))
    orders = [gradients[list(order)] for order in permutations(range(n))]
    ends = [sum(matrix_power(step, n - 1 - j) @ kick @ g[j] for j in range(n)) for g in orders]
    noise = np.mean([np.outer(end, end) for end in ends], axis=0)
    for _ in range(200):
        law = matrix_power(step, n) @ law @ matrix_power(step, n).T + noise
    for order in orders:
        own = np.zeros(4)
        for k, gradient in enumerate(order):
            moved = step @ own + kick @ gradient
            later += (matrix_power(step, k + 1) @ law @ matrix_power(step, k).T + np.outer(moved, own)) / 18
            own = moved
    config = sg.SGDConfig(rate, 1, n, momentum, "reshuffle")
    expected = (later.T - later)[:2, :2] / config.mean_loss_time_per_update
    np.testing.assert_allclose(circulation(H, F, config, "sgd", 1), expected, rtol=1e-9, atol=1e-12)


@every("dynamics, lag, sampling", [("sde", 0, ""), ("sgd", 1, ""), ("sgd", 1, "reshuffle"), ("momentum_sde", 3, "")])
def test_it_is_zero_where_noise_and_curvature_commute_and_antisymmetric(dynamics, lag, sampling):
    config = sg.SGDConfig(0.1, 4, 64, 0.3, sampling or "without_replacement")
    assert np.abs(circulation(H, 2 * H @ H + np.eye(2), config, dynamics, lag)).max() < 1e-15
    found = circulation(H, F, config, dynamics, lag)
    assert abs(found[0, 1]) > 1e-4
    np.testing.assert_allclose(found, -found.T, atol=1e-15)


@pytest.mark.parametrize(
    ("dynamics", "lag", "sampling", "message"),
    [
        ("sgd", 0, "without_replacement", "lag must be at least 1 for dynamics 'sgd', got 0"),
        ("sde", -1, "without_replacement", "lag must be"),
        ("sde", 1, "reshuffle", "dynamics='sgd' and lag=1 alone"),
        ("sgd", 1, "shuffle_once", "a new permutation in every epoch"),
    ],
)
def test_what_has_no_rate_is_refused(dynamics, lag, sampling, message):
    with pytest.raises(ValueError, match=message):
        circulation(H, F, sg.SGDConfig(0.1, 4, 64, sampling=sampling), dynamics, lag)


def test_the_instrument_finds_it_in_sgd():
    config = sg.SGDConfig(0.2, 4, 64)
    bowl = sg.landscapes.quadratic_2d(angle=0.7)
    run = sg.simulate_sgd(bowl, config, [0.0, 0.0], 140, 2000, save_every=1, seed=2)
    h, f = bowl.hessian([0.0, 0.0]), bowl.noise_covariance([0.0, 0.0])
    for lag in (1, 3):
        found = sg.statistics.circulation(run.snapshots[40:], lag=lag, time=0.2)
        exact = circulation(h, f, config, "sgd", lag)
        assert abs(found.value[0, 1] - exact[0, 1]) < 4 * found.standard_error[0, 1] < 0.2 * abs(exact[0, 1])


@pytest.mark.parametrize("shape", [(3, 4), (1, 4, 2), (3, 1, 2)])
def test_the_instrument_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="states must be"):
        sg.statistics.circulation(np.zeros(shape))
