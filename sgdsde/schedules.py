"""Learning rates and batch sizes that change: arrays of one number for each update, and the checks of any array."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, integer, moderate, positive, real_array
from sgdsde.config import SGDConfig
from sgdsde.memory import check_memory

Array = NDArray[np.float64]

_MOST_BATCH = 2**53  # the last whole number from which on float64 leaves some out


def constant(value: float, updates: int) -> Array:
    """The same value at every update."""
    return np.full(_length(updates), positive("value", value))


def step_decay(value: float, factor: float, every: int, updates: int) -> Array:
    """Multiply `value` by `factor` after each `every` updates.

    Examples
    --------
    >>> step_decay(0.4, 0.5, every=2, updates=5)
    array([0.4, 0.4, 0.2, 0.2, 0.1])
    """
    passed = np.arange(_length(updates)) // integer("every", every, 1)
    return np.asarray(positive("value", value) * positive("factor", factor) ** passed)


def cosine(value: float, updates: int, final: float = 0.0) -> Array:
    """From `value` down half a cosine wave towards `final`, which the update after the last would reach.

    Loshchilov & Hutter, arXiv 1608.03983, eq. 5.

    Examples
    --------
    >>> cosine(1.0, 4).round(3)
    array([1.   , 0.854, 0.5  , 0.146])
    """
    turn = np.cos(math.pi * np.arange(_length(updates)) / updates)
    return np.asarray(final + (positive("value", value) - final) * (1 + turn) / 2)


def _triangle(phase: Array) -> Array:
    return 1 - np.abs(2 * phase - 1)


def _square(phase: Array) -> Array:
    return (phase >= 0.5).astype(np.float64)


SHAPES: dict[str, Callable[[Array], Array]] = {"triangle": _triangle, "square": _square}


def cyclic(low: float, high: float, period: int, updates: int, shape: str = "triangle") -> Array:
    """Between `low` and `high` and back every `period` updates: a ``"triangle"`` or a ``"square"`` wave.

    Smith, arXiv 1506.01186 (triangle); Jastrzębski et al., arXiv 1711.04623 (square).

    Examples
    --------
    >>> cyclic(1.0, 2.0, period=4, updates=5)
    array([1. , 1.5, 2. , 1.5, 1. ])
    """
    wave = SHAPES[choice("shape", shape, SHAPES)]
    phase = np.arange(_length(updates)) % integer("period", period, 1) / period
    return np.asarray(positive("low", low) + (positive("high", high) - low) * wave(phase))


def matching_batch_sizes(learning_rates: ArrayLike, config: SGDConfig) -> NDArray[np.int64]:
    """Batch sizes that do at the constant ε of `config` what these learning rates do at its constant B: B(k) ∝ 1/ε(k).

    Rounded to whole examples. Smith et al., arXiv 1711.00489: do not decay the learning rate, increase the batch size.

    Examples
    --------
    >>> matching_batch_sizes([0.4, 0.2, 0.1], SGDConfig(0.4, batch_size=8, n_examples=64))
    array([ 8, 16, 32])
    """
    rates = real_array("learning_rates", learning_rates)
    return np.rint(config.batch_size * config.learning_rate / rates).astype(np.int64)


def batch_sizes_at_equal_time(learning_rates: ArrayLike, config: SGDConfig) -> NDArray[np.int64]:
    """As :func:`matching_batch_sizes`, in fewer updates, so that both runs see as many examples and last Σ ε/(1 − m).

    An update at the constant ε spans several of the decayed run's and gets their mean ε, weighted by ε: what the SDE's
    temperature is in the mean.

    Examples
    --------
    >>> batch_sizes_at_equal_time([0.4, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1], SGDConfig(0.4, batch_size=8, n_examples=64))
    array([ 8, 16, 32])
    """
    rates = real_array("learning_rates", learning_rates)
    time, area = (np.concatenate([[0.0], np.cumsum(rates**power)]) for power in (1, 2))
    edges = config.learning_rate * np.arange(int(time[-1] / config.learning_rate + 1e-6) + 1)
    mean_rate = np.diff(np.interp(edges, time, area)) / config.learning_rate
    return np.asarray(np.rint(config.batch_size * config.learning_rate / mean_rate), dtype=np.int64)


def learning_rate_schedule(values: ArrayLike, updates: int) -> Array:
    """Check ε(k) and cut it to the run.

    Raises
    ------
    ValueError
        When it is shorter than the run, or a rate is not positive and finite.
    """
    rates = _long_enough("learning_rates", values, updates)
    wrong = ~(np.isfinite(rates) & (rates > 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(f"learning_rates must be positive and finite, got {rates[at]:g} at update {at}")
    for extreme in (rates.min(), rates.max()):
        moderate("each of learning_rates", extreme)
    return rates


def batch_size_schedule(values: ArrayLike, config: SGDConfig, updates: int) -> NDArray[np.int64]:
    """Check B(k) and cut it to the run.

    Raises
    ------
    ValueError
        When it is shorter than the run, or a size is not a whole number from 1 to N (more only with replacement), or
        the batches of a permutation do not add up to N; with ``drop_last`` a batch that would reach beyond the end
        begins the next epoch.
    """
    sizes, n = _long_enough("batch_sizes", values, updates), config.n_examples
    most = _MOST_BATCH if config.sampling == "with_replacement" else n
    wrong = ~((sizes >= 1) & (sizes <= most) & (sizes == np.floor(sizes)))
    if wrong.any():
        at, limit = int(np.argmax(wrong)), f" and at most {'2**53' if most == _MOST_BATCH else f'n_examples = {n}'}"
        raise ValueError(f"batch_sizes must be whole numbers of at least 1{limit}, got {sizes[at]:g} at update {at}")
    whole = sizes.astype(np.int64)
    if config.permuted and not config.drop_last:
        over = (np.cumsum(whole) - whole) % n + whole > n
        if over.any():
            at = int(np.argmax(over))
            raise ValueError(
                f"batch_sizes must add up to n_examples = {n} in every epoch when sampling is {config.sampling!r}; the "
                f"batch of update {at} reaches beyond the end of its epoch (drop_last=True ends the epoch before it)"
            )
    return whole


def _long_enough(name: str, values: ArrayLike, updates: int) -> Array:
    array = real_array(name, values, "a sequence of numbers, one for each update").copy()
    if array.ndim != 1 or len(array) < updates:
        raise ValueError(
            f"{name} must be a sequence of at least {updates} numbers, one for each update; got shape {array.shape}"
        )
    return array[:updates]


def _length(updates: int) -> int:
    """The number of updates of a schedule, which fits into memory with what is computed on the way."""
    number = integer("updates", updates, 1)
    check_memory(3 * 8 * number, f"updates must be fewer: a schedule of {number} updates")
    return number


__all__ = [
    "batch_size_schedule",
    "batch_sizes_at_equal_time",
    "constant",
    "cosine",
    "cyclic",
    "learning_rate_schedule",
    "matching_batch_sizes",
    "step_decay",
]


def __dir__() -> list[str]:
    return sorted(__all__)
