"""The sharpness that SGD keeps, against the stationary law of the heavy ball and against SGD itself."""

from dataclasses import replace

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.theory import edge_sharpness, stability_limit, stationary_variance

CONFIG = sg.SGDConfig(0.1, 2, 64, 0.5)


def square_by_iteration(curvature, noise, config):
    """E x² of x ← x − ε(hx + ξ) + m(x − x₋), from the recursion of its second moments with x₋, solved as linear."""
    e, m = config.learning_rate, config.momentum
    step = np.array([[1 + m - e * curvature, -m], [1, 0]])
    kick = np.array([e**2 * config.batch_noise * noise, 0, 0, 0])
    return np.linalg.solve(np.eye(4) - np.kron(step, step), kick)[0]


@every("momentum", [0.0, 0.5, 0.9])
@every("noise", [0.01, 0.1])
def test_noise_alone_makes_the_square_that_stops_sharpening(momentum, noise):
    config, alpha, beta = replace(CONFIG, momentum=momentum), 0.02, 1.5
    kept, limit = edge_sharpness(alpha, beta, noise, config), stability_limit(1.0, config) / config.learning_rate
    assert square_by_iteration(kept, noise, config) == pytest.approx(2 * alpha / beta, rel=1e-7)
    assert stationary_variance(kept, noise, config, "sgd") == pytest.approx(2 * alpha / beta)
    # S falls where x² is larger and grows where it is smaller; for the smallest noise the limit is 0.05 % away.
    assert kept < limit
    gap = limit - kept
    assert square_by_iteration(kept + gap / 2, noise, config) > 1.5 * (2 * alpha / beta)
    assert square_by_iteration(kept - gap, noise, config) < 0.7 * (2 * alpha / beta)


def test_small_noise_has_the_gap_of_the_paper():
    config = sg.SGDConfig(0.1, 4, 10**6)
    gap = 2 / 0.1 - edge_sharpness(0.01, 2.0, 1e-4, config)
    assert gap == pytest.approx(0.1 * 2.0 * (1e-4 / 4) / (4 * 0.01), rel=1e-3)
    assert 2 / 0.1 - edge_sharpness(0.01, 2.0, 1e-4, config, "first") == pytest.approx(gap, rel=1e-3)
    heavy = replace(config, momentum=0.75)
    assert 3.5 / 0.1 - edge_sharpness(0.01, 2.0, 1e-4, heavy, "first") == pytest.approx(4 * gap, rel=1e-3)


def test_without_noise_it_is_the_edge_of_gradient_descent():
    assert edge_sharpness(1.0, 1.0, 0.0, CONFIG) == pytest.approx(2 * 1.5 / 0.1)


@pytest.mark.slow("relaxes for thousands of updates")
def test_sgd_keeps_it():
    alpha, noise = 0.02, 0.6
    config = sg.SGDConfig(0.1, 1, 64, sampling="with_replacement")
    loss = sg.Landscape("y*x**2/2 - a*y", "x y", {"a": alpha, "s": noise**0.5}, noise_factor=[["s"], ["0"]])
    run = sg.simulate_sgd(loss, config, [0.2, 19.5], 12_000, 128, burn_in=4000, seed=1)
    z = (run.mean[1] - edge_sharpness(alpha, 1.0, noise, config)) / run.standard_error.mean[1]
    assert abs(z) < 4
    assert abs(run.mean[1] - edge_sharpness(alpha, 1.0, 1.2 * noise, config)) > 10 * run.standard_error.mean[1]


@every(
    ("words", "given", "config"),
    [
        ("sharpening must be", (0.0, 1.0, 1.0), CONFIG),
        ("stabilisation must be", (1.0, -1.0, 1.0), CONFIG),
        ("noise_covariance must be", (1.0, 1.0, -1.0), CONFIG),
        ("noise_covariance must be at most", (1e-4, 1.0, 1.0), CONFIG),
        ("order must be one of", (1.0, 1.0, 1.0, "second"), CONFIG),
        ("sampling must draw batches independently", (1.0, 1.0, 1.0), replace(CONFIG, sampling="reshuffle")),
        ("weight_decay", (1.0, 1.0, 1.0), replace(CONFIG, weight_decay=0.1)),
    ],
)
def test_refuses(words, given, config):
    alpha, beta, noise, *order = given
    with pytest.raises(ValueError, match=words):
        edge_sharpness(alpha, beta, noise, config, *order)


def test_two_sharpnesses_balance_and_the_lower_one_tips_over():
    config, alpha, noise = sg.SGDConfig(0.1, 1, 10**6), 0.01, 1.0
    upper = edge_sharpness(alpha, 1.0, noise, config)
    lower = 2 / 0.1 - upper  # the law is symmetric about 1/ε
    assert stationary_variance(lower, noise, config, "sgd") == pytest.approx(2 * alpha, rel=1e-5)
    assert (
        stationary_variance(1.01 * lower, noise, config, "sgd")
        < 2 * alpha
        < stationary_variance(0.99 * lower, noise, config, "sgd")
    )
