"""Constant-rate SGD as a sampler of the posterior: how far it is from it, and the learning rate that is nearest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, integer
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import modes_of, symmetric
from sgdsde.theory.stationary import stability_limit, stationary_covariance

Array = NDArray[np.float64]

#: The exact optimum is looked for between this fraction of the closed form, or of the limit, and the stability limit.
LOWEST = 1e-6
GOLDEN = (np.sqrt(5) - 1) / 2
#: Relative width at which the search ends; the minimum is flat, so that rounding hides anything finer.
WIDTH = 1e-8


def posterior_divergence(hessian: ArrayLike, stationary: ArrayLike, n_examples: int) -> float:
    """Divergence KL(q‖p) of q = N(ω*, S) from the posterior p = N(ω*, (N H)⁻¹) ∝ exp(−N L).

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss L (with the prior's share, if there is one), positive definite.
    stationary : array_like, (P, P) or a number
        S of the weights: a stationary law, or a measured covariance; positive definite.
    n_examples : int
        N.

    Returns
    -------
    float, in nats.

    Raises
    ------
    ValueError
        When a matrix is not positive definite or the shapes differ.

    Notes
    -----
    KL = ½[N Tr(H S) − P − ln det(N H S)]. A loss whose unit is not the log-likelihood of an example (squared errors
    with σ² ≠ 1) is to be divided by that unit first.

    Examples
    --------
    >>> round(posterior_divergence([[2.0, 0.0], [0.0, 1.0]], [[0.005, 0.0], [0.0, 0.02]], 100), 6)
    0.153426
    """
    h, s = _definite("hessian", hessian), _definite("stationary", stationary)
    if h.shape != s.shape:
        raise ValueError(f"stationary must have the shape {h.shape} of hessian, got {s.shape}")
    n_examples = integer("n_examples", n_examples, 1)
    factor = np.linalg.cholesky(h)
    ratios = n_examples * np.linalg.eigvalsh(factor.T @ s @ factor)
    if not (ratios > 0).all():
        raise ValueError("stationary must be positive definite beyond rounding")
    return float((ratios - 1 - np.log(ratios)).sum() / 2)


def optimal_learning_rate(
    hessian: ArrayLike, noise_covariance: ArrayLike, config: SGDConfig, dynamics: str = "sde"
) -> float:
    """Constant learning rate whose stationary law is nearest to the posterior exp(−N L), in KL(q‖p).

    Parameters
    ----------
    hessian : array_like, (P, P) or a number
        H of the mean loss, positive definite.
    noise_covariance : array_like, (P, P) or a number
        F of one example's gradient, divisor N − 1, positive definite.
    config : SGDConfig
        Gives B, N, m and the sampling; its learning rate plays no part.
    dynamics : str
        ``"sde"``: closed form for independent batches; ``"sgd"``, and the epoched SDE of reshuffled batches: the
        minimiser for the exact law, found numerically to 1e-6 or better.

    Returns
    -------
    float, in units of the learning rate. For the SDE it can lie beyond the stability limit of SGD.

    Raises
    ------
    ValueError
        When a matrix is not positive definite, the shapes differ, the dynamics is unknown or batches have no noise.

    Notes
    -----
    Mandt, Hoffman & Blei, arXiv 1704.04289: ε* = 2 (B/N)(P/Tr F). The trace of H S + S H = T F is 2 Tr(H S) = T Tr F,
    and S = T S₁ with S₁ independent of ε, so that KL(ε) = N T Tr F/4 − (P/2) ln T + const with T = ε c/(1 − m), whose
    minimum is where N T Tr F = 2P:

        ε* = 2P(1 − m)/(N c Tr F).

    Theirs has c = 1/B, batches with replacement up to 1/N, and m = 0; without replacement ε* is larger by N/(N − B).
    Without momentum SGD's own law is broader than the SDE's, and its optimum smaller; with reshuffling it is narrower,
    and the optimum larger, often by a factor of two.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=8, n_examples=200)
    >>> h = np.diag([1.0, 0.5])
    >>> [round(optimal_learning_rate(h, h, config, name), 6) for name in ("sde", "sgd")]
    [0.111111, 0.105697]
    """
    choice("dynamics", dynamics, ("sde", "sgd"))
    config.require_plain("dampening", "weight_decay")
    _definite("hessian", hessian)
    f = _definite("noise_covariance", noise_covariance)
    modes_of(hessian, noise_covariance, config)  # refuses what does not fit
    _noisy(config)
    closed = 2 * len(f) * (1 - config.momentum) / (config.n_examples * config.batch_noise * float(f.trace()))
    if dynamics == "sde" and not config.permuted:
        return closed

    def divergence(log_rate: float) -> float:
        here = replace(config, learning_rate=float(np.exp(log_rate)))
        law = stationary_covariance(hessian, noise_covariance, here, dynamics=dynamics)
        return posterior_divergence(hessian, law, config.n_examples)

    if dynamics == "sgd":
        limit = stability_limit(hessian, config) * (1 - 1e-9)
    else:  # what of T ∝ ε is right for Brownian motion is more than enough
        limit = closed
        while divergence(np.log(2 * limit)) < divergence(np.log(limit)):
            limit *= 2
        limit *= 2
    return float(np.exp(_golden(divergence, np.log(min(closed, limit) * LOWEST), np.log(limit))))


def optimal_preconditioner(noise_covariance: ArrayLike, config: SGDConfig, *, diagonal: bool = False) -> Array:
    """Matrix K for which ω ← ω − K ĝ samples the posterior exp(−N L), as far as its SDE can.

    Parameters
    ----------
    noise_covariance : array_like, (P, P) or a number
        F of one example's gradient, divisor N − 1, positive definite.
    config : SGDConfig
        Gives N, c and m; its learning rate plays no part, K holds it.
    diagonal : bool
        Only the diagonal of F is used.

    Returns
    -------
    ndarray, (P, P), symmetric, in units of the learning rate.

    Raises
    ------
    ValueError
        When the covariance is not positive definite or batches have no noise.

    Notes
    -----
    With K the stationary law solves K H S + S H K = c K F K/(1 − m). S = (N H)⁻¹ makes the left side 2K/N, so that
    K = 2(1 − m)/(N c) F⁻¹ samples the posterior exactly, whatever H is. Mandt, Hoffman & Blei, arXiv 1704.04289, have
    K = 2 (B/N) (B Bᵀ)⁻¹, which is this with F = B Bᵀ, c = 1/B and m = 0. The diagonal K_ii = 2(1 − m)/(N c F_ii) is
    exact where H and F are diagonal, and a good guess otherwise.

    Examples
    --------
    >>> optimal_preconditioner(np.diag([1.0, 0.5]), SGDConfig(0.1, 8, 200, sampling="with_replacement")).round(4)
    array([[0.0804, 0.    ],
           [0.    , 0.1608]])
    """
    f = _definite("noise_covariance", noise_covariance)
    _noisy(config)
    inverse = np.diag(1 / np.diagonal(f)) if diagonal else np.linalg.inv(f)
    result: Array = (1 - config.momentum) / (config.n_examples * config.batch_noise) * (inverse + inverse.T)
    return result


def _noisy(config: SGDConfig) -> None:
    if not config.batch_noise > 0:
        raise ValueError(
            f"batch_size must be below n_examples = {config.n_examples} for batches to have noise, "
            f"got {config.batch_size}"
        )


def _definite(name: str, value: ArrayLike) -> Array:
    matrix = symmetric(name, value)
    least = float(np.linalg.eigvalsh(matrix)[0])
    if not least > 0:
        raise ValueError(f"{name} must be positive definite, its least eigenvalue is {least:.6g}")
    return matrix


def _golden(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum between `low` and `high` is least (Kiefer 1953)."""
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    values = [function(x) for x in inner]
    while high - low > WIDTH:
        if values[0] < values[1]:
            high, inner = inner[1], [inner[1] - GOLDEN * (inner[1] - low), inner[0]]
            values = [function(inner[0]), values[0]]
        else:
            low, inner = inner[0], [inner[1], inner[0] + GOLDEN * (high - inner[0])]
            values = [values[1], function(inner[1])]
    return (low + high) / 2
