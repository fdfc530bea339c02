"""Stationary law of SGD on linear regression, where the gradient noise grows with the distance from the minimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from sgdsde.arguments import real
from sgdsde.config import SGDConfig
from sgdsde.theory.modes import symmetric

Array = NDArray[np.float64]


def linear_regression_covariance(input_covariance: ArrayLike, label_variance: float, config: SGDConfig) -> Array:
    """Stationary covariance of the weights of a linear regression under SGD on fresh Gaussian examples (N → ∞).

    Parameters
    ----------
    input_covariance : array_like, (P, P) or a number
        A = ⟨x xᵀ⟩ of inputs with mean 0, which is also the Hessian of the mean loss ⟨(wᵀx − y)²⟩/2; positive definite.
    label_variance : float
        σ² ≥ 0, variance of y about its best linear prediction.
    config : SGDConfig
        Gives ε, B and m; N and the sampling play no part, since every example is new.

    Returns
    -------
    ndarray, (P, P), in units of weights squared.

    Raises
    ------
    ValueError
        When a shape or definiteness is wrong, or the learning rate is beyond what is stable with this noise.

    Notes
    -----
    Liu, Ziyin & Ueda, "Noise and Fluctuation of Finite Learning Rate Stochastic Gradient Descent", arXiv 2012.03636:
    Σ = (σ²/B)(1 + κ/B) ε G⁻¹, G = 2(1−m)I − ((1−m)/(1+m) + 1/B) ε A, κ = τ/(1 − τ/B), τ = Tr[ε A G⁻¹].

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=1, n_examples=1000)
    >>> linear_regression_covariance(1.0, 1.0, config)          # scalar: εσ²/(2 − 3ε)
    array([[0.05882353]])
    """
    curvature, vectors = _inputs(input_covariance, config)
    label_variance = real("label_variance", label_variance, 0)
    e, b, m = config.kick, config.batch_size, config.momentum
    g = 2 * (1 - m) - ((1 - m) / (1 + m) + 1 / b) * e * curvature
    tau = float((e * curvature / g).sum()) if (g > 0).all() else np.inf
    if tau >= b:
        raise ValueError(
            f"learning_rate {e} is beyond the stability of linear regression with batch_size {b}, momentum {m} "
            f"and largest input variance {curvature[-1]:.6g}: G must be positive definite and Tr[ε A G⁻¹] < B"
        )
    kappa = tau / (1 - tau / b)
    result: Array = (vectors * (label_variance / b * (1 + kappa / b) * e / g)) @ vectors.T
    return result


def linear_regression_limit(input_covariance: ArrayLike, config: SGDConfig) -> float:
    """The ε at which the variance of the weights of a linear regression has no bound, on fresh Gaussian examples.

    Parameters
    ----------
    input_covariance : array_like, (P, P) or a number
        A, as in :func:`linear_regression_covariance`.
    config : SGDConfig
        Gives B and m; its learning rate plays no part.

    Returns
    -------
    float, in units of the learning rate; many weights pull it far below 2(1 + m)/λ_max.

    Raises
    ------
    ValueError
        As :func:`linear_regression_covariance`.

    Notes
    -----
    Where Tr[ε A G⁻¹] = B: Liu, Ziyin & Ueda, arXiv 2012.03636.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=1, n_examples=1000)
    >>> round(linear_regression_limit(1.0, config), 6)                           # a pole of εσ²/(2 − 3ε)
    0.666667
    """
    curvature, _ = _inputs(input_covariance, config)
    b, m = config.batch_size, config.momentum

    def excess(rate: float) -> float:
        g = 2 * (1 - m) - ((1 - m) / (1 + m) + 1 / b) * rate * curvature
        return float((rate * curvature / g).sum()) - b

    pole = 2 * (1 - m) / (((1 - m) / (1 + m) + 1 / b) * curvature[-1])
    return float(brentq(excess, 0.0, pole * (1 - 1e-12))) / (config.kick / config.learning_rate)


def _inputs(input_covariance: ArrayLike, config: SGDConfig) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors of A."""
    config.require_plain("weight_decay")
    curvature, vectors = np.linalg.eigh(symmetric("input_covariance", input_covariance))
    if curvature[0] <= 0:
        raise ValueError(f"input_covariance must be positive definite; its least eigenvalue is {curvature[0]:.6g}")
    return curvature, vectors
