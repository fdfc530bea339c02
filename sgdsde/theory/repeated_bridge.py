"""One permutation for all epochs: the SDE that one Brownian bridge drives over and over (docs/theory.md, §3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]

#: Below this hS the closed form would cancel, and its series is exact to rounding.
SHORT = 0.1


def repeated_bridge_variance(curvature: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig) -> Array:
    """Variance in one dimension of dω = −hω ds + √(T F) dX where X is one Brownian bridge, the same in every epoch.

    Parameters
    ----------
    curvature : array_like
        h > 0.
    noise_covariance : array_like, shape that broadcasts
        F ≥ 0 of one example's gradient, divisor N − 1.
    config : SGDConfig
        With sampling ``"shuffle_once"``, of which this is the SDE: T = ε/(B(1 − m)), and epochs of S = Nε/(B(1 − m)).

    Returns
    -------
    ndarray of the broadcast shape, in units of parameters squared: over bridges, at every time alike.

    Raises
    ------
    ValueError
        When h ≤ 0, F < 0, the sampling is another, or an epoch ends in a smaller batch or none in its place.

    Notes
    -----
    Each path ends on an orbit with the period S. White noise of that period has all frequencies 2πk/S alike, and a
    bridge is that without k = 0, so that the variance is (T F/S) Σ_{k≠0} 1/(h² + (2πk/S)²): that is
    T F [coth(hS/2)/(2h) − 1/(h²S)], the Brownian one where epochs are long and T F S/12 where they are short, half of
    what new bridges have then. The SDE of Perko, arXiv 2512.04703, with a single shuffle; SGD's own law is
    :func:`stationary_variance` with ``"sgd"``.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=4, n_examples=64, sampling="shuffle_once")
    >>> repeated_bridge_variance([1.0, 0.01], 1.0, config).round(6)
    array([0.003199, 0.003333])
    """
    if not config.repeated:
        raise ValueError(f"config must have the sampling 'shuffle_once', got {config.sampling!r}")
    config.require_whole_epochs()
    config.require_equal_batches()
    h, f = real_array("curvature", curvature), real_array("noise_covariance", noise_covariance)
    if not (np.isfinite(h).all() and (h > 0).all()):
        raise ValueError(f"curvature must be positive and finite, got {curvature!r}")
    if not (np.isfinite(f).all() and (f >= 0).all()):
        raise ValueError(f"noise_covariance must be at least 0 and finite, got {noise_covariance!r}")
    clock = overdamped(config.kick, 1 / config.batch_size, config.momentum)
    epoch = clock.update * (config.n_examples // config.batch_size)
    x = (h + config.weight_decay) * epoch
    long = np.maximum(x, SHORT)
    closed = (long / np.tanh(long / 2) - 2) / (2 * long**2)
    series = 1 / 12 - x**2 / 720 + x**4 / 30240 - x**6 / 1209600
    return np.asarray(clock.temperature * epoch * f * np.where(x < SHORT, series, closed))
