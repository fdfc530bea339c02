"""The evidence as the penalty vanishes: the share of all directions that classify every example, by minimax tilting."""

from __future__ import annotations

import numpy as np
from scipy.optimize import root
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from sgdsde.arguments import integer
from sgdsde.evidence.estimate import EvidenceEstimate, checked_model
from sgdsde.evidence.repetitions import log_mean
from sgdsde.logistic import LogisticRegression
from sgdsde.logistic.checks import Array

REPETITIONS, TRUSTED = 16, 8
#: Inputs count as independent where this part of each is left when those before it are taken out.
INDEPENDENT = 1e-8
HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


def weak_penalty_log_evidence(model: LogisticRegression, *, samples: int = 16_000, seed: int = 0) -> EvidenceEstimate:
    """ln evidence of a binary regression with independent inputs as λ → 0.

    Parameters
    ----------
    model : LogisticRegression
        Binary, N ≤ P, its inputs linearly independent, so that any labels can be fitted.
    samples : int
        A multiple of 16, at least 32.
    seed : int
        Of the samples.

    Returns
    -------
    EvidenceEstimate
        At ``regularization`` 0.

    Raises
    ------
    ValueError
        When the model is a softmax, inputs depend on each other, or an argument is out of range.

    Notes
    -----
    ω = u/√λ with u ~ N(0, I): as λ → 0 the likelihood of an example becomes 1 on its own side of a plane and 0 on the
    other, and the evidence P(z > 0) for z = diag(±1) X u ~ N(0, K). That is not 0, as Laplace's approximation becomes:
    it is the share of all directions that classify every example. It is estimated by sampling one component after the
    other (Geweke, Hajivassiliou & Keane), in the order of Gibson, Glasbey & Elston and tilted by the saddle point of
    Botev (J. R. Stat. Soc. B 79 (2017) 125), so that errors stay small in hundreds of dimensions.

    Examples
    --------
    >>> model = LogisticRegression(np.eye(8), [0, 1, 0, 1, 1, 1, 0, 0])  # every example has a direction of its own
    >>> estimate = weak_penalty_log_evidence(model, samples=32)
    >>> round(float(estimate.log_evidence / np.log(2)), 6)
    -8.0
    """
    if checked_model(model).softmax:
        raise ValueError("model must be binary, with one weight vector, got a softmax")
    integer("samples", samples, 2 * REPETITIONS, multiple=REPETITIONS)
    generator = np.random.default_rng(integer("seed", seed, 0))
    signed = model.inputs * np.where(model.labels == 1, 1.0, -1.0)[:, None]
    rows = _ordered_rows(signed @ signed.T)
    logs = _sampled(rows, _tilt(rows), samples, generator).reshape(REPETITIONS, -1)
    each = logsumexp(logs, axis=1) - np.log(logs.shape[1])
    value, error, size = (float(found[0]) for found in log_mean(each[:, None]))
    return EvidenceEstimate(0.0, value, error, size, size >= TRUSTED, REPETITIONS - 1, "minimax tilting")


def _ordered_rows(covariance: Array) -> Array:
    """Rows of the Cholesky factor over its diagonal, less 1: the least likely component first.

    z_k/L_kk = e_k + Σ_{j<k} rows_kj e_j with e ~ N(0, I).
    """
    left, n = covariance.copy(), len(covariance)
    factor, means = np.zeros_like(left), np.zeros(n)
    for j in range(n):
        spread = np.diagonal(left)[j:] - np.square(factor[j:, :j]).sum(axis=1)
        if not (spread > INDEPENDENT * np.diagonal(left)[j:]).all():
            raise ValueError(f"model must have linearly independent inputs, got {n} of rank {j} in {n} examples")
        k = j + int(np.argmin(log_ndtr(factor[j:, :j] @ means[:j] / np.sqrt(spread))))
        left[[j, k]], factor[[j, k]] = left[[k, j]], factor[[k, j]]
        left[:, [j, k]] = left[:, [k, j]]
        factor[j, j] = np.sqrt(spread[k - j])
        factor[j + 1 :, j] = (left[j + 1 :, j] - factor[j + 1 :, :j] @ factor[j, :j]) / factor[j, j]
        means[j] = _hazard(-factor[j, :j] @ means[:j] / factor[j, j])
    return np.asarray(np.tril(factor, -1) / np.diagonal(factor)[:, None])


def _hazard(x: Array) -> Array:
    """Density of N(0, 1) over its upper tail: the mean of what is above x."""
    return np.asarray(np.exp(-(x**2) / 2 - HALF_LOG_TAU - log_ndtr(-x)))


def _tilt(rows: Array) -> Array:
    """Botev's μ: where ψ(x, μ) = Σ μ_k²/2 − x_k μ_k + ln Φ(μ_k + (rows x)_k) is stationary in both."""
    n = len(rows)

    def gradient(at: Array) -> Array:
        x, mu = np.split(at, 2)
        hazard = _hazard(-(rows @ x) - mu)
        return np.concatenate([rows.T @ hazard - mu, mu - x + hazard])

    def jacobian(at: Array) -> Array:
        x, mu = np.split(at, 2)
        edge = -(rows @ x) - mu
        hazard = _hazard(edge)
        slope = hazard * (hazard - edge)
        return np.block(
            [
                [-(rows.T * slope) @ rows, -np.eye(n) - rows.T * slope],
                [-np.eye(n) - slope[:, None] * rows, np.diag(1 - slope)],
            ]
        )

    found = root(gradient, np.zeros(2 * n), jac=jacobian, tol=1e-10)
    # Any tilt leaves the estimate unbiased; away from the saddle point it only scatters more, and says so.
    return np.asarray(found.x[n:])


def _sampled(rows: Array, tilt: Array, samples: int, generator: np.random.Generator) -> Array:
    """Ln of unbiased estimates of the probability, (samples,)."""
    drawn, logs = np.zeros((samples, len(rows))), np.zeros(samples)
    for k, mu in enumerate(tilt.tolist()):
        edge = -(drawn[:, :k] @ rows[k, :k]) - mu
        tail = log_ndtr(-edge)
        drawn[:, k] = mu - ndtri_exp(np.log(1 - generator.random(samples)) + tail)
        logs += tail + mu**2 / 2 - mu * drawn[:, k]
    return logs
