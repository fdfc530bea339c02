"""Cumulants beyond the variance: how far from normal the stationary law of SGD is, by the examples it draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import check_stable

Array = NDArray[np.float64]


def batch_cumulants(gradients: ArrayLike, config: SGDConfig) -> Array:
    """First four cumulants of the mean gradient of one batch, in one dimension.

    Parameters
    ----------
    gradients : array_like, (N,)
        The gradient of every example.
    config : SGDConfig
        Gives B, N and the sampling; one batch of ``"reshuffle"`` is one without replacement.

    Returns
    -------
    ndarray, (4,)
        Mean, variance, third and fourth cumulant; exact.

    Raises
    ------
    ValueError
        When there are not N finite gradients.

    Notes
    -----
    With replacement κ_r = κ_r(one example)/B^(r−1). Without, moments of sums over a simple random sample: the chance
    that j given examples are all in it is B(B−1)…(B−j+1)/(N(N−1)…(N−j+1)) (Sukhatme 1938, for the symmetric sums).

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=2, n_examples=4, sampling="with_replacement")
    >>> batch_cumulants([1, 1, -1, -1], config)            # of a sign the fourth is −2
    array([ 0.  ,  0.5 ,  0.  , -0.25])
    """
    g = real_array("gradients", gradients)
    n, b = config.n_examples, config.batch_size
    if g.shape != (n,) or not np.isfinite(g).all():
        raise ValueError(f"gradients must be n_examples = {n} finite numbers, got shape {g.shape}")
    mean = g.mean()
    s2, s3, s4 = (float(((g - mean) ** power).sum()) for power in (2, 3, 4))
    if config.sampling == "with_replacement":
        second = s2 / n
        return np.array([mean, second / b, s3 / n / b**2, (s4 / n - 3 * second**2) / b**3])
    p1, p2, p3, p4 = np.cumprod([(b - j) / (n - j) if n > j else 0.0 for j in range(4)])
    second = (p1 - p2) * s2 / b**2
    third = (p1 - 3 * p2 + 2 * p3) * s3 / b**3
    fourth = ((p1 - 7 * p2 + 12 * p3 - 6 * p4) * s4 + 3 * (p2 - 2 * p3 + p4) * s2**2) / b**4
    return np.array([mean, second, third, fourth - 3 * second**2])


def stationary_cumulants(curvature: float, gradients: ArrayLike, config: SGDConfig) -> Array:
    """First four cumulants of the stationary law of SGD around a quadratic minimum in one dimension, at any ε.

    Parameters
    ----------
    curvature : float
        h > 0 of the mean loss.
    gradients : array_like, (N,)
        Gradient of every example at the minimum; example i has the loss hω²/2 + g_i ω.
    config : SGDConfig
        Gives ε, B, N, m and the sampling, whose batches must be independent.

    Returns
    -------
    ndarray, (4,)
        Mean, variance, third and fourth cumulant of ω. The SDE has the last two zero.

    Raises
    ------
    ValueError
        When h is not positive, ε is not below the stability limit, batches are those of permutations, or the gradients
        are not N finite numbers.

    Notes
    -----
    ω = −ε Σ_k a_k ḡ_k with a_k = (M^k b)_ω, M = [[1−εh, m], [−εh, m]], b = (1, 1), so κ_r(ω) = (−ε)^r κ_r(ḡ) Σ_k a_k^r,
    and Σ_k (M^k b)^{⊗r} = (I − M^{⊗r})⁻¹ b^{⊗r}. Without momentum Σ_k a_k^r = 1/(1 − (1−εh)^r): the excess kurtosis
    is about εh/B times that of the examples.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=1, n_examples=4, sampling="with_replacement")
    >>> _, second, _, fourth = stationary_cumulants(1.0, [1, 1, -1, -1], config)
    >>> float(round(fourth / second**2, 4))                 # excess kurtosis
    -0.2099
    """
    h = float(curvature) + config.weight_decay
    if not (np.isfinite(h) and h > 0):
        raise ValueError(f"curvature must be positive and finite, got {curvature!r}")
    if config.permuted:
        raise ValueError(f"sampling must not be {config.sampling!r}: the batches of an epoch are not independent")
    check_stable(h, config)
    p, m = config.kick * h, config.momentum
    step, kick = np.array([[1 - p, m], [-p, m]]), np.ones(2)
    powers: Array = np.eye(1)
    kicks: Array = np.ones(1)
    sums = []
    for _ in range(4):
        powers, kicks = np.asarray(np.kron(powers, step)), np.asarray(np.kron(kicks, kick))
        sums.append(np.linalg.solve(np.eye(len(kicks)) - powers, kicks)[0])
    return np.asarray(batch_cumulants(gradients, config) * np.array(sums) * (-config.kick) ** np.arange(1, 5))
