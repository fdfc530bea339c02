"""signSGD: its mean step, its lattice and the law on it."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

import sgdsde as sg
from sgdsde.theory import signsgd_drift, signsgd_stationary, signsgd_variance


def config(rate, batch=4, **more):
    return sg.SGDConfig(rate, batch, 10**6, sampling="with_replacement", **more)


def test_the_mean_step_is_that_of_the_odds():
    gradient, spread = np.array([-1.0, 0.1, 2.0]), math.sqrt(config(1.0).batch_noise * 3.0)
    up = ndtr(-gradient / spread)
    np.testing.assert_allclose(signsgd_drift(gradient, 3.0, config(0.2)), 0.2 * (2 * up - 1))


@pytest.mark.parametrize("start", [0.0, 0.13, 0.3])
def test_the_law_is_that_of_the_chain(start):
    """Against powers of the transition matrix of 61 sites, over even and odd times."""
    rate, h, spread = 0.6, 2.0, math.sqrt(config(1.0).batch_noise)
    law = signsgd_stationary(h, 1.0, config(rate), start)
    x = start + rate * np.arange(-30, 31)
    up = ndtr(-h * x / spread)
    up[-1], up[0] = 0.0, 1.0
    chain = np.diag(up[:-1], 1) + np.diag(1 - up[1:], -1)
    rows = np.linalg.matrix_power(chain, 4000)[30]
    expected = (rows + rows @ chain) / 2
    inside = np.abs(law.positions) < 5
    ours = np.interp(x[np.abs(x) < 5], law.positions[inside], law.probabilities[inside])
    np.testing.assert_allclose(ours, expected[np.abs(x) < 5], atol=1e-12)
    assert law.variance == pytest.approx(expected @ (x - expected @ x) ** 2)
    assert law.probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_small_and_large_rates(start):
    ratios = [
        signsgd_stationary(1.0, 1.0, config(rate), start * rate).variance / signsgd_variance(1.0, 1.0, config(rate))
        for rate in (0.02, 0.01)
    ]
    assert 2 * ratios[1] - ratios[0] == pytest.approx(1.0, abs=1e-3)
    assert abs(ratios[0] - 1) > 0.01
    large = signsgd_stationary(1.0, 1.0, config(50.0), start * 50).variance / 50**2
    assert large == pytest.approx(0.25 if start else 0.5)  # two sites; or three, left as often as they are entered


def test_examples_have_a_law_of_their_own():
    table = np.array([-2.0, -0.1, 0.1, 2.0]) / math.sqrt(4.01 * 2 / 3)
    one = sg.SGDConfig(0.3, 1, 4, sampling="with_replacement")
    law = signsgd_stationary(1.0, 2.0, one, 0.05, examples=table)
    up = np.array([(x + math.sqrt(2.0) * table < 0).mean() for x in law.positions])
    flow = law.probabilities[:-1] * up[:-1] - law.probabilities[1:] * (1 - up[1:])
    np.testing.assert_allclose(flow, 0.0, atol=1e-15)
    assert 0.0 in law.probabilities or len(law.positions) < 20  # bounded noise, bounded law


def test_refusals():
    with pytest.raises(ValueError, match="curvature must be positive and finite, got 0"):
        signsgd_variance(0, 1.0, config(0.1))
    with pytest.raises(ValueError, match="noise_covariance must be positive and finite, got -1"):
        signsgd_drift(0.1, -1, config(0.1))
    with pytest.raises(ValueError, match="independent batches and no momentum"):
        signsgd_drift(0.1, 1.0, config(0.1, momentum=0.5))
    with pytest.raises(ValueError, match="examples must be N = 1000000 of B = 1, got 2 with B = 4"):
        signsgd_stationary(1.0, 1.0, config(0.1), examples=[1.0, -1.0])
    with pytest.raises(ValueError, match=r"learning_rate must be larger for a lattice of 65536 sites, got 1e-15"):
        signsgd_stationary(1.0, 1.0, config(1e-15))
