"""How SGD and its SDE go round in their stationary state: the antisymmetric part of E ω_i dω_j (docs/theory.md §12)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_discrete_lyapunov

from sgdsde.arguments import integer
from sgdsde.config import SGDConfig
from sgdsde.theory.correlation import autocovariance
from sgdsde.theory.modes import check_stable, modes_of
from sgdsde.theory.stationary import law_between

Array = NDArray[np.float64]


def circulation(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, dynamics: str = "sde", lag: int = 0
) -> Array:
    """Rate at which ω circulates around a minimum with constant Hessian and gradient noise, in its stationary state.

    Parameters
    ----------
    hessian, noise_covariance, config
        As in :func:`sgdsde.theory.stationary_covariance`.
    dynamics : str
        As in :func:`sgdsde.theory.autocovariance`; ``"sde"`` and ``"momentum_sde"`` are driven by Brownian motion.
    lag : int
        Updates between the two looks at ω. 0 is the limit of short times of the SDE, HS − SH; SGD's least is 1.

    Returns
    -------
    ndarray, (P, P), antisymmetric
        E[ω_i(s) ω_j(s + δ) − ω_j(s) ω_i(s + δ)]/δ, δ = lag · ε/(1 − m) the time of the SDE; positive where ω turns from
        i towards j. With reshuffled batches, at lag 1, the average over the updates of an epoch.

    Raises
    ------
    ValueError
        As :func:`sgdsde.theory.autocovariance`; when `lag` is 0 and the dynamics not ``"sde"``; with reshuffled batches
        for a lag other than 1 or the SDE.

    Notes
    -----
    HS − SH (Chaudhari & Soatto, arXiv 1710.11029, have the current that makes it) is T F_ij (h_i − h_j)/(h_i + h_j) in
    modes of H: zero, and time has no direction, where F commutes with H, and there only. SGD without momentum at lag 1
    has T F_ij (h_i − h_j)/(h_i + h_j − εh_ih_j). A current needs no net displacement: with reshuffled batches, whose
    noise adds up to nothing, there is one too.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=1, n_examples=101)
    >>> circulation(np.diag([1.0, 3.0]), [[1.0, 0.5], [0.5, 1.0]], config).round(5)
    array([[ 0.     , -0.02475],
           [ 0.02475,  0.     ]])
    >>> float(circulation(np.diag([1.0, 3.0]), np.diag([1.0, 2.0]), config, "sgd", 1)[0, 1])
    0.0
    """
    lag = integer("lag", lag, 0)
    if config.permuted:
        if dynamics != "sgd" or lag != 1 or config.repeated:
            raise ValueError(
                f"with reshuffled batches circulation has dynamics='sgd' and lag=1 alone, a new permutation in every "
                f"epoch, got {dynamics!r}, {lag} and sampling {config.sampling!r}"
            )
        later = _reshuffled(hessian, noise_covariance, config)
    elif lag:
        later = autocovariance(hessian, noise_covariance, config, lag, dynamics)
    elif dynamics != "sde":
        raise ValueError(f"lag must be at least 1 for dynamics {dynamics!r}, got 0")
    else:
        modes = modes_of(hessian, noise_covariance, config)
        h, law = modes.curvature, law_between(modes.curvature, config, "sde", driver="brownian")
        return modes.rotate_back(modes.noise * (h[:, None] - h) * law.position)
    return np.asarray((later.T - later) / (lag * config.mean_loss_time_per_update))


def _reshuffled(hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Cov(ω_{k+1}, ω_k) averaged over the updates of an epoch, on the state (ω, v) of all modes."""
    config.require_equal_batches()
    config.require_whole_epochs()
    modes = modes_of(hessian, noise_covariance, config)
    check_stable(float(modes.curvature.max()), config)
    p, one, m = np.diag(config.kick * modes.curvature), np.eye(len(modes.curvature)), config.momentum
    step = np.block([[one - p, m * one], [-p, m * one]])
    kick = -config.kick * np.vstack([one, one])
    batches = config.n_examples // config.batch_size
    each = modes.noise * (1 / config.batch_size - 1 / config.n_examples)
    between = -modes.noise / config.n_examples

    def epoch(state: Array) -> tuple[Array, Array]:
        """Cov(state) after an epoch, and Σ Cov(state_{k+1}, state_k) over its updates."""
        cross, total = np.zeros_like(kick), np.zeros_like(state)
        for _ in range(batches):
            total += step @ state + kick @ cross.T
            mixed = step @ cross @ kick.T
            state = step @ state @ step.T + kick @ each @ kick.T + mixed + mixed.T
            cross = step @ cross + kick @ between
        return state, total

    noise, _ = epoch(np.zeros_like(step))
    _, total = epoch(solve_discrete_lyapunov(np.linalg.matrix_power(step, batches), noise))
    return modes.rotate_back(total[: len(one), : len(one)] / batches)
