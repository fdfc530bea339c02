"""At which constant learning rate SGD on a linear regression is nearest to the posterior: exactly, and as measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from sgdsde.arguments import choice, integer, integers, real_array
from sgdsde.config import SGDConfig
from sgdsde.layout import one_line
from sgdsde.models.regression import LinearRegression
from sgdsde.statistics import Estimate, jackknife
from sgdsde.theory import posterior_divergence, relaxation_time, stationary_covariance

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PosteriorRate:
    """KL(SGD ‖ posterior) at each learning rate, and where it is least.

    Attributes
    ----------
    rates : (n,)
        ε.
    divergence : Estimate, (n,)
        As measured, in nats.
    law : (n,)
        The exact one.
    best : Estimate
        ε of the least divergence, from a parabola through the measured ones.
    exact : float
        That of the exact law, between the least and the largest rate.
    groups : int
        Of replicas, from which errors follow: those of Student's t with groups − 1 degrees of freedom.
    """

    rates: Array
    divergence: Estimate
    law: Array
    best: Estimate
    exact: float
    groups: int

    __repr__ = one_line


def posterior_divergences(
    problem: LinearRegression, config: SGDConfig, rates: ArrayLike, dynamics: str = "sgd"
) -> Array:
    """KL of the stationary law of SGD, or of its SDE with the noise of the minimum, from the posterior exp(−N L).

    Parameters
    ----------
    problem : LinearRegression
        N examples; the posterior is N(ω*, (N A)⁻¹), that of label noise of variance 1.
    config : SGDConfig
        Gives B, N, m and the sampling.
    rates : array_like, (n,)
        ε.
    dynamics : str
        ``"sgd"``: exact, with the noise that grows away from the minimum; or ``"sde"``.

    Returns
    -------
    ndarray, (n,), in nats.

    Raises
    ------
    ValueError
        As :meth:`LinearRegression.stationary_covariance` and :func:`sgdsde.theory.stationary_covariance`.

    Examples
    --------
    >>> problem = LinearRegression.gaussian(1, n_examples=100)
    >>> config = SGDConfig(0.1, batch_size=10, n_examples=100, sampling="with_replacement")
    >>> posterior_divergences(problem, config, [0.1, 0.2]).round(2)
    array([0.19, 0.02])
    """
    noise = problem.noise_covariance() if choice("dynamics", dynamics, ("sgd", "sde")) == "sde" else None
    found = []
    for rate in np.atleast_1d(real_array("rates", rates)).tolist():
        here = replace(config, learning_rate=rate)
        law = (
            problem.stationary_covariance(here)
            if noise is None
            else stationary_covariance(problem.hessian, noise, here)
        )
        found.append(posterior_divergence(problem.hessian, law, config.n_examples))
    return np.array(found)


def posterior_rate(
    problem: LinearRegression,
    config: SGDConfig,
    rates: ArrayLike,
    replicas: int,
    seeds: Sequence[int],
    *,
    groups: int = 128,
    settled: float = 7.0,
    averaged: float = 32.0,
) -> PosteriorRate:
    """Run SGD at several learning rates, and find the one at which it samples the posterior best.

    Parameters
    ----------
    problem, config
        As in :func:`posterior_divergences`.
    rates : array_like, (n,)
        At least 4 values of ε, on both sides of the best one.
    replicas : int
        At each ε; a multiple of `groups`.
    seeds : sequence of int, (n,)
        Of the runs.
    groups : int
        Of replicas, for the jackknife.
    settled, averaged : float
        Relaxation times of the slowest variance that are left out at the start, and then averaged over.

    Returns
    -------
    PosteriorRate

    Raises
    ------
    ValueError
        As :func:`posterior_divergences` and :func:`sgd_on_regression`; when rates are fewer than 4 or not as many as
        seeds.

    Notes
    -----
    KL plus (P/2) ln ε is a straight line in ε for the SDE, whose S ∝ ε, and bends for SGD: a parabola is fitted to it,
    weighted by the errors. What the parabola makes of the exact law is known, and taken off as a factor.

    Examples
    --------
    >>> problem = LinearRegression.gaussian(1, n_examples=100)
    >>> config = SGDConfig(0.1, batch_size=10, n_examples=100, sampling="with_replacement")
    >>> found = posterior_rate(problem, config, [0.1, 0.15, 0.2, 0.3], 1280, seeds=range(4))
    >>> bool(abs(found.best.value - found.exact) < 5 * found.best.standard_error)
    True
    """
    from sgdsde.models.regression_descent import sgd_on_regression  # here: it needs torch, and exact laws do not

    at, numbers = real_array("rates", rates), integers("seeds", seeds, 0)
    if at.ndim != 1 or len(at) < 4 or len(at) != len(numbers):
        raise ValueError(f"rates must be at least 4 numbers, as many as seeds, got {len(numbers)} seeds and {rates!r}")
    integer("groups", groups, 2)
    covariances = []
    for rate, seed in zip(at.tolist(), numbers, strict=True):
        here = replace(config, learning_rate=rate)
        time = relaxation_time(problem.hessian, here) / 2
        burn_in = int(np.ceil(settled * time))
        updates = burn_in + int(np.ceil(averaged * time))
        runs = sgd_on_regression(problem, here, updates, replicas, burn_in, seed, covariance_groups=groups)
        covariances.append(runs.covariance.to_numpy())

    def divergences(each: Array) -> Array:
        return np.array([posterior_divergence(problem.hessian, one, config.n_examples) for one in each])

    by_group = np.stack(covariances, axis=1)  # (groups, rates, P, P)
    measured = jackknife(by_group, divergences)  # −ln det of an estimate is too large on average
    error, law = np.asarray(measured.standard_error), posterior_divergences(problem, config, at)

    def exactly(rate: float) -> float:
        return float(posterior_divergences(problem, config, rate)[0])

    exact = float(minimize_scalar(exactly, bounds=(at.min(), at.max()), method="bounded", options={"xatol": 1e-9}).x)
    bias = exact / least_rate(at, law, error, problem.dimension)
    best = jackknife(by_group, lambda each: bias * least_rate(at, divergences(each), error, problem.dimension))
    return PosteriorRate(at, measured, law, best, exact, groups)


def least_rate(rates: Array, divergences: Array, errors: Array, dimension: int) -> float:
    """The ε at which a fit of KL(SGD ‖ posterior) is least.

    Parameters
    ----------
    rates, divergences, errors : ndarray, (n,)
        At least 4 values of ε, KL there in nats, and its standard errors, by which the fit is weighted.
    dimension : int
        P, the number of weights.

    Notes
    -----
    The fit is −(P/2) ln ε + a + b ε + c ε², least where 2c ε² + b ε = P/2; c = 0 for the SDE, whose S ∝ ε.

    Examples
    --------
    >>> rates = np.array([0.5, 0.7, 1.0, 1.4, 2.0])
    >>> round(least_rate(rates, 3 + 0.8 * rates + 0.1 * rates**2 - np.log(rates), np.ones(5), 2), 9)
    1.0
    """
    half = dimension / 2
    c, b, _ = np.polyfit(rates, divergences + half * np.log(rates), 2, w=1 / errors)
    return float(2 * half / (b + np.sqrt(b * b + 8 * c * half)))
