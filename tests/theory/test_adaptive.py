"""Laws of RMSprop and Adam where noise dominates."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.theory import adam_moments, adaptive_variance

H, F, START = 2.0, 3.0, 0.7


def config(rate=0.01, batch=4, **more):
    numbers = {"beta1": 0.9, "eps": 0.1}
    return sg.SGDConfig(rate, batch, 10**6, sampling="with_replacement", hyperparameters=numbers, **more)


def recursion(at, updates, steps, cold):
    """Moments of Euler and Maruyama's steps, so many for an update, with v̂ = cF."""
    noise = at.batch_noise * F
    rate, a, dt = at.learning_rate / (noise**0.5 + 0.1), 1 - at.hyperparameters["beta1"], 1 / steps
    mean, covariance = np.array([START, 0.0 if cold else H * START]), np.zeros((2, 2))
    share = 0.0 if cold else 1.0
    for _ in range(updates * steps):
        share += a * dt * (1 - share)
        move = np.array([[1.0, -rate * dt / share], [0.0, 1.0]])
        step, kick = move @ [[1, 0], [a * H * dt, 1 - a * dt]], move @ [0, a * (noise * dt) ** 0.5]
        mean, covariance = step @ mean, step @ covariance @ step.T + np.outer(kick, kick)
    return mean[0], covariance[0, 0]


@pytest.mark.parametrize("cold", [True, False])
def test_moments_are_the_limit_of_small_steps(cold):
    coarse, fine = (np.array(recursion(config(), 20, steps, cold)) for steps in (200, 400))
    found = np.array(adam_moments(H, F, config(), START, [20.0], cold=cold))[:, 0]
    np.testing.assert_allclose(found, 2 * fine - coarse, rtol=2e-3)
    assert abs(found[1] / coarse[1] - 1) < 0.03


def test_moments_end_in_the_stationary_law():
    mean, variance = adam_moments(H, F, config(), START, [10, 5000])
    assert abs(mean[-1]) < 1e-6 < abs(mean[0])
    assert variance[-1] == pytest.approx(adaptive_variance(H, F, config()), rel=1e-6)


@pytest.mark.parametrize("dynamics", ["rmsprop", "adam"])
def test_the_law_at_finite_rates_is_a_fixed_point_of_the_recursion(dynamics):
    at = config(0.2)
    variance = adaptive_variance(H, F, at, dynamics)
    rate = 0.2 / ((at.batch_noise * F + H**2 * variance) ** 0.5 + 0.1)
    kept = 0.9 if dynamics == "adam" else 0.0
    step = np.array([[1 - rate * (1 - kept) * H, -rate * kept], [(1 - kept) * H, kept]])
    kick = np.array([-rate * (1 - kept), 1 - kept])
    covariance = np.zeros((2, 2))
    for _ in range(2000):
        covariance = step @ covariance @ step.T + at.batch_noise * F * np.outer(kick, kick)
    assert covariance[0, 0] == pytest.approx(variance, rel=1e-9)
    assert adaptive_variance(H, F, config(1e-5), dynamics) == pytest.approx(
        adaptive_variance(H, F, config(1e-5)), rel=1e-4
    )


def test_the_square_root_rule():
    scaled = sg.SGDConfig(
        0.02, 16, 10**6, sampling="with_replacement", hyperparameters={"beta1": 0.6, "eps": 0.05}
    )  # fmt: skip
    assert adaptive_variance(H, F, scaled) == pytest.approx(adaptive_variance(H, F, config()))
    one, other = adam_moments(H, F, config(), START, [40.0]), adam_moments(H, F, scaled, START, [10.0])
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match="curvature must be"):
        adaptive_variance(0.0, F, config())
    with pytest.raises(ValueError, match="independent batches and no momentum"):
        adaptive_variance(H, F, config(momentum=0.5))
    with pytest.raises(ValueError, match="dynamics must be one of sde, rmsprop, adam, got 'sgd'"):
        adaptive_variance(H, F, config(), "sgd")
    with pytest.raises(ValueError, match="learning_rate must be stable for 'rmsprop', got 5"):
        adaptive_variance(H, 1e-6, config(5.0), "rmsprop")
    with pytest.raises(ValueError, match="updates must be positive and increasing"):
        adam_moments(H, F, config(), START, [2.0, 1.0])
