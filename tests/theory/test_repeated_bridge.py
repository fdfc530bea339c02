"""The law of the SDE that one bridge drives in all epochs: against its series, SGD's own law, and a simulation."""

import numpy as np
import pytest

import sgdsde as sg
from sgdsde.theory import repeated_bridge_variance, stationary_variance

ONCE = {"sampling": "shuffle_once"}


@pytest.mark.parametrize("m", [0.0, 0.5])
def test_it_is_the_sum_over_frequencies(m):
    """White noise of the period S but for its mean, through the response 1/(h + iω): lengths hS of 1e-3 to 300."""
    config = sg.SGDConfig(0.05, 2, 20, m, **ONCE)
    temperature, epoch = 0.05 / 2 / (1 - m), 10 * 0.05 / (1 - m)
    h = np.array([1e-3, 0.099, 0.1001, 1.0, 20.0, 300.0]) / epoch
    frequency = 2 * np.pi / epoch * np.arange(1, 400_001)
    series = 2 * temperature * 1.7 / epoch * (1 / (h[:, None] ** 2 + frequency**2)).sum(axis=1)
    tail = 2 * temperature * 1.7 / epoch * (epoch / (2 * np.pi)) ** 2 / 400_000  # ∫ beyond, to the next order
    np.testing.assert_allclose(repeated_bridge_variance(h, 1.7, config), series + tail, rtol=1e-9)


@pytest.mark.parametrize("length", [0.3, 2.0, 10.0])
def test_sgd_with_one_permutation_tends_to_it(length):
    """At a fixed length of the epoch the difference is O(ε)."""
    away = []
    for n in (64, 128, 256):
        config = sg.SGDConfig(length / n, 1, n, **ONCE)
        away.append(
            float(repeated_bridge_variance(1.0, 1.0, config) / stationary_variance(1.0, 1.0, config, "sgd")) - 1
        )
    assert np.abs(away).max() < 1.1 * length / 64
    assert (np.abs(np.log2(np.divide(away[:-1], away[1:])) - 1) < 0.1).all()


def test_a_bridge_taken_again_has_it():
    """A path of Euler's method in 400 steps an epoch, 4000 bridges; new ones would spread 1.7 times as much."""
    config = sg.SGDConfig(0.1, 1, 10, **ONCE)
    steps, paths = 400, 4000
    z = np.random.default_rng(4).standard_normal((steps, paths)) * np.sqrt(0.1 / steps * 10)
    kicks = np.sqrt(0.1) * (z - z.mean(axis=0))  # h = F = 1, T = 0.1, S = 1
    w, seen = np.zeros(paths), []
    for epoch in range(12):
        for kick in kicks:
            w += -w / steps + kick
            if epoch == 11:
                seen.append((w**2).mean())
    law = float(repeated_bridge_variance(1.0, 1.0, config))
    assert np.mean(seen) == pytest.approx(law, rel=0.05)
    new = sg.SGDConfig(0.1, 1, 10, sampling="reshuffle")
    assert float(stationary_variance(1.0, 1.0, new)) > 1.5 * law


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 1.0, sg.SGDConfig(0.1, 4, 64, sampling="reshuffle")), "config must have the sampling 'shuffle_once'"),
        ((0.0, 1.0, sg.SGDConfig(0.1, 4, 64, **ONCE)), "curvature must be positive and finite, got 0.0"),
        ((1.0, -1.0, sg.SGDConfig(0.1, 4, 64, **ONCE)), "noise_covariance must be at least 0 and finite, got -1.0"),
        ((1.0, 1.0, sg.SGDConfig(0.1, 5, 64, **ONCE)), "n_examples|batch_size"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        repeated_bridge_variance(*arguments)
