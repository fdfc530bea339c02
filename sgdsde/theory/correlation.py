"""Correlation in time of stationary SGD and of its stochastic differential equation (docs/theory.md, §3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import exprel

from sgdsde.arguments import choice, integer, integers
from sgdsde.clock import with_momentum
from sgdsde.config import SGDConfig
from sgdsde.theory import heavy_ball
from sgdsde.theory.modes import modes_of
from sgdsde.theory.stationary import check_options, law_between

Array = NDArray[np.float64]


def autocovariance(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, lag: int, dynamics: str = "sde"
) -> Array:
    """Stationary covariance of the parameters now with those ``lag`` updates earlier, Cov(ω_{t+k}, ω_t).

    Parameters
    ----------
    hessian, noise_covariance, config
        As in :func:`sgdsde.theory.stationary_covariance`.
    lag : int
        k ≥ 0, in updates; the SDE's clock advances k ε/(1 − m), that of the SDE with momentum k √ε.
    dynamics : str
        ``"sde"``; ``"sgd"``; or ``"momentum_sde"``: dω = p dτ, dp = −(γp + H ω) dτ +
        √(γT F) dW with γ = (1 − m)/√ε.

    Returns
    -------
    ndarray, (P, P), in units of parameters squared; not symmetric at k > 0. For −k take the transpose.

    Raises
    ------
    ValueError
        As :func:`sgdsde.theory.stationary_covariance`; when ``lag`` is negative or not an integer; when batches are
        those of permutations.

    Notes
    -----
    SDE: e^{−H s} S. SGD: the (ω, ω) block of M^k X. docs/theory.md §3. SDE with momentum: damped oscillators, in one
    dimension S e^{−γτ/2}(cos Ωτ + γ/(2Ω) sin Ωτ), Ω² = h − γ²/4, with sinh and cosh where that is negative; modes i and
    j have the stationary covariance T F_ij/(h_i + h_j + (h_i − h_j)²/(2γ²)).

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> (autocovariance(1.0, 1.0, config, 3, "sgd") / autocovariance(1.0, 1.0, config, 0, "sgd")).round(6)   # (1 − εh)³
    array([[0.729]])
    """
    law, lag = LAWS[choice("dynamics", dynamics, LAWS)], integer("lag", lag, 0)
    _check_independent(config)
    modes = modes_of(hessian, noise_covariance, config)
    return modes.rotate_back(modes.noise * law(modes.curvature, config, lag))


def autocorrelation(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, lags: Sequence[int], dynamics: str = "sde"
) -> Array:
    """Stationary autocorrelation of each parameter, ρ(k) = Cov(ω_{t+k}, ω_t)/Var(ω).

    Parameters
    ----------
    hessian, noise_covariance, config, dynamics
        As in :func:`autocovariance`.
    lags : sequence of int
        Each k ≥ 0, in updates.

    Returns
    -------
    ndarray, (lags, P)

    Raises
    ------
    ValueError
        As :func:`autocovariance`, and when a parameter has no variance.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.01, batch_size=4, n_examples=64, momentum=0.9)
    >>> [float(autocorrelation(4.0, 1.0, config, [20], name).round(3)[0, 0]) for name in LAWS]  # only inertia rings
    [0.0, -0.302, -0.337]
    """
    now = np.diagonal(autocovariance(hessian, noise_covariance, config, 0, dynamics))
    _check_noisy(now)
    later = [autocovariance(hessian, noise_covariance, config, k, dynamics) for k in integers("lags", lags, 0)]
    return np.array([np.diagonal(each) / now for each in later]).reshape(-1, len(now))


def _sde(curvature: Array, config: SGDConfig, lag: int) -> Array:
    """Cov(ω_i a lag later, ω_j) for unit noise between modes i and j, as all functions of ``LAWS``."""
    decay = np.exp(-curvature * lag * config.mean_loss_time_per_update)
    return np.asarray(decay[:, None] * law_between(curvature, config, "sde").position)


def _sgd(curvature: Array, config: SGDConfig, lag: int) -> Array:
    law = law_between(curvature, config, "sgd")
    of_position, of_velocity = heavy_ball.response(config.kick * curvature, config.momentum, lag)
    return np.asarray(of_position[:, None] * law.position + of_velocity[:, None] * law.cross)


def _momentum_sde(curvature: Array, config: SGDConfig, lag: int) -> Array:
    clock = with_momentum(config.kick, config.batch_noise, config.momentum)
    friction, update = clock.friction, clock.update
    left, right = curvature[:, None], curvature[None, :]
    position = config.temperature / (left + right + (left - right) ** 2 / (2 * friction**2))
    cross = position * (right - left) / (2 * friction)  # Cov(p_i, ω_j); Cov(ω_i, p_j) is minus that
    of_position, of_velocity = _oscillator(curvature, friction, lag * update)
    return np.asarray(of_position[:, None] * position + of_velocity[:, None] * cross)


def _oscillator(curvature: Array, friction: float, time: float) -> tuple[Array, Array]:
    """What ω'' = −γω' − hω still holds of an earlier ω and of an earlier p = ω'."""
    half, discriminant = friction / 2, friction**2 / 4 - curvature
    root = np.sqrt(np.abs(discriminant))
    ringing = np.exp(-half * time)
    turned = time * ringing * np.sinc(root * time / np.pi)
    # Overdamped, the slower rate is h/(γ/2 + √…): γ/2 − √… would cancel, and cosh overflow.
    slow = curvature / (half + root)
    slid = time * np.exp(-slow * time) * exprel(-2 * root * time)
    over = discriminant > 0
    of_velocity = np.where(over, slid, turned)
    of_position = np.where(over, np.exp(-slow * time) + slow * slid, ringing * np.cos(root * time) + half * turned)
    return of_position, of_velocity


#: Covariances of unit-noise modes at a lag, by the name that ``dynamics`` takes.
LAWS = {"sde": _sde, "sgd": _sgd, "momentum_sde": _momentum_sde}


def autocorrelation_time(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, dynamics: str = "sde"
) -> Array:
    """Integrated autocorrelation time of each parameter, in updates: n updates hold n/τ independent samples' mean.

    Parameters
    ----------
    hessian, noise_covariance, config, dynamics
        As in :func:`sgdsde.theory.stationary_covariance`; batches are independent.

    Returns
    -------
    ndarray, (P,), in updates: Σ_k Cov(ω_{t+k}, ω_t)/Var(ω) over all k, as an integral over k for the SDE.

    Raises
    ------
    ValueError
        As :func:`autocovariance`, and when a parameter has no variance.

    Notes
    -----
    Both have the sum c H⁻¹ F H⁻¹, whatever ε and m: averaged over a long time, H ω̄ is minus the mean noise.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> autocorrelation_time(1.0, 1.0, config, "sde").round(6), autocorrelation_time(1.0, 1.0, config, "sgd").round(6)
    (array([20.]), array([19.]))
    """
    check_options(dynamics)
    _check_independent(config)
    modes = modes_of(hessian, noise_covariance, config)
    stationary = modes.rotate_back(modes.noise * law_between(modes.curvature, config, dynamics).position)
    total = modes.rotate_back(config.batch_noise * modes.noise / np.multiply.outer(modes.curvature, modes.curvature))
    _check_noisy(np.diagonal(stationary))
    return np.asarray(np.diagonal(total) / np.diagonal(stationary))


def _check_noisy(variances: Array) -> None:
    if not (variances > 0).all():
        raise ValueError("noise_covariance must give every parameter noise, or its autocorrelation is not defined")


def _check_independent(config: SGDConfig) -> None:
    if config.permuted:
        raise ValueError(
            "sampling must be 'with_replacement' or 'without_replacement' here: with permutations the covariance at a "
            f"lag depends on where in the epoch it starts, or never decays; got {config.sampling!r}"
        )
