"""Stationary laws of SGD and of its stochastic differential equation near a minimum (docs/theory.md, §3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, real_array
from sgdsde.config import SGDConfig
from sgdsde.drivers import driver_of
from sgdsde.theory import heavy_ball, linear_sde
from sgdsde.theory.modes import check_stable, learning_rate_limit, modes_of, symmetric

Array = NDArray[np.float64]

POSITIONS: dict[str, Callable[[Array, Array, float, int], heavy_ball.Law]] = {
    "average": heavy_ball.reshuffled_average,
    "epoch_end": heavy_ball.reshuffled_epoch_end,
}


def stationary_covariance(
    hessian: ArrayLike,
    noise_covariance: ArrayLike,
    config: SGDConfig,
    dynamics: str = "sde",
    *,
    position: str = "average",
    driver: str | None = None,
) -> Array:
    """Stationary covariance of the parameters around a minimum with constant Hessian and gradient noise.

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss; symmetric to 1e-10, positive definite wherever there is noise (see Notes).
    noise_covariance : array_like, (P, P) or a number
        F of one example's gradient, divisor N − 1; symmetric and positive semidefinite to 1e-10.
    config : SGDConfig
        Gives ε, B, N, m and the sampling.
    dynamics : str
        ``"sgd"``: the exact law at this learning rate, momentum and sampling. ``"sde"``: of dω = −Hω ds + √T A dX,
        whatever m, an update being s = ε/(1 − m). ``"momentum_sde"``: of the SDE with momentum.
    position : str
        With reshuffling: ``"average"`` over the ends of the updates of an epoch, or ``"epoch_end"``. No other law
        depends on it.
    driver : str, optional
        Of the SDEs, as in :func:`sgdsde.simulate_sde`: by default ``"epoched"`` for reshuffled batches, else
        ``"brownian"``.

    Returns
    -------
    ndarray, (P, P), in units of parameters squared.

    Raises
    ------
    ValueError
        When a shape, symmetry or definiteness is wrong, an option is unknown, an epoch ends in a smaller batch or none
        in its place, or with ``"sgd"`` the learning rate is not below :func:`stability_limit`.

    Notes
    -----
    SDE: H S + S H = T F (that of Smith & Le, arXiv 1710.06451, near a minimum). SGD: X = M X Mᵀ + ε² c F ⊗ 11ᵀ on the
    state (ω, v), solved exactly pair by pair of Hessian modes in O(P³); with reshuffling, the law of the epoch. With
    ``"shuffle_once"`` a path ends on an orbit of its permutation, of one epoch's length, and the law is that over
    permutations, the same after every update. The SDE
    driven by epoched Brownian motion (Perko, arXiv 2512.04703) differs from that by O(ε) at a fixed length of the epoch
    in the SDE's clock, nε/(1 − m); its law is exact too, at any ε.
    A mode whose curvature is zero to rounding is flat: if F has no noise along it, its variance is 0 (from a fixed
    start it does not move), otherwise no stationary law exists.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> stationary_covariance(1.0, 64 / 63, config).round(6)
    array([[0.011905]])
    >>> stationary_covariance(1.0, 64 / 63, config, dynamics="sgd").round(6)
    array([[0.012531]])
    >>> shuffled = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64, sampling="reshuffle")
    >>> [float(stationary_covariance(1.0, 64 / 63, shuffled, name).round(6)[0, 0]) for name in ("sde", "sgd")]
    [0.00473, 0.005151]
    """
    check_options(dynamics, position)
    modes = modes_of(hessian, noise_covariance, config)
    law = law_between(modes.curvature, config, dynamics, position, driver)
    return modes.rotate_back_symmetric(modes.noise * law.position)


def stationary_velocity_covariance(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, *, position: str = "average"
) -> Array:
    """Stationary covariance of SGD's velocity v (equally of one update ω' − ω), exact at finite learning rate.

    Parameters
    ----------
    hessian, noise_covariance, config, position
        As in :func:`stationary_covariance` with ``dynamics="sgd"``.

    Returns
    -------
    ndarray, (P, P), in units of parameters squared (per update squared).

    Raises
    ------
    ValueError
        As :func:`stationary_covariance`.

    Notes
    -----
    docs/theory.md §3. For independent batches, in Hessian modes: Cov(v_i, v_j) = ε(h_i + h_j)/(1 + m) Cov(ω_i, ω_j).

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64)
    >>> stationary_velocity_covariance(1.0, 64 / 63, config).round(6)
    array([[0.002506]])
    """
    check_options("sgd", position)
    modes = modes_of(hessian, noise_covariance, config)
    return modes.rotate_back_symmetric(modes.noise * law_between(modes.curvature, config, "sgd", position).velocity)


def stationary_variance(
    curvature: ArrayLike,
    noise_covariance: ArrayLike,
    config: SGDConfig,
    dynamics: str = "sde",
    *,
    position: str = "average",
    driver: str | None = None,
) -> Array:
    """Stationary variance in one dimension, broadcast over arrays of curvatures and noises.

    Parameters
    ----------
    curvature : array_like
        h > 0.
    noise_covariance : array_like, shape that broadcasts
        F ≥ 0 of one example's gradient, divisor N − 1.
    config, dynamics, position, driver
        As in :func:`stationary_covariance`.

    Returns
    -------
    ndarray of the broadcast shape, in units of parameters squared.

    Raises
    ------
    ValueError
        When h ≤ 0, F < 0, an option is unknown, or with ``"sgd"`` the learning rate is not below 2(1 + m)/h.

    Notes
    -----
    SDE: T F/(2h). SGD with independent batches: ε c F (1 + m)/(h (1 − m)(2(1 + m) − εh)). docs/theory.md §3.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64, momentum=0.5)
    >>> stationary_variance([1.0, 2.0], 1.0, config, dynamics="sgd").round(6)
    array([0.024246, 0.012556])
    """
    check_options(dynamics, position)
    h, f = real_array("curvature", curvature), real_array("noise_covariance", noise_covariance)
    if not (np.isfinite(h).all() and (h > 0).all()):
        raise ValueError(f"curvature must be positive and finite, got {curvature!r}")
    if not (np.isfinite(f).all() and (f >= 0).all()):
        raise ValueError(f"noise_covariance must be at least 0 and finite, got {noise_covariance!r}")
    flat = np.atleast_1d(h).ravel() + config.weight_decay
    return np.asarray(f * _law_of(flat, flat, config, dynamics, position, driver).position.reshape(h.shape))


def stability_limit(hessian: ArrayLike, config: SGDConfig) -> float:
    """Learning rate 2(1 + m)/λ_max at and beyond which SGD near this minimum diverges; infinite where H = 0.

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss, symmetric.
    config : SGDConfig
        Gives m, dampening and weight decay; its learning rate plays no part.

    Returns
    -------
    float, in units of the learning rate.

    Raises
    ------
    ValueError
        When ``hessian`` is not a finite symmetric matrix.

    Notes
    -----
    docs/theory.md §3; Polyak (1964) for the heavy ball.

    Examples
    --------
    >>> stability_limit([[1.0, 0.0], [0.0, 5.0]], SGDConfig(0.1, batch_size=4, n_examples=64, momentum=0.5))
    0.6
    """
    largest = float(np.linalg.eigvalsh(symmetric("hessian", hessian))[-1]) + config.weight_decay
    return learning_rate_limit(largest, config.momentum) * config.learning_rate / config.kick


def _sgd_law(left: Array, right: Array, config: SGDConfig, position: str, driver: str) -> heavy_ball.Law:
    """Law of ω and v for unit noise F_ij = 1 in modes of curvature ``left`` and ``right``."""
    check_stable(float(max(left.max(initial=0.0), right.max(initial=0.0))), config)
    p, q, m = config.kick * left, config.kick * right, config.momentum
    config.require_whole_epochs()
    if config.permuted:
        kind = heavy_ball.shuffled_once if config.repeated else POSITIONS[position]
        law = kind(p, q, m, config.n_examples // config.batch_size)
        unit = config.kick**2 / config.batch_size
    else:
        law = heavy_ball.independent_batches(p, q, m)
        unit = config.kick**2 * config.batch_noise
    return heavy_ball.Law(*(unit * part for part in law))


#: Stationary law of a pair of modes, by the name that ``dynamics`` takes.
LAWS = {"sde": linear_sde.overdamped_law, "sgd": _sgd_law, "momentum_sde": linear_sde.momentum_law}


def law_between(
    curvature: Array, config: SGDConfig, dynamics: str, position: str = "average", driver: str | None = None
) -> heavy_ball.Law:
    """Law of every pair of modes for unit noise, as (P, P) arrays."""
    left, right = curvature[:, None], curvature[None, :]
    return _law_of(left, right, config, dynamics, position, driver)


def _law_of(
    left: Array, right: Array, config: SGDConfig, dynamics: str, position: str, driver: str | None
) -> heavy_ball.Law:
    if dynamics == "sgd" and driver is None:
        return _sgd_law(left, right, config, position, "")
    config.require_equal_batches()
    return LAWS[dynamics](left, right, config, position, driver_of(driver, config))


def check_options(dynamics: str, position: str = "average") -> None:
    """ValueError for a dynamics or position that does not exist."""
    choice("dynamics", dynamics, LAWS)
    choice("position", position, POSITIONS)
