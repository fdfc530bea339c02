"""Which examples are in which batch: the samplings, for training and for claims about gradient noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer
from sgdsde.config import SGDConfig

Batches = Iterator[NDArray[np.int64]]
#: The sizes of batches to come, one after the other.
Sizes = Iterable[int]


def with_replacement(n: int, sizes: Sizes, generator: np.random.Generator) -> Batches:
    """Every example of every batch drawn afresh from all N."""
    for b in sizes:
        yield generator.integers(n, size=b)


def without_replacement(n: int, sizes: Sizes, generator: np.random.Generator) -> Batches:
    """Every batch drawn afresh from all N, without repeats inside it."""
    for b in sizes:
        yield generator.choice(n, b, replace=False, shuffle=False)  # the order inside a batch has no effect


def reshuffle(n: int, sizes: Sizes, generator: np.random.Generator) -> Batches:
    """A permutation of all N for each epoch, which ends where the next batch does not fit into it."""
    order, end = np.empty(0, np.int64), n
    for b in sizes:
        if end + b > n:
            order, end = generator.permutation(n), 0
        yield order[end : end + b]
        end += b


def shuffle_once(n: int, sizes: Sizes, generator: np.random.Generator) -> Batches:
    """The same with one permutation for all epochs."""
    order, end = generator.permutation(n), 0
    for b in sizes:
        end = 0 if end + b > n else end
        yield order[end : end + b]
        end += b


SAMPLERS: dict[str, Callable[[int, Sizes, np.random.Generator], Batches]] = {
    "with_replacement": with_replacement,
    "without_replacement": without_replacement,
    "reshuffle": reshuffle,
    "shuffle_once": shuffle_once,
}


def batches(config: SGDConfig, generator: np.random.Generator, sizes: Sizes | None = None) -> Batches:
    """A stream of batches, each an index array of shape (B,), drawn from `generator` alone.

    Endless with the config's own sizes, B but where an epoch ends in a smaller batch; with `sizes`, a batch of each of
    them, which must be checked (`sgdsde.schedules.batch_size_schedule`).

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=2, n_examples=6, sampling="reshuffle")
    >>> stream = batches(config, np.random.default_rng(0))
    >>> sorted(int(i) for _ in range(3) for i in next(stream))       # one epoch
    [0, 1, 2, 3, 4, 5]
    >>> [len(batch) for batch in batches(config, np.random.default_rng(0), sizes=[1, 2, 3])]
    [1, 2, 3]
    """
    chosen = cycle(config.sizes) if sizes is None else sizes
    return SAMPLERS[config.sampling](config.n_examples, chosen, generator)


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

    Raises
    ------
    ValueError
        Where an epoch ends in a smaller batch: :func:`batches` has them all.

    Examples
    --------
    >>> config = SGDConfig(learning_rate=0.1, batch_size=2, n_examples=6)
    >>> batch_indices(config, updates=4, seed=0).shape
    (4, 2)
    """
    if len(config.sizes) > 1:
        raise ValueError(
            f"batch_size must divide n_examples = {config.n_examples} here, or drop_last be True, for batches to be "
            f"rows of one array; got {config.batch_size}"
        )
    stream = batches(config, np.random.default_rng(integer("seed", seed, 0)))
    return np.stack(list(islice(stream, integer("updates", updates, 1))))
