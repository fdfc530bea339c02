"""Correlation in time of stationary SGD and of its stochastic differential equation (docs/theory.md, §3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.config import SGDConfig
from sgdsde.theory import heavy_ball
from sgdsde.theory.modes import modes_of
from sgdsde.theory.stationary import check_options, law_between

Array = NDArray[np.float64]


def autocovariance(hessian: ArrayLike, covariance: ArrayLike, config: SGDConfig, lag: int, model: str = "sde") -> Array:
    """Stationary covariance of the parameters now with those ``lag`` updates earlier, Cov(ω_{t+k}, ω_t).

    Parameters
    ----------
    hessian, covariance, config, model
        As in :func:`sgdsde.theory.stationary_covariance`; ``"sgd"`` for independent batches only.
    lag : int
        k ≥ 0, in updates; for the SDE the clock advances k ε/(1 − m).

    Returns
    -------
    ndarray, (P, P), in units of parameters squared; not symmetric at k > 0. For −k take the transpose.

    Raises
    ------
    ValueError
        As :func:`sgdsde.theory.stationary_covariance`; when ``lag`` is negative or not an integer; when ``"sgd"`` is
        reshuffled.

    Notes
    -----
    SDE: e^{−H s} S. SGD: the (ω, ω) block of M^k X. docs/theory.md §3.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> (autocovariance(1.0, 1.0, config, 3, "sgd") / autocovariance(1.0, 1.0, config, 0, "sgd")).round(6)   # (1 − εh)³
    array([[0.729]])
    """
    check_options(model)
    if isinstance(lag, bool) or not isinstance(lag, (int, np.integer)) or lag < 0:
        raise ValueError(f"lag must be an integer of at least 0, got {lag!r}")
    _check_independent(model, config)
    modes = modes_of(hessian, covariance, config)
    law = law_between(modes.curvature, config, model)
    if model == "sde":
        decay = np.exp(-modes.curvature * int(lag) * config.mean_loss_time_per_update)
        return modes.rotate_back(modes.noise * decay[:, None] * law.position)
    of_position, of_velocity = heavy_ball.response(config.learning_rate * modes.curvature, config.momentum, int(lag))
    return modes.rotate_back(modes.noise * (of_position[:, None] * law.position + of_velocity[:, None] * law.cross))


def autocorrelation_time(hessian: ArrayLike, covariance: ArrayLike, config: SGDConfig, model: str = "sde") -> Array:
    """Integrated autocorrelation time of each parameter, in updates: n updates hold n/τ independent samples' mean.

    Parameters
    ----------
    hessian, covariance, config, model
        As in :func:`sgdsde.theory.stationary_covariance`; ``"sgd"`` for independent batches only.

    Returns
    -------
    ndarray, (P,), in updates: Σ_k Cov(ω_{t+k}, ω_t)/Var(ω) over all k, as an integral over k for the SDE.

    Raises
    ------
    ValueError
        As :func:`autocovariance`, and when a parameter has no variance.

    Notes
    -----
    Both models have the sum c H⁻¹ F H⁻¹, whatever ε and m: averaged over a long time, H ω̄ is minus the mean noise.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> autocorrelation_time(1.0, 1.0, config, "sde").round(6), autocorrelation_time(1.0, 1.0, config, "sgd").round(6)
    (array([20.]), array([19.]))
    """
    check_options(model)
    _check_independent(model, config)
    modes = modes_of(hessian, covariance, config)
    stationary = modes.rotate_back(modes.noise * law_between(modes.curvature, config, model).position)
    total = modes.rotate_back(config.batch_noise * modes.noise / np.multiply.outer(modes.curvature, modes.curvature))
    if not (np.diagonal(stationary) > 0).all():
        raise ValueError("covariance must give every parameter noise, or its autocorrelation time is not defined")
    return np.asarray(np.diagonal(total) / np.diagonal(stationary))


def _check_independent(model: str, config: SGDConfig) -> None:
    if model == "sgd" and config.sampling == "reshuffle":
        raise ValueError(
            "sampling must be 'with_replacement' or 'without_replacement' here: with 'reshuffle' the covariance at a "
            "lag depends on where in the epoch it starts, got 'reshuffle'"
        )
