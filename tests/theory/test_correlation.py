"""Autocovariance of the SDE with momentum against matrix exponentials and a Lyapunov solution of the whole system."""

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from tables import every

from sgdsde.config import SGDConfig
from sgdsde.theory import autocorrelation, autocovariance, stationary_covariance

#: γ²/4 below, at and above the curvatures that ``minimum`` spreads over [0.5, 2].
MOMENTA = [0.0, 0.5, 0.9, 0.99]


def minimum(p, seed=0):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(p, p)))[0]
    a = rng.normal(size=(p, p + 2))
    h = q @ np.diag(np.geomspace(0.5, 2.0, p)) @ q.T
    return (h + h.T) / 2, a @ a.T


def system(h, f, config):
    """Drift of (ω, p) and its stationary covariance, from the whole linear system."""
    p, friction = len(h), (1 - config.momentum) / np.sqrt(config.learning_rate)
    drift = np.block([[np.zeros((p, p)), np.eye(p)], [-h, -friction * np.eye(p)]])
    noise = np.zeros((2 * p, 2 * p))
    noise[p:, p:] = friction * config.temperature * f
    return drift, solve_continuous_lyapunov(drift, -noise)


@every("p", [1, 2, 4])
@every("momentum", MOMENTA)
@every("lag", [0, 1, 7, 60])
def test_momentum_sde_matches_the_matrix_exponential(p, momentum, lag):
    config = SGDConfig(0.04, 4, 64, momentum)
    h, f = minimum(p)
    drift, stationary = system(h, f, config)
    exact = (expm(drift * lag * np.sqrt(config.learning_rate)) @ stationary)[:p, :p]
    got = autocovariance(h, f, config, lag, "momentum_sde")
    np.testing.assert_allclose(got, exact, rtol=0, atol=1e-10 * np.abs(stationary[:p, :p]).max())


@pytest.mark.parametrize("distance", [-1e-9, 0.0, 1e-9])
def test_critical_damping_is_the_common_limit(distance):
    config = SGDConfig(0.01, 4, 64, 0.9)  # γ = 1
    ratio = autocovariance(0.25 + distance, 1.0, config, 30, "momentum_sde")[0, 0] / (config.temperature / 0.5)
    assert ratio == pytest.approx(np.exp(-1.5) * (1 + 1.5), rel=1e-7)


def test_strong_friction_is_the_overdamped_sde():
    """At any lag, however large γτ is: nothing overflows."""
    config = SGDConfig(1e-6, 4, 64, 0.0)  # γ = 1000
    for lag in (0, 1000, 1_000_000, 100_000_000):
        slow = autocovariance(1.0, 1.0, config, lag, "momentum_sde")[0, 0]
        assert slow == pytest.approx(autocovariance(1.0, 1.0, config, lag, "sde")[0, 0], rel=3e-4)


def test_one_dimension_and_commuting_noise_keep_the_overdamped_variance():
    config = SGDConfig(0.1, 4, 64, 0.9)
    np.testing.assert_allclose(
        autocovariance(np.diag([1.0, 3.0]), np.diag([2.0, 0.5]), config, 0, "momentum_sde"),
        stationary_covariance(np.diag([1.0, 3.0]), np.diag([2.0, 0.5]), config),
        atol=1e-15,
    )


def test_slow_momentum_near_one_is_where_heavy_ball_tends():
    """At one damping ratio εh/(1 − m)², the correlation of SGD tends to the oscillator's as m → 1, to first order."""

    def gap(m):
        config = SGDConfig((1 - m) ** 2, 4, 64, m)
        lags = [round(x / (1 - m)) for x in (1, 2, 4, 8)]
        sgd, sde = (
            [autocovariance(1.0, 1.0, config, k, name)[0, 0] for k in [0, *lags]] for name in ("sgd", "momentum_sde")
        )
        return np.abs(np.array(sgd) / sgd[0] - np.array(sde) / sde[0]).max()

    assert gap(0.99) < 0.002
    assert gap(0.9) / gap(0.99) == pytest.approx(10, rel=0.2)


def test_an_unknown_model_is_refused_by_name():
    with pytest.raises(ValueError, match="dynamics must be one of sde, sgd, momentum_sde"):
        autocovariance(1.0, 1.0, SGDConfig(0.1, 4, 64), 1, "ode")


@pytest.mark.parametrize("dynamics", ["sde", "sgd", "momentum_sde"])
def test_the_autocorrelation_is_that_of_each_parameter(dynamics):
    h, f = minimum(2)
    config = SGDConfig(0.04, 4, 64, 0.5)
    found = autocorrelation(h, f, config, range(0, 7, 3), dynamics)
    assert found.shape == (3, 2)
    np.testing.assert_allclose(found[0], 1.0)
    late, now = (np.diagonal(autocovariance(h, f, config, k, dynamics)) for k in (6, 0))
    np.testing.assert_array_equal(found[2], late / now)


def test_without_noise_there_is_no_autocorrelation():
    with pytest.raises(ValueError, match="autocorrelation is not defined"):
        autocorrelation(1.0, 0.0, SGDConfig(0.1, 4, 64), [1])
    with pytest.raises(ValueError, match="each of lags must be an integer of at least 0, got -1"):
        autocorrelation(1.0, 1.0, SGDConfig(0.1, 4, 64), [-1])
