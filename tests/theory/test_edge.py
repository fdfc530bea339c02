"""The sharpness that SGD keeps, against the stationary law of the heavy ball and against SGD itself."""

from dataclasses import replace

import pytest
from tables import every

import sgdsde as sg
from sgdsde.theory import edge_sharpness, stability_limit, stationary_variance

CONFIG = sg.SGDConfig(0.1, 2, 64, 0.5)


@every("momentum", [0.0, 0.5, 0.9])
@every("noise", [0.01, 0.1])
def test_noise_alone_makes_the_square_that_stops_sharpening(momentum, noise):
    config, alpha, beta = replace(CONFIG, momentum=momentum), 0.02, 1.5
    kept = edge_sharpness(alpha, beta, noise, config)
    assert stationary_variance(kept, noise, config, "sgd") == pytest.approx(2 * alpha / beta)
    assert kept < stability_limit(1.0, config) / config.learning_rate
    more = stationary_variance(1.001 * kept, noise, config, "sgd")
    assert more > 2 * alpha / beta  # S falls where it is larger: it is the stable one of two


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
