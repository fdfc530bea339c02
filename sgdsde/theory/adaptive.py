"""RMSprop and Adam near a minimum of one dimension where noise dominates: their SDEs are linear, with exact laws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from sgdsde.arguments import choice, real, real_array
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]
#: The start of an integration, in memories of the average of gradients, and its tolerances.
FIRST, TOLERANCE, SMALLEST = 1e-6, 1e-9, 1e-14
#: Rounds of a variance and the v̂ that it makes.
SUMS = 50


def adaptive_variance(curvature: float, noise_covariance: float, config: SGDConfig, dynamics: str = "sde") -> float:
    """Stationary variance of RMSprop and Adam where noise dominates: of their SDEs ε cF/(2h(√(cF) + ϵ)), whatever β.

    Parameters
    ----------
    curvature, noise_covariance : float
        h > 0 and F > 0.
    config : SGDConfig
        Gives ε, c, ϵ and β₁ (hyperparameters "eps" and "beta1"); without momentum of RMSprop's own.
    dynamics : str
        ``"sde"``, the law of ε → 0; ``"rmsprop"`` or ``"adam"``, at this ε, with v̂ held at its mean, cF + h² Var ω.

    Returns
    -------
    float, in units of parameters squared.

    Raises
    ------
    ValueError
        When h or F is not positive, the config has momentum or batches of permutations, or ε is not stable.

    Notes
    -----
    The average of ĝ² is then cF, and ω moves as SGD of the learning rate η = ε/(√(cF) + ϵ), in Adam with momentum β₁
    dampened by as much: at finite ε the law of docs/theory.md §3, larger by 1/(1 − ηh(1 − β₁)/(2(1 + β₁))). ε√(cF) =
    εσ/√B is invariant under the square-root rule B → κB, ε → √κ ε, 1 − β → κ(1 − β), ϵ → ϵ/√κ (Malladi, Lyu, Panigrahi
    & Arora, arXiv 2205.10287). Left out are terms of order 1 − β₂, from the scatter of v̂.

    Examples
    --------
    >>> config = SGDConfig(0.01, batch_size=4, n_examples=10**6, sampling="with_replacement")
    >>> [round(adaptive_variance(1.0, 1.0, config, name), 6) for name in ("sde", "rmsprop")]
    [0.0025, 0.002513]
    """
    h, noise, rate = _numbers(curvature, noise_covariance, config)
    if choice("dynamics", dynamics, ("sde", "rmsprop", "adam")) == "sde":
        return rate * noise / (2 * h)
    kept, small, found = _beta1(config) if dynamics == "adam" else 0.0, _small(config), 0.0
    for _ in range(SUMS):  # a contraction: v̂ is only little larger for it
        rate = config.learning_rate / (math.sqrt(noise + h * h * found) + small)
        left = 1 - rate * h * (1 - kept) / (2 * (1 + kept))
        if left <= 0:
            raise ValueError(f"learning_rate must be stable for {dynamics!r}, got {config.learning_rate!r}")
        found = rate * noise / (2 * h * left)
    return found


def adam_moments(
    curvature: float, noise_covariance: float, config: SGDConfig, start: float, updates: ArrayLike, *, cold: bool = True
) -> tuple[Array, Array]:
    """Mean and variance of ω of Adam's SDE after numbers of updates, where noise dominates.

    Parameters
    ----------
    curvature, noise_covariance, config
        As in :func:`adaptive_variance`, and β₁ (hyperparameter "beta1", by default 0.9).
    start : float
        ω at the start.
    updates : (k,)
        Positive and increasing; not only whole numbers.
    cold : bool
        Whether both averages start at 0 and are corrected for it, as Adam's are; else at their means, h·start and cF.

    Returns
    -------
    mean, variance : ndarray, (k,)

    Raises
    ------
    ValueError
        As there, and when updates are not in order.

    Notes
    -----
    dω = −η m/(1 − e^{−ak}) dk, dm = a((hω − m) dk + √(cF) dW), a = 1 − β₁, η = ε/(√(cF) + ϵ): v̂ is cF from the start
    on. The moments' equations are linear, and singular at a cold start, where Var ω = 2η²cF k; they are integrated from
    there to 1e-9. There Adam is not close to its SDE before many updates: its first v̂ are of few gradients, the first
    of one, which makes it a step of signSGD.

    Examples
    --------
    >>> config = SGDConfig(0.01, 4, 10**6, sampling="with_replacement", hyperparameters={"beta1": 0.9})
    >>> [values.round(5).tolist() for values in adam_moments(1.0, 1.0, config, 1.0, [10, 1000])]
    [[0.81082, 0.0], [0.00151, 0.0025]]
    """
    h, noise, rate = _numbers(curvature, noise_covariance, config)
    a = 1 - _beta1(config)
    at = real_array("updates", updates)
    if at.ndim != 1 or not len(at) or not (np.diff(at, prepend=0.0) > 0).all():
        raise ValueError(f"updates must be positive and increasing, got {updates!r}")
    w0 = real("start", start)

    def speed(k: float, state: Array) -> list[float]:
        w, m, ww, wm, mm = state
        pull = rate / -math.expm1(-a * k) if cold else rate
        return [
            -pull * m, a * (h * w - m),
            -2 * pull * wm, -pull * mm + a * (h * ww - wm), 2 * a * (h * wm - mm) + a * a * noise,
        ]  # fmt: skip

    k, begin = 0.0, [w0, h * w0, 0.0, 0.0, 0.0]
    if cold:
        k, ak = min(FIRST / a, at[0] / 2), min(FIRST, a * at[0] / 2)
        begin = [w0 * (1 - rate * h * k), h * w0 * ak, 2 * rate**2 * noise * k, -rate * noise * ak, a * noise * ak]
    found = solve_ivp(speed, (k, at[-1]), begin, "DOP853", t_eval=at, rtol=TOLERANCE, atol=SMALLEST)
    return found.y[0], found.y[2]


def _numbers(curvature: float, noise_covariance: float, config: SGDConfig) -> tuple[float, float, float]:
    """h, cF, and ε/(√(cF) + ϵ)."""
    h = real("curvature", curvature, above=0)
    variance = config.batch_noise * real("noise_covariance", noise_covariance, above=0)
    if config.momentum or config.permuted:
        raise ValueError(f"config must have independent batches and no momentum, got {config!r}")
    return h, variance, config.learning_rate / (math.sqrt(variance) + _small(config))


def _beta1(config: SGDConfig) -> float:
    return real("beta1", config.hyperparameters.get("beta1", 0.9), 0, below=1)


def _small(config: SGDConfig) -> float:
    return real("eps", config.hyperparameters.get("eps", 1e-8), 0)
