"""RMSprop and Adam near a minimum of one dimension where noise dominates: their SDEs are linear, with exact laws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from sgdsde.arguments import real, real_array
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]
#: The start of an integration, in memories of the average of gradients, and its tolerances.
FIRST, TOLERANCE, SMALLEST = 1e-6, 1e-9, 1e-14


def adaptive_variance(curvature: float, noise_covariance: float, config: SGDConfig) -> float:
    """Stationary variance of the SDEs of RMSprop and Adam where noise dominates: ε cF/(2h(√(cF) + ϵ)), whatever β.

    Parameters
    ----------
    curvature, noise_covariance : float
        h > 0 and F > 0.
    config : SGDConfig
        Gives ε, c, and ϵ (hyperparameter "eps"); without momentum of RMSprop's own.

    Returns
    -------
    float, in units of parameters squared.

    Raises
    ------
    ValueError
        When h or F is not positive, or the config has momentum or batches of permutations.

    Notes
    -----
    The average of ĝ² is then cF, and ω moves as SGD of the learning rate ε/(√(cF) + ϵ), with momentum β₁ in Adam, on
    which the variance of an SDE does not depend. ε√(cF) = εσ/√B is invariant under the square-root rule B → κB,
    ε → √κ ε, 1 − β → κ(1 − β), ϵ → ϵ/√κ (Malladi, Lyu, Panigrahi & Arora, arXiv 2205.10287). Left out are terms of
    order 1 − β and εh/√(cF).

    Examples
    --------
    >>> config = SGDConfig(0.01, batch_size=4, n_examples=10**6, sampling="with_replacement")
    >>> round(adaptive_variance(1.0, 1.0, config), 6)
    0.0025
    """
    h, variance, rate = _numbers(curvature, noise_covariance, config)
    return rate * variance / (2 * h)


def adam_moments(
    curvature: float, noise_covariance: float, config: SGDConfig, start: float, updates: ArrayLike
) -> tuple[Array, Array]:
    """Mean and variance of ω of Adam's SDE after numbers of updates, where noise dominates.

    Parameters
    ----------
    curvature, noise_covariance, config
        As in :func:`adaptive_variance`, and β₁ (hyperparameter "beta1", by default 0.9).
    start : float
        ω at the start; averages are 0, as Adam's are.
    updates : (k,)
        Positive and increasing; not only whole numbers.

    Returns
    -------
    mean, variance : ndarray, (k,)

    Raises
    ------
    ValueError
        As there, and when updates are not in order.

    Notes
    -----
    dω = −η m/(1 − e^{−ak}) dk, dm = a((hω − m) dk + √(cF) dW), a = 1 − β₁, η = ε/(√(cF) + ϵ): Adam corrects both
    averages for their start, so that v̂ = cF from the start on. The moments' equations are linear, and singular at
    k = 0, where Var ω = 2η²cF k; they are integrated from there to 1e-9.

    Examples
    --------
    >>> config = SGDConfig(0.01, 4, 10**6, sampling="with_replacement", hyperparameters={"beta1": 0.9})
    >>> [values.round(5).tolist() for values in adam_moments(1.0, 1.0, config, 1.0, [10, 1000])]
    [[0.81082, 0.0], [0.00151, 0.0025]]
    """
    h, noise, rate = _numbers(curvature, noise_covariance, config)
    a = 1 - real("beta1", config.hyperparameters.get("beta1", 0.9), 0, below=1)
    at = real_array("updates", updates)
    if at.ndim != 1 or not len(at) or not (np.diff(at, prepend=0.0) > 0).all():
        raise ValueError(f"updates must be positive and increasing, got {updates!r}")
    w0 = real("start", start)

    def speed(k: float, state: Array) -> list[float]:
        w, m, ww, wm, mm = state
        pull = rate / -math.expm1(-a * k)
        return [
            -pull * m, a * (h * w - m),
            -2 * pull * wm, -pull * mm + a * (h * ww - wm), 2 * a * (h * wm - mm) + a * a * noise,
        ]  # fmt: skip

    k = min(FIRST / a, at[0] / 2)
    begin = [w0 * (1 - rate * h * k), a * h * w0 * k, 2 * rate**2 * noise * k, -rate * noise * a * k, a * a * noise * k]
    found = solve_ivp(speed, (k, at[-1]), begin, "DOP853", t_eval=at, rtol=TOLERANCE, atol=SMALLEST)
    return found.y[0], found.y[2]


def _numbers(curvature: float, noise_covariance: float, config: SGDConfig) -> tuple[float, float, float]:
    """h, cF, and ε/(√(cF) + ϵ)."""
    h = real("curvature", curvature, above=0)
    variance = config.batch_noise * real("noise_covariance", noise_covariance, above=0)
    if config.momentum or config.permuted:
        raise ValueError(f"config must have independent batches and no momentum, got {config!r}")
    small = real("eps", config.hyperparameters.get("eps", 1e-8), 0)
    return h, variance, config.learning_rate / (math.sqrt(variance) + small)
