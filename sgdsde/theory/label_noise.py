"""Label noise on a regression with weights β = u∘u − v∘v: how fast it shrinks u∘v."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real, real_array
from sgdsde.config import SGDConfig

Array = NDArray[np.float64]
#: Sums of the residuals' second moments at most, the relative change that ends them, and in σ² what is without end.
SUMS, CONVERGED, ENDLESS = 1000, 1e-12, 1e12


def label_noise_decay(
    inputs: ArrayLike, squares: ArrayLike, sigma: float, config: SGDConfig, *, residuals: bool = True
) -> Array:
    """By how much ln(u_j v_j) falls in an update of SGD on mean (Zβ − y − σζ)², with labels of new noise each.

    Parameters
    ----------
    inputs : (n, d)
        Z.
    squares : (d,)
        u∘u + v∘v.
    sigma : float
        Standard deviation σ of the noise of a label.
    config : SGDConfig
        ε, B, N = n; without momentum, with independent batches.
    residuals : bool
        Whether the residuals that label noise leaves count, in their stationary law at these u and v; without them it
        is the law of ε → 0, 16 ε²σ² mean_i z_ij²/B.

    Returns
    -------
    ndarray, (d,)

    Raises
    ------
    ValueError
        When shapes do not fit, the config has momentum, permutations or another N, or residuals would grow without end.

    Notes
    -----
    An update multiplies u by 1 − εp and v by 1 + εp, p_j = (4/B) Σ (r_i − σζ_i) z_ij over the batch, so that uv falls
    by 1 − ε²p² exactly, and its logarithm by q + 3q²/2 + …, q = ε²E p². The law of ε → 0 is the drift −(Tσ²/2)∇Tr H
    along the valley, for these gradients have F = 2σ²H (Li, Wang & Arora, arXiv 2110.06914).

    Examples
    --------
    >>> config = SGDConfig(0.01, batch_size=1, n_examples=2)
    >>> label_noise_decay([[1.0, 2.0], [1.0, 0.0]], [1.0, 1.0], 0.5, config, residuals=False).round(6)
    array([0.0004, 0.0008])
    """
    z, sq = real_array("inputs", inputs), real_array("squares", squares)
    if z.ndim != 2 or sq.shape != z.shape[1:]:
        raise ValueError(f"squares must have shape (d,) for inputs (n, d), got {sq.shape} and {z.shape}")
    check_config(config, len(z))
    moment = residual_moments(z, sq, real("sigma", sigma, above=0), config) if residuals else np.zeros((len(z),) * 2)
    q = 16 * config.learning_rate**2 * np.einsum("ij,ik,kj->j", z, _of_batch(moment, sigma, config), z)
    return np.asarray(q + 1.5 * q**2 if residuals else q)


def check_config(config: SGDConfig, n: int) -> None:
    """ValueError for a config that the theory of label noise is not for."""
    if config.n_examples != n or config.momentum or config.permuted or config.weight_decay:
        raise ValueError(
            f"config must have N = {n}, independent batches, no momentum and no weight decay, got {config!r}"
        )


def kernel(z: Array, squares: Array) -> Array:
    """∇f_i · ∇f_k."""
    return 4 * (z * squares) @ z.T


def _of_batch(moment: Array, sigma: float, config: SGDConfig) -> Array:
    """E of the residuals of a batch with label noise, times each other, over B²: (n, n), 0 outside the batch."""
    n, b, fresh = len(moment), config.batch_size, config.sampling == "with_replacement"
    alone, pairs = 1 / (b * n), (b - 1) / (b * n * (n if fresh else max(n - 1, 1)))
    own = np.diag(moment) * (alone if fresh else alone - pairs) + sigma**2 * alone
    return pairs * moment + np.diag(own)


def residual_moments(z: Array, squares: Array, sigma: float, config: SGDConfig) -> Array:
    """Stationary E r rᵀ of the residuals at fixed gradients: r ← r − 2ε K (those of a batch with label noise)/B."""
    n, rate = len(z), config.learning_rate
    curvature, basis = np.linalg.eigh(kernel(z, squares))
    share = 2 * rate * n * np.outer(curvature, curvature) / (curvature[:, None] + curvature)
    moment = np.zeros((n, n))
    for _ in range(SUMS):
        before, kicks = moment, basis.T @ _of_batch(moment, sigma, config) @ basis
        moment = basis @ (share * kicks) @ basis.T
        change, size = np.abs(moment - before).max(), np.abs(moment).max()
        if change <= CONVERGED * size:
            return np.asarray(moment, np.float64)
        if size > ENDLESS * sigma**2:
            break
    raise ValueError(f"learning_rate must be smaller for residuals that stay finite, got {rate!r}")
