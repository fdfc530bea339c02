"""Means, variances and covariances with standard errors, for independent samples and for time series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.layout import one_line
from sgdsde.statistics.autocorrelation import integrated_time

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number, or an array of them, with its standard error.

    Parameters
    ----------
    value : float or ndarray
        The estimate.
    standard_error : float or ndarray, same shape
        Its standard deviation over repetitions of the experiment; NaN where the data cannot tell.

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> Estimate(1.0, 0.1)
    Estimate(value=1, standard_error=0.1)
    """

    value: Array | float
    standard_error: Array | float

    __repr__ = one_line

    def __post_init__(self) -> None:
        if np.shape(self.value) != np.shape(self.standard_error):
            raise ValueError(
                f"standard_error must have the shape {np.shape(self.value)} of value, "
                f"got {np.shape(self.standard_error)}"
            )


def mean(samples: ArrayLike, *, correlated: bool = False) -> Estimate:
    """Mean over the first axis, with its standard error.

    Parameters
    ----------
    samples : array_like, (n,) or (n, d)
        n ≥ 2 samples, in any unit.
    correlated : bool
        False: the samples are independent. True: they are a stationary time series in order, one per step.

    Returns
    -------
    Estimate, of shape () or (d,), in the unit of ``samples``.

    Raises
    ------
    ValueError
        When there are fewer than two samples, a number is not finite, or a time series is too short for its own
        autocorrelation time.

    Notes
    -----
    Standard error √(s² τ/n), τ = 1 for independent samples, otherwise the integrated autocorrelation time
    (Sokal 1996, *Monte Carlo methods in statistical mechanics*, §2).

    Examples
    --------
    >>> mean([1.0, 2.0, 3.0, 4.0])
    Estimate(value=2.5, standard_error=0.645497)
    """
    x = _samples(samples)
    return _estimate(x.mean(axis=0), _error(x, correlated))


def variance(samples: ArrayLike, *, correlated: bool = False) -> Estimate:
    """Variance over the first axis, with a standard error that does not assume a Gaussian.

    Parameters
    ----------
    samples, correlated
        As in :func:`mean`.

    Returns
    -------
    Estimate, of shape () or (d,), in the unit of ``samples`` squared; unbiased for independent samples.

    Raises
    ------
    ValueError
        As :func:`mean`.

    Notes
    -----
    Delta method: the error is that of the mean of ψ = (x − x̄)², the influence function of the variance, so it holds
    the fourth moment of the data. A time series is corrected for the mean's own error by the divisor n − τ.

    Examples
    --------
    >>> variance([1.0, 2.0, 3.0, 6.0])
    Estimate(value=4.66667, standard_error=2.6943)
    """
    x = _samples(samples)
    deviation = x - x.mean(axis=0)
    correction = _correction(x, correlated)
    psi = deviation**2 * correction**2
    return _estimate(psi.mean(axis=0), _error(psi, correlated))


def covariance(samples: ArrayLike, *, correlated: bool = False) -> Estimate:
    """Covariance matrix over the first axis, with a standard error for each entry that does not assume a Gaussian.

    Parameters
    ----------
    samples : array_like, (n, d)
        n ≥ 2 samples of d components; (n,) stands for (n, 1).
    correlated : bool
        As in :func:`mean`.

    Returns
    -------
    Estimate, (d, d), in the unit of ``samples`` squared; unbiased for independent samples.

    Raises
    ------
    ValueError
        As :func:`mean`.

    Notes
    -----
    As :func:`variance`, with ψ_ab = (x_a − x̄_a)(x_b − x̄_b), and for time series its own τ for each entry.

    Examples
    --------
    >>> covariance([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]).value
    array([[1.        , 0.        ],
           [0.        , 0.33333333]])
    """
    x = _samples(samples)
    x = x[:, None] if x.ndim == 1 else x
    deviation = (x - x.mean(axis=0)) * _correction(x, correlated)
    value, error = np.empty((2, x.shape[1], x.shape[1]))
    for a in range(x.shape[1]):  # a row at a time: n × d numbers instead of n × d × d
        psi = deviation[:, a, None] * deviation[:, a:]
        value[a, a:] = value[a:, a] = psi.mean(axis=0)
        error[a, a:] = error[a:, a] = _error(psi, correlated)
    return Estimate(value, error)


def _samples(samples: ArrayLike) -> Array:
    x = real_array("samples", samples)
    if x.ndim not in (1, 2) or len(x) < 2:
        raise ValueError(f"samples must have the shape (n,) or (n, d) with n at least 2, got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("samples must be finite: leave diverged paths out, and say how many there were")
    return x


def _error(series: Array, correlated: bool) -> Array:
    time = integrated_time(series) if correlated else 1.0
    return np.asarray(series.std(axis=0, ddof=1) * np.sqrt(time / len(series)))


def _correction(x: Array, correlated: bool) -> Array:
    """√(n/(n − τ)): the sample mean takes up τ of the n samples, so the mean square about it comes out too small."""
    n, time = len(x), np.asarray(integrated_time(x) if correlated else 1.0)
    return np.asarray(np.sqrt(n / (n - time)))


def _estimate(value: Array, error: Array) -> Estimate:
    return Estimate(float(value), float(error)) if np.ndim(value) == 0 else Estimate(value, error)
