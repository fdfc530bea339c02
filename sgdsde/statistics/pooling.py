"""Moments of many independent paths, pooled from what was accumulated along each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.layout import one_line
from sgdsde.statistics.estimates import Estimate


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (d,) and covariance (d, d) of the same paths, each an :class:`Estimate`."""

    mean: Estimate
    covariance: Estimate

    __repr__ = one_line


@dataclass(frozen=True, eq=False)
class HigherMoments:
    """Third and fourth central moments, skewness and excess kurtosis of the same paths, each an Estimate (d,)."""

    third: Estimate
    fourth: Estimate
    skewness: Estimate
    kurtosis: Estimate

    __repr__ = one_line


def mean_over_paths(values: ArrayLike) -> Estimate:
    """Mean of (paths,) or (paths, d) over independent paths; the error is NaN with one path, all of it with none.

    Examples
    --------
    >>> mean_over_paths([1.0, 3.0])
    Estimate(value=2, standard_error=1)
    """
    given = real_array("values", values)
    nothing = np.full(given.shape[1:], np.nan)
    mean = given.mean(axis=0) if len(given) else nothing
    error = given.std(axis=0, ddof=1) / np.sqrt(len(given)) if len(given) > 1 else nothing
    return Estimate(mean, error) if given.ndim > 1 else Estimate(float(mean), float(error))


def pooled_higher_moments(
    path_mean: ArrayLike, path_variance: ArrayLike, path_third: ArrayLike, path_fourth: ArrayLike
) -> HigherMoments:
    """Third and fourth central moments over many independent paths, from what each path says of its own time.

    Parameters
    ----------
    path_mean, path_variance, path_third, path_fourth : array_like, (paths, d)
        Mean over time of each path, and its second to fourth central moments about that.

    Returns
    -------
    HigherMoments
        Of the pooled samples, about their common mean, in powers of the inputs' units; skewness κ₃/κ₂^(3/2) and excess
        kurtosis κ₄/κ₂², which are 0 for a normal law. The errors are NaN with one path, all of it with none.

    Raises
    ------
    ValueError
        When the shapes do not match.

    Notes
    -----
    About the common mean, e = m_i − m̄, path i has moments a = v + e², b = t + 3ev + e³, c = q + 4et + 6e²v + e⁴, and
    their means over paths are those of the pool. Biased by O(1/paths), where errors are O(1/√paths): v̄ has the divisor
    paths, unlike :func:`pooled_moments`. Errors by the delta method over paths, that of m̄ included.

    Examples
    --------
    >>> found = pooled_higher_moments([[0.0], [2.0]], [[1.0], [1.0]], [[0.0], [0.0]], [[1.0], [1.0]])   # −1, 1 and 1, 3
    >>> found.fourth.value, found.kurtosis.value                              # of −1, 1, 1, 3: 16·2/4 and 8/4 − 3
    (array([8.]), array([-1.]))
    """
    means, variance, third, fourth = (
        real_array(name, value)
        for name, value in (
            ("path_mean", path_mean), ("path_variance", path_variance), ("path_third", path_third),
            ("path_fourth", path_fourth),
        )
    )  # fmt: skip
    if means.ndim != 2 or not means.shape == variance.shape == third.shape == fourth.shape:
        raise ValueError(
            f"path_mean, path_variance, path_third and path_fourth must have one shape (paths, d), got {means.shape}, "
            f"{variance.shape}, {third.shape} and {fourth.shape}"
        )
    if not len(means):
        return HigherMoments(*(Estimate(*np.full((2, means.shape[1]), np.nan)) for _ in range(4)))
    shift = means - means[0]  # about the first path: paths at one point differ by exactly zero
    e = shift - shift.mean(axis=0)
    a = variance + e**2
    b = third + 3 * e * variance + e**3
    c = fourth + 4 * e * third + 6 * e**2 * variance + e**4
    second, cubed, quartic = a.mean(axis=0), b.mean(axis=0), c.mean(axis=0)
    b_free, c_free = b - 3 * second * e, c - 4 * cubed * e  # the mean was estimated too
    with np.errstate(all="ignore"):
        skewness, ratio = cubed / second**1.5, quartic / second**2
        of_skewness = b_free / second**1.5 - 1.5 * skewness * a / second
        of_kurtosis = c_free / second**2 - 2 * ratio * a / second

    def estimate(value: NDArray[np.float64], influence: NDArray[np.float64]) -> Estimate:
        return Estimate(value, np.asarray(mean_over_paths(influence).standard_error))

    return HigherMoments(
        estimate(cubed, b_free), estimate(quartic, c_free), estimate(skewness, of_skewness),
        estimate(ratio - 3, of_kurtosis),
    )  # fmt: skip


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
    count = integer("count", count, 1)
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
