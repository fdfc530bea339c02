"""signSGD near a minimum of one dimension: its mean step, and its stationary variance for small ε."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]


def signsgd_drift(gradient: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Mean step of signSGD without momentum where the noise of a batch is normal: −ε erf(∂L/√(2cF)).

    Parameters
    ----------
    gradient, noise_covariance : array_like, shapes that broadcast
        ∂L, and F > 0 of one example's gradient.
    config : SGDConfig
        Gives ε and c, with which cF is the variance of a batch's mean: √(cF) is σ/√B.

    Returns
    -------
    ndarray, in units of parameters.

    Raises
    ------
    ValueError
        When F is not positive, or the config has momentum, whose steps are signs of averages.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=4, n_examples=10**6, sampling="with_replacement")
    >>> signsgd_drift([0.1, 10.0], 1.0, config).round(4)
    array([-0.0159, -0.1   ])
    """
    spread = batch_spread(noise_covariance, config)
    return np.asarray(-config.learning_rate * erf(real_array("gradient", gradient) / (math.sqrt(2) * spread)))


def signsgd_variance(curvature: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Stationary variance of signSGD for small ε: ε √(π/8) √(cF)/h, whatever its lattice.

    Parameters
    ----------
    curvature, noise_covariance, config
        h > 0, and as for :func:`signsgd_drift`.

    Returns
    -------
    ndarray, in units of parameters squared.

    Raises
    ------
    ValueError
        As there, and when h is not positive.

    Notes
    -----
    The step has the square ε² always, and near the minimum the mean −ε√(2/π) hω/√(cF): ε²/2 over that slope. With
    √(cF) = σ/√B it is invariant under B → κB, ε → √κ ε, and not under ε → κε.

    Examples
    --------
    >>> config = SGDConfig(0.01, batch_size=4, n_examples=10**6, sampling="with_replacement")
    >>> signsgd_variance([1.0, 2.0], 1.0, config).round(6)
    array([0.003133, 0.001567])
    """
    return np.asarray(
        config.learning_rate * math.sqrt(math.pi / 8) * batch_spread(noise_covariance, config) / positive(curvature)
    )


def positive(curvature: ArrayLike) -> Array:
    """h, or a ValueError."""
    h = real_array("curvature", curvature)
    if not ((h > 0) & np.isfinite(h)).all():
        raise ValueError(f"curvature must be positive and finite, got {curvature!r}")
    return h


def batch_spread(noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """√(cF)."""
    f = real_array("noise_covariance", noise_covariance)
    if not ((f > 0) & np.isfinite(f)).all():
        raise ValueError(f"noise_covariance must be positive and finite, got {noise_covariance!r}")
    if config.momentum or config.permuted:
        raise ValueError(f"config must have independent batches and no momentum for a law of signSGD, got {config!r}")
    return np.asarray(np.sqrt(config.batch_noise * f))
