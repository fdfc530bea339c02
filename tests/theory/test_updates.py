"""Exact laws of SGD's own updates in one dimension, against simulations, enumeration and the SDE."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm
from tables import every

from sgdsde import SGDConfig, simulate_sgd
from sgdsde.landscapes import Landscape
from sgdsde.theory import (
    mean_exit_time,
    relaxation_time,
    scheduled_law,
    sgd_exit_time,
    sgd_occupancy,
    stationary_covariance,
)
from sgdsde.whitened import whitened_examples

WELL = Landscape("x**4/4 - x**2/2", "x", {"f": 1.0}, noise_covariance="f*(1 + x**2/2)")


def well(config, noise):
    return Landscape("x**4/4 - x**2/2", "x", {"f": 2 * noise / config.temperature}, noise_covariance="f*(1 + x**2/2)")


@pytest.mark.parametrize("kind", ["normal", "exponential"])
def test_exit_times_are_those_of_simulated_sgd_and_not_of_the_sde(kind):
    """20 000 paths at ε = 0.2; skewed examples need their cumulants."""
    n = 512
    config = SGDConfig(0.2, 4, n, sampling="with_replacement")
    levels = (np.arange(n) + 0.5) / n
    table = whitened_examples((ndtri(levels) if kind == "normal" else -np.log1p(-levels))[:, None], n, 1)
    landscape = well(config, 0.08)
    exact = sgd_exit_time(landscape, config, -1.0, stop="x > 0.5", examples=table)
    run = simulate_sgd(landscape, config, -1.0, int(40 * exact), 20_000, examples=table, seed=3, stop="x > 0.5")
    found = run.exits.update
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - exact) < 4 * error
    assert abs(found.mean() - mean_exit_time(landscape, config, -1.0, stop="x > 0.5")) > 8 * error
    if kind == "exponential":
        assert abs(found.mean() - sgd_exit_time(landscape, config, -1.0, stop="x > 0.5")) > 8 * error


def test_exit_times_tend_to_the_sdes_with_the_learning_rate():
    gaps = []
    for rate in (0.02, 0.005):
        config = SGDConfig(rate, 1, 10**6)
        landscape = well(config, 0.1)
        gaps.append(
            sgd_exit_time(landscape, config, -1.0, right=0.0) / mean_exit_time(landscape, config, -1.0, right=0.0)
        )
    assert 0 < gaps[1] - 1 < (gaps[0] - 1) / 1.7  # like √ε, from what is beyond the end after an update


def test_with_momentum_exit_times_are_those_of_simulated_heavy_ball():
    """Strong momentum, 20 000 paths: neither the SDE's time nor Kramers' factor of the friction times that."""
    config = SGDConfig(0.004, 4, 512, momentum=0.9, sampling="with_replacement")
    landscape = well(config, 0.08)
    exact = sgd_exit_time(landscape, config, -1.0, stop="x > 0.5")
    table = ndtri((np.arange(512) + 0.5) / 512)[:, None]
    run = simulate_sgd(landscape, config, -1.0, int(40 * exact), 20_000, examples=table, seed=3, stop="x > 0.5")
    error = run.exits.update.std() / np.sqrt(run.paths)
    sde = mean_exit_time(landscape, config, -1.0, stop="x > 0.5")
    friction = relaxation_time(-1.0, config) / relaxation_time(-1.0, config, "sde")
    assert abs(run.exits.update.mean() - exact) < 4 * error
    assert abs(run.exits.update.mean() - sde) > 8 * error
    assert abs(run.exits.update.mean() - friction * sde) > 4 * error


def test_without_momentum_and_over_high_barriers_the_law_with_momentum_is_what_is_known():
    plain, light = SGDConfig(0.02, 1, 512), SGDConfig(0.02, 1, 512, momentum=1e-6)
    known, found = (sgd_exit_time(well(each, 0.1), each, -1.0, right=1.0) for each in (plain, light))
    assert found == pytest.approx(known, rel=1e-3)
    heavy = SGDConfig(0.002, 1, 512, momentum=0.9)
    landscape = Landscape(
        "x**4/4 - x**2/2", "x", {"f": 1 / 16 / heavy.temperature}, noise_covariance="f"
    )  # 8 temperatures
    friction = relaxation_time(-1.0, heavy) / relaxation_time(-1.0, heavy, "sde")
    ratio = sgd_exit_time(landscape, heavy, -1.0, right=1.0) / mean_exit_time(landscape, heavy, -1.0, right=1.0)
    assert ratio == pytest.approx(friction, rel=0.015)
    assert ratio > 1.14


def test_of_a_quadratic_the_occupancy_is_normal_at_any_learning_rate():
    config = SGDConfig(1.5, 4, 64)
    bowl = Landscape("x**2/2", "x", noise_covariance=2.0)
    spread = float(stationary_covariance(1.0, 2.0, config, "sgd")[0, 0]) ** 0.5
    edges = spread * np.array([-9, -1, 0.5, 9])
    np.testing.assert_allclose(sgd_occupancy(bowl, config, edges), np.diff(norm.cdf(edges / spread)), atol=1e-10)
    sde = float(stationary_covariance(1.0, 2.0, config, "sde")[0, 0]) ** 0.5
    assert abs(sgd_occupancy(bowl, config, edges)[1] - np.diff(norm.cdf(edges[1:3] / sde))[0]) > 0.1


@every(
    ("call", "message"),
    [
        (lambda: sgd_occupancy(WELL, SGDConfig(0.1, 4, 64, 0.5), [-3, 0, 3]), "config must have momentum = 0"),
        (
            lambda: sgd_exit_time(WELL, SGDConfig(0.1, 4, 64, 0.5), -1.0, right=0.0, examples=np.arange(64.0)),
            "examples must be None with momentum",
        ),
        (
            lambda: sgd_exit_time(WELL, SGDConfig(1e-9, 4, 64, 0.5), -1.0, right=0.0),
            "learning_rate must be larger .* with momentum",
        ),
        (lambda: sgd_exit_time(WELL, SGDConfig(0.1, 4, 64, sampling="reshuffle"), -1.0, right=0.0), "reshuffle"),
        (lambda: sgd_exit_time(WELL, SGDConfig(0.1, 64, 64), -1.0, right=0.0), "config must have noise"),
        (lambda: sgd_exit_time(WELL, SGDConfig(1e-7, 4, 64), -1.0, -2.0, 0.0), "learning_rate must be larger between"),
        (lambda: sgd_exit_time(Landscape("0", "x"), SGDConfig(0.1, 4, 64), 0.0, right=1.0), "left must be a number"),
        (lambda: sgd_exit_time(Landscape("x**2/2", "x"), SGDConfig(2.5, 4, 64), -1.0, right=50.0), "the open side"),
        (lambda: sgd_exit_time(WELL, SGDConfig(0.1, 4, 64), -1.0, right=0.0, examples=[1.0]), "n_examples = 64"),
        (lambda: sgd_occupancy(WELL, SGDConfig(0.1, 4, 64), [1.0, 0.0]), "edges must be at least two increasing"),
        (lambda: sgd_occupancy(WELL, SGDConfig(0.1, 1, 64), [-1.0, 0.0, 1.0]), "edges must begin and end where SGD"),
        (lambda: scheduled_law(1.0, 1.0, SGDConfig(0.1, 4, 64), 0.0), "learning_rates or batch_sizes must be"),
        (lambda: scheduled_law(1.0, 1.0, SGDConfig(0.1, 4, 64), 0.0, batch_sizes=[1], learning_rates=[1.0] * 2), "one"),
        (lambda: scheduled_law(1.0, 1.0, SGDConfig(0.1, 4, 64), [0.0, 0.0], batch_sizes=[1]), "w0 must be 1 finite"),
        (lambda: scheduled_law(1.0, 1.0, SGDConfig(0.1, 4, 64), 0.0, batch_sizes=[1], dynamics="adam"), "dynamics"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


H, F, START = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[1.0, -0.4], [-0.4, 2.0]]), np.array([1.0, -2.0])


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_scheduled_laws_end_at_the_stationary_ones(momentum):
    config = SGDConfig(0.1, 4, 64, momentum, weight_decay=0.1, dampening=0.2)
    for model in ("sgd", "sde"):
        law = scheduled_law(H, F, config, START, learning_rates=np.full(4000, 0.1), dynamics=model)
        np.testing.assert_allclose(law.covariance[-1], stationary_covariance(H, F, config, model), rtol=1e-10)
        np.testing.assert_allclose(law.mean[-1], 0, atol=1e-12)
        assert law.time[-1] == pytest.approx(4000 * config.mean_loss_time_per_update)


@pytest.mark.parametrize("dynamics", ["sgd", "heavy_ball"])
def test_scheduled_laws_are_those_of_simulations(dynamics):
    """SGD in two dimensions under both schedules has these laws; with the schedules left out it has not."""
    rates, sizes = np.linspace(0.3, 0.05, 12), np.repeat([2, 8, 16], 4)
    config = SGDConfig(0.3, 2, 64, 0.5)
    a = np.linalg.cholesky(F).tolist()
    bowl = Landscape("x**2/2 + 3*x*y/10 + y**2/4", "x y", noise_factor=a)
    run = simulate_sgd(
        bowl, config, START, 12, 50_000, learning_rates=rates, batch_sizes=sizes, seed=1, dynamics=dynamics
    )
    law = scheduled_law(H, F, config, START, learning_rates=rates, batch_sizes=sizes, dynamics=dynamics)
    kept = scheduled_law(H, F, config, START, learning_rates=np.full(12, 0.3), dynamics=dynamics)
    found, error = np.cov(run.final.T), run.final.std(0) / np.sqrt(50_000)
    assert (abs(run.final.mean(0) - law.mean[-1]) < 4.5 * error).all()
    spread = np.sqrt((np.outer(np.diag(found), np.diag(found)) + found**2) / 50_000)
    assert (abs(found - law.covariance[-1]) < 4.5 * spread).all()
    assert (abs(found - kept.covariance[-1]) > 10 * spread).any()


def test_the_sde_under_a_schedule_is_pieces_of_constant_ones():
    """One update in halves of its time is the same law; flat directions diffuse."""
    config = SGDConfig(0.2, 4, 64)
    one = scheduled_law(H, F, config, START, learning_rates=[0.2], dynamics="sde")
    flat = scheduled_law(0.0, 2.0, config, 0.0, learning_rates=[0.2, 0.1], dynamics="sde")
    assert flat.covariance[-1, 0, 0] == pytest.approx(config.batch_noise * 2.0 * (0.2**2 + 0.1**2))
    twice = scheduled_law(
        H, F, SGDConfig(0.1, 2, 64, sampling="with_replacement"), START, learning_rates=[0.1] * 2, dynamics="sde"
    )
    same = scheduled_law(
        H, F, SGDConfig(0.2, 4, 64, sampling="with_replacement"), START, learning_rates=[0.2], dynamics="sde"
    )
    np.testing.assert_allclose(twice.covariance[-1], same.covariance[-1], rtol=1e-12)
    np.testing.assert_allclose(twice.mean[-1], one.mean[-1], rtol=1e-12)
