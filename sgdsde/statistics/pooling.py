"""Moments of many independent paths, pooled from what was accumulated along each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.arguments import real_array
from sgdsde.layout import one_line
from sgdsde.statistics.estimates import Estimate


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (d,) and covariance (d, d) of the same paths, each an :class:`Estimate`."""

    mean: Estimate
    covariance: Estimate

    __repr__ = one_line


def pooled_moments(count: int, path_mean: ArrayLike, path_covariance: ArrayLike) -> Moments:
    """Mean and covariance over many independent paths, from what each path says of its own time.

    Parameters
    ----------
    count : int
        Samples in time behind each path's moments, at least 1.
    path_mean : array_like, (paths, d)
        Mean over time of each path.
    path_covariance : array_like, (paths, d, d)
        Covariance over time of each path about its own mean, divisor ``count``.

    Returns
    -------
    Moments
        Mean (d,) and covariance (d, d) of the pooled samples, in the inputs' units. With one path the errors are NaN
        (and the covariance too where ``count`` is 1); with none everything is NaN.

    Raises
    ------
    ValueError
        When ``count`` is below 1 or the shapes do not match.

    Notes
    -----
    Law of total covariance: within paths on average, plus between paths with divisor paths − 1, which is unbiased for
    identically distributed paths however correlated each is in time. Errors by the delta method over paths, the only
    independent units there are: ψ_i = C_i + (m_i − m̄)(m_i − m̄)ᵀ, error std(ψ)/√paths.

    Examples
    --------
    >>> moments = pooled_moments(2, [[0.0], [2.0], [4.0]], [[[1.0]], [[1.0]], [[1.0]]])
    >>> moments.mean.value, moments.covariance.value
    (array([2.]), array([[5.]]))
    """
    means, within = real_array("path_mean", path_mean), real_array("path_covariance", path_covariance)
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count!r}")
    if means.ndim != 2:
        raise ValueError(f"path_mean must have the shape (paths, d), got {means.shape}")
    paths, d = means.shape
    if within.shape != (paths, d, d):
        raise ValueError(f"path_covariance must have the shape {(paths, d, d)}, got {within.shape}")
    nothing = np.full((d, d), np.nan)
    if paths == 0:
        return Moments(Estimate(nothing[0], nothing[0]), Estimate(nothing, nothing))
    if paths == 1:
        alone = within[0].copy() if count > 1 else nothing
        return Moments(Estimate(means[0].copy(), nothing[0]), Estimate(alone, nothing))
    shift = means - means[0]  # about the first path: paths at one point differ by exactly zero
    centre = shift.mean(axis=0)
    deviation = (shift - centre) * np.sqrt(paths / (paths - 1))  # the mean over paths then has divisor paths − 1
    value, error = np.empty((2, d, d))
    for a in range(d):
        psi = within[:, a, :] + deviation[:, a, None] * deviation
        value[a], error[a] = psi.mean(axis=0), psi.std(axis=0, ddof=1) / np.sqrt(paths)
    return Moments(
        Estimate(means[0] + centre, shift.std(axis=0, ddof=1) / np.sqrt(paths)),
        Estimate((value + value.T) / 2, (error + error.T) / 2),
    )
