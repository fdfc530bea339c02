"""Repetitions of sequential Monte Carlo: which particles go on, and what the repetitions together say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Array = NDArray[np.float64]


def resampled(weights: Array, generator: np.random.Generator) -> NDArray[np.intp]:
    """Systematic resampling in each row of ln weights (R, m): which of its m columns go on, (R, m)."""
    share = np.exp(weights - logsumexp(weights, axis=1, keepdims=True))
    m = weights.shape[1]
    places = (np.arange(m) + generator.random((len(weights), 1))) / m
    edges = np.cumsum(share, axis=1)
    # Rounding can leave the last edge below 1.
    return np.stack([np.minimum(np.searchsorted(e, p), m - 1) for e, p in zip(edges, places, strict=True)])


def log_mean(logs: Array) -> tuple[Array, Array, Array]:
    """Ln of the mean of e^logs over repetitions, with its error.

    Parameters
    ----------
    logs : ndarray, (R, L)
        Ln of an unbiased estimate from each repetition.

    Returns
    -------
    value, error, size : ndarray, (L,)
        By the jackknife, which takes off the bias of the ln to order 1/R; and (Σ e^l)²/Σ e^2l, from 1 to R: how many
        repetitions count.

    Examples
    --------
    >>> value, error, size = log_mean(np.log([[1.0], [2.0], [3.0]]))
    >>> value.round(3), error.round(3), size.round(3)
    (array([0.736]), array([0.296]), array([2.571]))
    """
    r = len(logs)
    whole = logsumexp(logs, axis=0) - np.log(r)
    left = np.array([logsumexp(np.delete(logs, k, axis=0), axis=0) - np.log(r - 1) for k in range(r)])
    value = r * whole - (r - 1) * left.mean(axis=0)
    error = np.sqrt((r - 1) * left.var(axis=0))
    return value, error, np.exp(2 * logsumexp(logs, axis=0) - logsumexp(2 * logs, axis=0))
