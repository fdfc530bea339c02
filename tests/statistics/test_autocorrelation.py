"""Autocorrelation times on series whose τ is known in closed form."""

import numpy as np
import pytest
from scipy.signal import lfilter

from sgdsde.statistics import autocorrelation, covariance, integrated_time, mean, variance
from sgdsde.statistics.autocorrelation import ensemble_autocorrelation


def ar1(phi, n, columns, seed=0):
    """Stationary, unit variance: ρ_k = φ^k, τ = (1 + φ)/(1 − φ)."""
    noise = np.random.default_rng(seed).normal(size=(n, columns)) * np.sqrt(1 - phi**2)
    noise[0] /= np.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise, axis=0)


def test_autocorrelation_is_the_sum_over_pairs():
    x = np.random.default_rng(0).normal(size=(37, 2)) + 5
    y = x - x.mean(axis=0)
    exact = np.array([(y[k:] * y[: 37 - k]).sum(axis=0) for k in range(37)])
    np.testing.assert_allclose(autocorrelation(x), exact / exact[0], atol=1e-12)


@pytest.mark.parametrize("phi", [-0.9, -0.5, 0.0, 0.5, 0.9, 0.98])
def test_time_of_an_ar1(phi):
    n, columns = 40_000, 16
    tau = (1 + phi) / (1 - phi)
    times = integrated_time(ar1(phi, n, columns))
    window = 10 * (1 + phi**2) / (1 - phi**2)
    spread = tau * np.sqrt(2 * (2 * window + 1) / n)  # Madras & Sokal (1988): relative error of one series
    beyond = np.exp(-5) * tau if phi > 0 else 0.0  # left out by the window; alternating terms cancel
    centring = 2 * window / n * tau  # the mean is estimated too
    assert abs(times.mean() - tau) < 4 * times.std(ddof=1) / np.sqrt(columns) + beyond + centring
    assert times.std(ddof=1) < (1.7 if phi > -0.9 else 4.0) * spread  # the formula is for spectra that peak at zero


def test_time_of_an_oscillating_series():
    """AR(2) of heavy-ball SGD, m = 0.95, ε h = 0.5: Sokal's own window would stop inside the first half period."""
    n, m, p = 100_000, 0.95, 0.5
    a = 1 + m - p
    x = lfilter([1.0], [1.0, -a, m], np.random.default_rng(1).normal(size=(n + 1000, 8)), axis=0)[1000:]
    tau = (1 - m) * (1 + m + a) / ((1 + m) * p)  # spectrum at zero over variance
    window = 10 * 1 / (1 - m)
    spread = np.sqrt(2 * (2 * window + 1) / n) * tau
    assert abs(integrated_time(x).mean() - tau) < 4 * spread / np.sqrt(8) + 0.1 * tau


def test_short_series_are_refused_and_say_why():
    with pytest.raises(ValueError, match=r"series must be at least 10 autocorrelation windows.* 500 steps"):
        integrated_time(ar1(0.98, 500, 1)[:, 0])
    with pytest.raises(ValueError, match="autocorrelation windows"):
        integrated_time(np.arange(1000.0))  # a trend is not stationary
    with pytest.raises(ValueError, match="autocorrelation windows"):
        mean([1.0, 2.0, 4.0], correlated=True)
    with pytest.raises(ValueError, match="series must be finite"):
        integrated_time([1.0, np.nan])
    with pytest.raises(ValueError, match="series must have the shape"):
        autocorrelation([])


def test_constant_series_have_no_error():
    x = np.full(1000, 0.1)
    assert float(integrated_time(x)) == 1.0
    assert mean(x, correlated=True).standard_error < 1e-15
    assert variance(x, correlated=True).value < 1e-30


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.8])
def test_errors_of_correlated_series_are_those_seen_over_repetitions(phi):
    n, repeats = 4000, 400
    x = ar1(phi, n, 2 * repeats, seed=3)
    x[:, repeats:] += x[:, :repeats]  # second component correlated with the first: covariance [[1, 1], [1, 2]]
    exact = np.array([[1.0, 1.0], [1.0, 2.0]])
    z_mean, z_cov = [], []
    for i in range(repeats):
        pair = x[:, [i, repeats + i]]
        m, c = mean(pair, correlated=True), covariance(pair, correlated=True)
        z_mean.append(m.value / m.standard_error)
        z_cov.append((c.value - exact) / c.standard_error)
    one = variance(x[:, 0], correlated=True)
    assert one.value == pytest.approx(covariance(x[:, :1], correlated=True).value[0, 0], rel=1e-12)
    for z in (np.array(z_mean), np.array(z_cov).reshape(repeats, 4)[:, [0, 1, 3]]):
        # sd of z is 1 to 1/√(2·400) = 3.5 %, its kurtosis from the noisy errors included 6 %; 4 σ
        assert np.abs(z.std(axis=0) - 1).max() < 0.24
        assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(repeats) + 0.1  # errors correlate with values: skew
    if phi > 0:  # the negative control: as if independent, z is √τ = 3 too wide
        naive = [mean(x[:, i]).value / mean(x[:, i]).standard_error for i in range(repeats)]
        assert np.std(naive) == pytest.approx(3.0, rel=0.15)


def paths_of(phi, saved, paths, rng):
    """Stationary AR(1), unit variance, about 3: snapshots of two components of which one is the other's scaled copy."""
    x = [rng.normal(size=paths)]
    for _ in range(saved - 1):
        x.append(phi * x[-1] + np.sqrt(1 - phi**2) * rng.normal(size=paths))
    return np.stack([x, np.multiply(x, -5.0)], axis=-1) + 3


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.9])
def test_autocorrelation_of_an_ensemble(phi):
    rho, error = ensemble_autocorrelation(paths_of(phi, 12, 40_000, np.random.default_rng(5)))
    exact = phi ** np.arange(12.0)
    assert rho.shape == error.shape == (12, 2)
    np.testing.assert_allclose(rho[:, 0], rho[:, 1], atol=1e-12)
    assert (rho[0] == 1).all()
    assert (error[0] < 1e-15).all()
    assert (np.abs(rho[1:, 0] - exact[1:]) < 4.5 * error[1:, 0]).all()
    # One pair of snapshots, no averaging over origins: as for Pearson's correlation.
    assert error[-1, 0] == pytest.approx((1 - exact[-1] ** 2) / np.sqrt(40_000), rel=0.05)


def test_errors_of_an_ensembles_autocorrelation_are_those_seen_over_repetitions():
    rng, exact = np.random.default_rng(6), 0.8 ** np.arange(6.0)
    z = []
    for _ in range(400):
        rho, error = ensemble_autocorrelation(paths_of(0.8, 6, 400, rng))
        z.append((rho[1:, 0] - exact[1:]) / error[1:, 0])
    assert (np.abs(np.mean(z, axis=0)) < 0.2).all()
    np.testing.assert_allclose(np.std(z, axis=0), 1.0, atol=0.15)


def test_snapshots_without_an_autocorrelation_are_refused():
    with pytest.raises(ValueError, match="snapshots must have the shape"):
        ensemble_autocorrelation(np.ones((5, 4)))
    with pytest.raises(ValueError, match="at least 2 paths"):
        ensemble_autocorrelation(np.ones((5, 1, 1)))
    with pytest.raises(ValueError, match="snapshots must be finite"):
        ensemble_autocorrelation(np.full((5, 4, 1), np.nan))
    with pytest.raises(ValueError, match="snapshots must vary"):
        ensemble_autocorrelation(np.ones((5, 4, 1)))
