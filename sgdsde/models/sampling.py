"""Which examples are in which batch: the three true samplings, for training and for claims about gradient noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig

Batches = Iterator[NDArray[np.int64]]


def with_replacement(n: int, b: int, generator: np.random.Generator) -> Batches:
    """Every example of every batch drawn afresh from all N."""
    while True:
        yield generator.integers(n, size=b)


def without_replacement(n: int, b: int, generator: np.random.Generator) -> Batches:
    """Every batch drawn afresh from all N, without repeats inside it."""
    while True:
        yield generator.choice(n, b, replace=False, shuffle=False)  # the order inside a batch has no effect


def reshuffle(n: int, b: int, generator: np.random.Generator) -> Batches:
    """One permutation of all N per epoch, cut into N/B batches."""
    while True:
        yield from generator.permutation(n).reshape(n // b, b)


SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Batches]] = {
    "with_replacement": with_replacement,
    "without_replacement": without_replacement,
    "reshuffle": reshuffle,
}


def batches(config: SGDConfig, generator: np.random.Generator) -> Batches:
    """An endless stream of batches, each an index array of shape (B,), drawn from `generator` alone.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=2, n_examples=6, sampling="reshuffle")
    >>> stream = batches(config, np.random.default_rng(0))
    >>> sorted(int(i) for _ in range(3) for i in next(stream))       # one epoch
    [0, 1, 2, 3, 4, 5]
    """
    return SAMPLERS[config.sampling](config.n_examples, config.batch_size, generator)


def batch_indices(config: SGDConfig, updates: int, seed: int) -> NDArray[np.int64]:
    """The batches of `updates` successive updates.

    Parameters
    ----------
    config : SGDConfig
        Its N, B and sampling.
    updates : int
        How many batches, ≥ 1.
    seed : int
        Of ``numpy.random.default_rng``.

    Returns
    -------
    array of int64, shape (updates, B)
        Indices of examples, from 0 to N − 1.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=2, n_examples=6)
    >>> batch_indices(config, updates=4, seed=0).shape
    (4, 2)
    """
    return np.stack(list(islice(batches(config, np.random.default_rng(seed)), updates)))
