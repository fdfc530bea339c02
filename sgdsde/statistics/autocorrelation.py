"""Autocorrelation of stationary time series, and how many independent samples one is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array

Array = NDArray[np.float64]

#: Half-widths of the summation window, in units of Σ_k ρ_k² over all k: 5 times τ for a plain exponential decay.
WINDOW = 10

#: Windows that a series must hold for its τ to be believed; with emcee's 50 τ for an exponential decay.
WINDOWS = 10


def autocorrelation(series: ArrayLike) -> Array:
    """Normalised autocorrelation at every lag, by fast Fourier transform.

    Parameters
    ----------
    series : array_like, (n,) or (n, d)
        Stationary time series, one sample per step; each column on its own.

    Returns
    -------
    ndarray, the shape of ``series``: ρ_k = C_k/C_0 at lag k = 0 … n − 1, C_k with divisor n. A constant series has
    ρ = 1, 0, 0, ….

    Raises
    ------
    ValueError
        When the series is empty, not of one or two axes, or not finite.

    Notes
    -----
    As ``function_1d`` of emcee (Foreman-Mackey et al., arXiv 1202.3665).

    Examples
    --------
    >>> autocorrelation([1.0, -1.0, 1.0, -1.0]).round(6)
    array([ 1.  , -0.75,  0.5 , -0.25])
    """
    x = real_array("series", series)
    if x.ndim not in (1, 2) or not x.size:
        raise ValueError(f"series must have the shape (n,) or (n, d), got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("series must be finite")
    n = len(x)
    deviation = x - x.mean(axis=0)
    deviation = np.where(np.ptp(x, axis=0) == 0, 0.0, deviation)
    spectrum = np.fft.rfft(deviation, n=2 ** (2 * n - 1).bit_length(), axis=0)  # padded: lags must not wrap around
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=0)[:n]
    constant = products[0] == 0
    products[0] = np.where(constant, 1.0, products[0])
    return np.asarray(products / products[0])


def ensemble_autocorrelation(snapshots: ArrayLike) -> tuple[Array, Array]:
    """Autocorrelation of a stationary process from snapshots of independent paths, with standard errors.

    Parameters
    ----------
    snapshots : array_like, (saved, paths, d)
        Stationary states at equal intervals: an ensemble's ``snapshots`` after the burn-in. Each component by itself.

    Returns
    -------
    tuple of ndarray, (saved, d) each
        ρ at lags of 0 … saved − 1 intervals, and its standard error; that of lag 0 is 0.

    Raises
    ------
    ValueError
        When the shape is wrong, there are fewer than two paths, a state is not finite or a component is constant.

    Notes
    -----
    ρ_k = Σ xy / Σ (x² + y²)/2 over all pairs (x, y) that are k intervals apart, about the common mean: never beyond ±1,
    and with little error where ρ is near 1. Errors by the delta method from the spread over paths, so that correlation
    along a path costs nothing.

    Examples
    --------
    >>> rho, error = ensemble_autocorrelation([[[1.0], [-1.0], [2.0]], [[1.0], [-1.0], [-2.0]]])
    >>> rho[:, 0].round(6), error[:, 0].round(6)
    (array([ 1.      , -0.333333]), array([0.      , 0.666667]))
    """
    x = real_array("snapshots", snapshots)
    if x.ndim != 3 or not x.size or x.shape[1] < 2:
        raise ValueError(f"snapshots must have the shape (saved, paths, d) with at least 2 paths, got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("snapshots must be finite: leave diverged paths out, and say how many there were")
    saved, paths, d = x.shape
    if not (np.ptp(x, axis=(0, 1)) > 0).all():
        raise ValueError("snapshots must vary in every component, or its autocorrelation is not defined")
    x = x - x.mean(axis=(0, 1))
    rho, error = np.empty((2, saved, d))
    for lag in range(saved):
        early, late = x[: saved - lag], x[lag:]
        product = np.einsum("tpd,tpd->pd", early, late)
        square = (np.einsum("tpd,tpd->pd", early, early) + np.einsum("tpd,tpd->pd", late, late)) / 2
        rho[lag] = product.mean(axis=0) / square.mean(axis=0)
        error[lag] = (product - rho[lag] * square).std(axis=0, ddof=1) / square.mean(axis=0) / np.sqrt(paths)
    return rho, error


def integrated_time(series: ArrayLike) -> Array:
    """Integrated autocorrelation time τ = Σ_k ρ_k over all k, in steps: the mean of n samples has variance C_0 τ/n.

    Parameters
    ----------
    series : array_like, (n,) or (n, d)
        Stationary time series, one sample per step; each column on its own.

    Returns
    -------
    ndarray, () or (d,), in steps: 1 for independent samples, less for alternating ones, (1 + φ)/(1 − φ) for an AR(1).
    Never below (2M + 1)/n, M the window: less than that n samples cannot tell from zero.

    Raises
    ------
    ValueError
        When the series is too short to say: fewer than ten windows, that is 50 τ for an exponential decay.

    Notes
    -----
    Sokal's automatic window (1996, *Monte Carlo methods in statistical mechanics*, §3; emcee's
    ``integrated_time``) with one change. He sums up to the first M ≥ 5 τ(M), which stops at once where ρ oscillates, as
    it does for SGD with momentum; here M ≥ 10 Σ_{|k|≤M} ρ_k², the same window for an AR(1) with long memory.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bool(abs(integrated_time(rng.normal(size=100_000)) - 1) < 0.1)
    True
    """
    rho = autocorrelation(series)
    columns = rho.reshape(len(rho), -1)
    return np.array([_windowed(column) for column in columns.T]).reshape(rho.shape[1:])


def _windowed(rho: Array) -> float:
    n = len(rho)
    reach = WINDOW * (2 * np.cumsum(rho**2) - 1)
    enough = np.arange(n) >= reach
    window = int(np.argmax(enough)) if enough.any() else n
    if WINDOWS * window > n:
        raise ValueError(
            f"series must be at least {WINDOWS} autocorrelation windows long to give its own standard error: "
            f"its {n} steps are fewer than {WINDOWS} × {window} "
            "(a window is 5 autocorrelation times of an exponential decay)"
        )
    return max(2 * float(rho[: window + 1].sum()) - 1, (2 * window + 1) / n)
