"""The drift along a valley of minima."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import sgdsde as sg
from sgdsde.theory import valley_drift

X = np.array([-1.2, 0.3, 1.5])
H, SLOPE = 1 + X**2, 2 * X


@pytest.mark.parametrize("m", [0.0, 0.9])
def test_the_laws_of_small_rates(m):
    config = sg.SGDConfig(0.01, 2, 100, momentum=m)
    t = config.temperature
    np.testing.assert_allclose(valley_drift(H, SLOPE, 3 * H, config), -t * 3 / 4 * SLOPE)
    np.testing.assert_allclose(valley_drift(H, SLOPE, 3.0, config), -t * 3 / 4 * SLOPE / H)


@pytest.mark.parametrize("m", [0.0, 0.9])
def test_the_drift_of_sgd_is_down_its_potentials(m):
    config = sg.SGDConfig(0.2, 2, 100, momentum=m)
    width, t = 0.2 / (2 * (1 + m)), config.temperature

    def down(potential):
        return [-approx_fprime([x], lambda at: potential(1 + at[0] ** 2), 1e-7)[0] for x in X]

    labels = down(lambda h: -t / (4 * width) * np.log(1 - width * h))
    np.testing.assert_allclose(valley_drift(H, SLOPE, H, config, "sgd"), labels, rtol=1e-5)
    constant = down(lambda h: t / 4 * np.log(h / (1 - width * h)))
    np.testing.assert_allclose(valley_drift(H, SLOPE, 1.0, config, "sgd"), constant, rtol=1e-5)


def test_simulated():
    config = sg.SGDConfig(0.4, 1, 512, sampling="with_replacement")
    valley = sg.landscapes.valley_of_minima(sigma=(0.001 / config.temperature) ** 0.5)
    noise = valley.noise_covariance([1.5, 0.0])[1, 1]
    y = sg.theory.stationary_variance(3.25, noise, config, "sgd") ** 0.5
    x = sg.simulate_sgd(valley, config, [1.5, float(y)], 20, 20_000).final[:, 0]
    moved, error = x.mean() - 1.5, x.std() / len(x) ** 0.5
    expected = 20 * 0.4 * valley_drift(3.25, 3.0, noise, config, "sgd")
    assert abs(moved - expected) < 4 * error + 0.03 * abs(expected)  # it slows down on the way
    assert abs(moved - 20 * 0.4 * valley_drift(3.25, 3.0, noise, config)) > 20 * error


def test_refusals():
    config = sg.SGDConfig(0.1, 4, 64, sampling="reshuffle")
    with pytest.raises(ValueError, match=r"independent batches .* got sampling = 'reshuffle'"):
        valley_drift(1.0, 1.0, 1.0, config)
    independent = sg.SGDConfig(0.1, 4, 64)
    with pytest.raises(ValueError, match="slope must be finite, got inf"):
        valley_drift(1.0, np.inf, 1.0, independent)
    with pytest.raises(ValueError, match="curvature must be positive"):
        valley_drift(0.0, 1.0, 1.0, independent)
