"""Covariances of the gradient noise of SGD, and the noise scale (theory sheet in docs/theory.md, §2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, real_array
from sgdsde.clock import overdamped
from sgdsde.config import SAMPLINGS, SGDConfig

Array = NDArray[np.float64]


def batch_gradient_covariance(noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Covariance c F of the mean gradient of one batch.

    Parameters
    ----------
    noise_covariance : array_like, any shape
        F, per example, divisor N − 1; everything here is linear in F, so any leading axes go through.
    config : SGDConfig
        Gives B, N and the sampling.

    Returns
    -------
    ndarray, the shape of ``noise_covariance``, in its units.

    Raises
    ------
    ValueError
        When ``noise_covariance`` is not numeric or not finite.

    Notes
    -----
    Smith & Le, arXiv 1710.06451; c of each sampling in docs/theory.md §2.

    Examples
    --------
    >>> batch_gradient_covariance([[2.0, 0.0], [0.0, 1.0]], SGDConfig(0.1, batch_size=4, n_examples=8))
    array([[0.25 , 0.   ],
           [0.   , 0.125]])
    """
    return config.batch_noise * _finite("noise_covariance", noise_covariance)


def summed_gradient_covariance(noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Covariance ⟨ααᵀ⟩ = N² c F of the batch estimate of the summed gradient: N(N/B − 1)F without replacement.

    Parameters
    ----------
    noise_covariance : array_like, any shape
        F, per example, divisor N − 1.
    config : SGDConfig
        Gives B, N and the sampling.

    Returns
    -------
    ndarray, the shape of ``noise_covariance``, in its units.

    Raises
    ------
    ValueError
        When ``noise_covariance`` is not numeric or not finite.

    Notes
    -----
    α = (N/B) Σ_batch g_i − Σ_all g_i; Smith & Le, arXiv 1710.06451, text between eqs 3 and 4.

    Examples
    --------
    >>> float(summed_gradient_covariance(2.0, SGDConfig(0.1, batch_size=4, n_examples=8)))     # 8 (8/4 − 1) 2
    16.0
    """
    return config.n_examples**2 * batch_gradient_covariance(noise_covariance, config)


def between_batches_covariance(noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Covariance of the mean gradients of two different batches of one epoch: −F/N when reshuffling, otherwise zero.

    Parameters
    ----------
    noise_covariance : array_like, any shape
        F, per example, divisor N − 1.
    config : SGDConfig
        Gives N and the sampling.

    Returns
    -------
    ndarray, the shape of ``noise_covariance``, in its units.

    Raises
    ------
    ValueError
        When ``noise_covariance`` is not numeric or not finite.

    Notes
    -----
    The batches of one permutation add up to the whole set, whose gradient has no noise: n c F + n(n − 1)(−F/N) = 0,
    n = N/B. docs/theory.md §2.

    Examples
    --------
    >>> float(between_batches_covariance(2.0, SGDConfig(0.1, batch_size=4, n_examples=8, sampling="reshuffle")))
    -0.25
    """
    factor = -1 / config.n_examples if config.permuted else 0.0
    return factor * _finite("noise_covariance", noise_covariance)


def update_covariance(noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Covariance ε² c F that one batch's noise gives to one update; g F ε/N at zero momentum.

    Parameters
    ----------
    noise_covariance : array_like, any shape
        F, per example, divisor N − 1, at the parameters before the update.
    config : SGDConfig
        Gives ε, B, N and the sampling.

    Returns
    -------
    ndarray, the shape of ``noise_covariance``, in units of ε² times ``noise_covariance`` (parameters squared).

    Raises
    ------
    ValueError
        When ``noise_covariance`` is not numeric or not finite.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, where the variances of SGD and SDE are equated. With momentum this is the
    covariance of ω' − ω given ω and v: the same kick, ε² c F = (1 − m) g F ε/N.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.5, batch_size=4, n_examples=8)
    >>> float(update_covariance(2.0, config)), config.noise_scale * 2.0 * 0.5 / 8
    (0.0625, 0.0625)
    """
    return config.kick**2 * batch_gradient_covariance(noise_covariance, config)


def noise_scale(
    learning_rate: ArrayLike,
    batch_size: ArrayLike,
    n_examples: ArrayLike,
    momentum: ArrayLike = 0.0,
    sampling: str = "without_replacement",
) -> Array:
    """Noise scale g = ε N c/(1 − m) from its parts, broadcast over arrays.

    Parameters
    ----------
    learning_rate, batch_size, n_examples, momentum : array_like, shapes that broadcast
        ε > 0, B ≥ 1, N ≥ 2 and m in [0, 1).
    sampling : str
        As in :class:`sgdsde.SGDConfig`.

    Returns
    -------
    ndarray of the broadcast shape, in units of ε.

    Raises
    ------
    ValueError
        When a number is outside its range, or B > N without replacement.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, abstract (g = ε(N/B − 1)) and appendix D (momentum).

    Examples
    --------
    >>> noise_scale(0.1, [1, 4, 64], 64, momentum=0.9)
    array([63., 15.,  0.])
    """
    choice("sampling", sampling, sorted(SAMPLINGS))
    rate, batch = _finite("learning_rate", learning_rate), _finite("batch_size", batch_size)
    examples, m = _finite("n_examples", n_examples), _finite("momentum", momentum)
    _require("learning_rate", rate > 0, learning_rate, "must be positive")
    _require("batch_size", (batch >= 1) & (batch == np.floor(batch)), batch_size, "must be an integer of at least 1")
    _require("n_examples", (examples >= 2) & (examples == np.floor(examples)), n_examples, "must be an integer ≥ 2")
    _require("momentum", (m >= 0) & (m < 1), momentum, "must be in [0, 1)")
    if sampling != "with_replacement":
        _require("batch_size", batch <= examples, batch_size, f"must be at most n_examples when sampling {sampling!r}")
    c: Any = SAMPLINGS[sampling].batch_noise(examples, batch)  # type: ignore[arg-type]  # plain arithmetic, so arrays
    return np.asarray(examples * overdamped(rate, c, m).temperature)


def _finite(name: str, value: ArrayLike) -> Array:
    array = real_array(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {value!r}")
    return array


def _require(name: str, holds: NDArray[np.bool_], value: ArrayLike, what: str) -> None:
    if not np.all(holds):
        raise ValueError(f"{name} {what}, got {value!r}")
