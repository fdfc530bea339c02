"""Dynamics: which examples enter an update, and with which coefficients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.models.sampling import batches

#: Per update: indices (n,) of examples and their coefficients a (n,), for v ← m v − Σ a_i ∇C_i, ω ← ω + v.
Steps = Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]


def sgd(config: SGDConfig, generator: np.random.Generator) -> Steps:
    """Stochastic gradient descent: the examples of a batch, each with ε/B."""
    coefficients = np.full(config.batch_size, config.learning_rate / config.batch_size)
    for batch in batches(config, generator):
        yield batch, coefficients


#: A new dynamics is one function here.
DYNAMICS: dict[str, Callable[[SGDConfig, np.random.Generator], Steps]] = {"sgd": sgd}
