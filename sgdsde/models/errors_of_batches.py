"""How far the gradients of batches are from that of all examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.config import SGDConfig
from sgdsde.dynamics.sampling import batch_indices

#: Indices of examples whose gradients are held at once.
TOGETHER = 100_000


def batch_errors(gradients: ArrayLike, config: SGDConfig, batches: int, seed: int) -> NDArray[np.float64]:
    """α = (N/B) Σ_batch g_i − Σ_all g_i of many batches, from the gradients of all examples.

    Parameters
    ----------
    gradients : array_like, (N, k)
        g_i of each example: along a few directions of weight space, as ``projections`` of
        :func:`sgdsde.models.per_example_projections`, or whole.
    config : SGDConfig
        Its N, B and sampling.
    batches : int
        How many are drawn; with ``"reshuffle"`` as many as whole epochs hold.
    seed : int
        Of :func:`sgdsde.models.batch_indices`.

    Returns
    -------
    ndarray, (samples, batches of a sample, k), in units of the gradients
        Samples are independent: single batches, or with ``"reshuffle"`` epochs, whose batches are not.

    Raises
    ------
    ValueError
        When the gradients are not of N examples; there is not one whole sample; the sampling is ``"shuffle_once"``,
        whose epochs are all alike; or as :func:`sgdsde.models.batch_indices`.

    Notes
    -----
    ⟨ααᵀ⟩ = N(N/B − 1)F without replacement: Smith & Le, arXiv 1710.06451, between eqs 3 and 4.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=2, n_examples=6, sampling="reshuffle")
    >>> errors = batch_errors([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]], config, batches=30, seed=0)
    >>> errors.shape, float(abs(errors.sum(axis=1)).max())                  # an epoch holds every example once
    ((10, 3, 1), 0.0)
    """
    rows = real_array("gradients", gradients)
    if rows.ndim != 2 or len(rows) != config.n_examples or not np.isfinite(rows).all():
        raise ValueError(
            f"gradients must be finite numbers of shape (N, k), N = {config.n_examples} as in config, "
            f"got the shape {rows.shape}"
        )
    if config.repeated:
        raise ValueError("sampling must not be 'shuffle_once': its epochs are all the same batches")
    together = config.n_examples // config.batch_size if config.permuted else 1
    indices = batch_indices(config, integer("batches", batches, together) // together * together, seed)
    centred = rows - rows.mean(axis=0)
    pieces = np.array_split(indices, max(1, indices.size // TOGETHER))
    sums = np.concatenate([centred[piece].sum(axis=1) for piece in pieces])
    return (sums * config.n_examples / config.batch_size).reshape(-1, together, centred.shape[1])
