"""What no cumulant tells: laws of SGD in one dimension for the very examples it draws, by characteristic functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.cumulants import stationary_cumulants

Array = NDArray[np.float64]
#: u (…) ↦ E exp(iuξ) (…).
Characteristic = Callable[[ArrayLike], NDArray[np.complex128]]
#: Fourier series end where uσ is this: of a normal law nothing is left at a third of it.
FARTHEST = 24.0
#: Kicks count that are at least this part of the newest.
FADED = 1e-8


def batch_characteristic(gradients: ArrayLike, config: SGDConfig) -> Characteristic:
    """Characteristic function E exp(iuḡ) of the mean gradient ḡ of one batch, in one dimension.

    Parameters
    ----------
    gradients : array_like, (N,)
        The gradient of every example.
    config : SGDConfig
        Gives B, N and the sampling; one batch of ``"reshuffle"`` is one without replacement.

    Returns
    -------
    callable
        From an array u to one of complex numbers of its shape; exact.

    Raises
    ------
    ValueError
        When there are not N finite gradients.

    Notes
    -----
    With replacement the B-th power of one example's. Without, the mean over all batches of Π_i exp(iug_i/B), the
    elementary symmetric polynomial of degree B over C(N, B), example by example.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=2, n_examples=4, sampling="with_replacement")
    >>> law = batch_characteristic([1, 1, -1, -1], config)          # the mean of two signs: cos²(u/2)
    >>> round(float(law(1.0).real), 6), round(math.cos(0.5) ** 2, 6)
    (0.770151, 0.770151)
    """
    g = real_array("gradients", gradients)
    n, b = config.n_examples, config.batch_size
    if g.shape != (n,) or not np.isfinite(g).all():
        raise ValueError(f"gradients must be n_examples = {n} finite numbers, got shape {g.shape}")
    if config.sampling == "with_replacement":
        values, counts = np.unique(g, return_counts=True)
        return lambda u: np.asarray((np.exp(1j * np.multiply.outer(u, values / b)) @ (counts / n)) ** b)

    def without(u: ArrayLike) -> NDArray[np.complex128]:
        at = np.asarray(u)
        means = np.zeros((b + 1, *at.shape), np.complex128)  # over all sets of j of the examples so far
        means[0] = 1.0
        for count, value in enumerate(g, 1):
            chosen = np.arange(1, b + 1).reshape(-1, *(1,) * at.ndim) / count
            means[1:] = (1 - chosen) * means[1:] + chosen * np.exp(1j * at * value / b) * means[:-1]
        return np.asarray(means[b])

    return without


def stationary_tail(curvature: float, gradients: ArrayLike, config: SGDConfig, levels: ArrayLike) -> Array:
    """P(|ω − E ω| > level) of the stationary law of SGD around a quadratic minimum in one dimension, at any ε.

    Parameters
    ----------
    curvature, gradients, config
        As in :func:`~sgdsde.theory.stationary_cumulants`.
    levels : array_like, (n,)
        Positive distances from the mean, in the unit of ω.

    Returns
    -------
    ndarray, (n,)
        Probabilities. Of the SDE, they are those of a normal law.

    Raises
    ------
    ValueError
        As :func:`~sgdsde.theory.stationary_cumulants`, or when the gradients or the levels are not as above.

    Notes
    -----
    ω = −ε Σ_k a_k ḡ_k as there, and its characteristic function is the product of those of the batches: a Fourier
    series whose period holds the law and the levels. Terms are left out from u = 24/σ on, where nothing is left of
    smooth laws; one of few values that are never mixed, such as signs at B = 1 and εh = 1, has steps that this blurs.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=1, n_examples=4, sampling="with_replacement")
    >>> sigma = stationary_cumulants(1.0, [1, 1, -1, -1], config)[1] ** 0.5
    >>> stationary_tail(1.0, [1, 1, -1, -1], config, [2 * sigma, 3 * sigma]).round(4)   # normal: 0.0455, 0.0027
    array([0.0433, 0.0012])
    """
    at = real_array("levels", levels)
    if at.ndim != 1 or not len(at) or not (np.isfinite(at) & (at > 0)).all():
        raise ValueError(f"levels must be positive finite numbers, got {levels!r}")
    deviation = math.sqrt(stationary_cumulants(curvature, gradients, config)[1])
    if not deviation:
        return np.zeros(len(at))
    centred = (g := real_array("gradients", gradients)) - g.mean()
    noise, kicks = batch_characteristic(centred, config), _kicks(curvature + config.weight_decay, config)
    reach = float(np.abs(centred).max() * np.abs(kicks).sum())
    period = reach + float(at.max())
    u = 2 * math.pi / period * np.arange(1.0, math.ceil(FARTHEST / deviation * period / (2 * math.pi)))
    law = np.ones(len(u), np.complex128)
    for weight in kicks:
        law *= noise(u * weight)
    inside = 2 * at / period + 4 / period * (np.sin(np.multiply.outer(at, u)) / u) @ law.real
    return np.asarray(1 - inside)


def _kicks(h: float, config: SGDConfig) -> Array:
    """−ε a_k: what is left in ω of a batch k updates ago."""
    step = np.array([[1 - config.kick * h, config.momentum], [-config.kick * h, config.momentum]])
    state, found = np.ones(2), []
    while np.abs(state).max() > FADED:
        found.append(-config.kick * state[0])
        state = step @ state
    return np.array(found)
