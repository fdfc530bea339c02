"""Experiments repeated often enough to count how often an interval holds, or a test rejects."""

from collections.abc import Callable

import numpy as np
import pytest

REPEATS = 750


def exponential(rng, n):
    return rng.exponential(size=n)


def repeated_times(seed, n, censor=np.inf, draw=exponential):
    """REPEATS pairs of times, given up at `censor`, and whether they ended."""
    rng = np.random.default_rng(seed)
    for _ in range(REPEATS):
        times = draw(rng, n)
        yield np.minimum(times, censor), times < censor


def fits_chance(hits, p, sigmas=4.5):
    """Whether the share of independent hits fits the probability p."""
    return abs(np.mean(hits) - p) < sigmas * np.sqrt(p * (1 - p) / len(hits))


@pytest.fixture
def repeated() -> Callable:
    """Draw times of exit for each of many experiments, exponential unless said otherwise."""
    return repeated_times


@pytest.fixture
def chance() -> Callable:
    """Compare how often something happened with how often it should."""
    return fits_chance
