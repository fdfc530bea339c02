"""Laws of SGD for its very examples: against all batches there are, against known laws, and against SGD itself."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.special import erfc, ndtr
from tables import every

import sgdsde as sg
from sgdsde.theory import (
    batch_characteristic,
    scheduled_law,
    scheduled_moments,
    sgd_chance_above,
    stationary_cumulants,
    stationary_tail,
)

SKEWED = np.array([-1.0, 0.5, 0.25, 3.0, -0.75, 0.125])
SIGNS = np.tile([-1.0, 1.0], 8)
WELL = sg.landscapes.double_well(noise_covariance="f*(1 + x**2/2)", f=0.3)


@every("batch", [1, 2, 5, 6])
@every("sampling", ["with_replacement", "without_replacement"])
def test_characteristic_function_is_the_average_over_all_batches(batch, sampling):
    config, u = sg.SGDConfig(0.1, batch, 6, sampling=sampling), np.array([[0.0, 0.3], [-1.0, 7.0]])
    repeated = sampling == "with_replacement"
    every = product(SKEWED, repeat=batch) if repeated else combinations(SKEWED, batch)
    means = np.mean(list(every), axis=1)
    expected = np.exp(1j * u[..., None] * means).mean(axis=-1)
    np.testing.assert_allclose(batch_characteristic(SKEWED, config)(u), expected, atol=1e-13)


def test_tail_of_many_small_kicks_is_normal():
    config = sg.SGDConfig(0.02, 16, 16, sampling="with_replacement")
    levels = np.array([0.5, 1.0, 2.0, 3.0])
    sigma = stationary_cumulants(1.0, SIGNS, config)[1] ** 0.5
    np.testing.assert_allclose(stationary_tail(1.0, SIGNS, config, sigma * levels), erfc(levels / 2**0.5), rtol=1e-2)


@pytest.mark.parametrize(("momentum", "sampling"), [(0.0, "with_replacement"), (0.8, "without_replacement")])
def test_tail_is_that_of_sgd(momentum, sampling):
    config, paths = sg.SGDConfig(0.3, 1, 6, momentum, sampling), 40_000
    table = sg.whitened.whitened_examples(SKEWED[:, None], 6, 1)
    run = sg.simulate_sgd(sg.landscapes.quadratic(h=1, f=1), config, [0.0], 150, paths, examples=table, seed=3)
    levels = np.array([0.3, 0.7])
    seen = (np.abs(run.final) > levels).mean(axis=0)
    expected = stationary_tail(1.0, table[:, 0], config, levels)
    assert (np.abs(seen - expected) < 4 * np.sqrt(expected / paths)).all()


def test_tail_without_noise_and_levels_that_are_none():
    assert stationary_tail(1.0, SIGNS, sg.SGDConfig(0.1, 16, 16), [0.1]).tolist() == [0.0]
    with pytest.raises(ValueError, match="levels must be positive"):
        stationary_tail(1.0, SIGNS, sg.SGDConfig(0.1, 1, 16), [0.0])


def test_chance_above_a_level_of_a_normal_law():
    config, n, rate = sg.SGDConfig(0.2, 4, 10**9), 7, 0.2
    bowl = sg.landscapes.quadratic(h=1, f=2.0)
    mean = np.array([0.0, 1.0]) * (1 - rate) ** n
    variance = rate**2 * 2 / 4 * (1 - (1 - rate) ** (2 * n)) / (1 - (1 - rate) ** 2)
    found = sgd_chance_above(bowl, config, 0.3, [0.0, 1.0], n, reach=6.0)
    np.testing.assert_allclose(found, ndtr((mean - 0.3) / variance**0.5), atol=2e-5)


def test_chance_above_a_barrier_is_that_of_sgd():
    config, paths = sg.SGDConfig(0.3, 1, 16, sampling="without_replacement"), 40_000
    well = sg.landscapes.double_well(f=1.0)
    run = sg.simulate_sgd(well, config, [-1.0], 40, paths, examples=SIGNS[:, None], seed=1)
    (chance,) = sgd_chance_above(well, config, 0.0, [-1.0], 40, reach=4.0, examples=SIGNS)
    assert abs((run.final > 0).mean() - chance) < 4 * (chance / paths) ** 0.5
    assert 0.01 < chance < 0.5


@every(
    ("change", "words"),
    [
        ({"landscape": WELL}, "same covariance everywhere"),
        ({"starts": [7.0]}, "starts must be numbers within reach"),
        ({"config": sg.SGDConfig(0.1, 1, 16, 0.5)}, "momentum = 0"),
        ({"config": sg.SGDConfig(0.1, 1, 16, sampling="reshuffle")}, "independent"),
        ({"points": 7}, "points"),
    ],
)
def test_chances_refuse(change, words):
    bowl = sg.landscapes.quadratic(h=1, f=1)
    given = {"landscape": bowl, "config": sg.SGDConfig(0.1, 1, 16), "level": 0, "starts": [0.0], "updates": 1}
    with pytest.raises(ValueError, match=words):
        sgd_chance_above(**given | {"reach": 5.0} | change)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
def test_moments_on_a_parabola_are_the_known_law(sampling):
    config = sg.SGDConfig(0.3, 4, 16, sampling=sampling)
    schedules = {"learning_rates": [0.3, 0.2, 0.2, 0.1], "batch_sizes": [1, 3, 4, 16]}
    bowl = sg.landscapes.quadratic(h=0.8, f=1.5)
    known = scheduled_law(0.8, 1.5, config, 0.7, **schedules)
    found = scheduled_moments(bowl, config, 0.7, examples=SIGNS, reach=2.0, **schedules)
    for name in ("time", "mean", "covariance"):
        np.testing.assert_allclose(getattr(found, name), getattr(known, name), atol=1e-13)


def test_moments_in_a_double_well_are_those_of_all_batches():
    config = sg.SGDConfig(0.3, 1, 6)
    lopsided = np.array([-1.0, -1.0, 2.0, -1.0, 2.0, -1.0])
    table, ends = sg.whitened.whitened_examples(lopsided[:, None], 6, 1)[:, 0], np.array([0.4])
    for rate in (0.3, 0.1, 0.2):
        kick = np.sqrt(0.3 * (1 + ends**2 / 2))[:, None] * table
        ends = (ends[:, None] - rate * ((ends**3 - ends)[:, None] + kick)).ravel()
    found = scheduled_moments(WELL, config, 0.4, examples=lopsided, reach=2.2, learning_rates=[0.3, 0.1, 0.2])
    np.testing.assert_allclose([found.mean[-1, 0], found.covariance[-1, 0, 0]], [ends.mean(), ends.var()], rtol=1e-11)


@every(
    ("change", "words"),
    [
        ({"examples": np.arange(16.0)}, "examples must have two values, got 16"),
        ({"reach": 1.0}, "reach must be at least 1.19"),
        ({"learning_rates": None}, "learning_rates or batch_sizes must be given"),
        ({"config": sg.SGDConfig(0.3, 1, 16, 0.9)}, "momentum = 0"),
        ({"config": sg.SGDConfig(0.3, 1, 16, sampling="reshuffle")}, "independent"),
    ],
)
def test_moments_refuse(change, words):
    given = {"landscape": WELL, "config": sg.SGDConfig(0.3, 1, 16), "w0": 0.4, "examples": SIGNS, "reach": 3.0}
    with pytest.raises(ValueError, match=words):
        scheduled_moments(**given | {"learning_rates": [0.3]} | change)
