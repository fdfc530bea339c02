"""What a replica runs with, update after update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, repeat

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS


@dataclass(frozen=True, eq=False)
class Course:
    """What a replica runs with, update after update.

    Parameters
    ----------
    config : SGDConfig
        (ε, B, N, m, sampling).
    substeps : int
        Steps for an update: l.
    learning_rates, batch_sizes : (updates,), optional
        Checked schedules in place of the config's ε and B; a course with either ends after its last update.
    driver : str, optional
        Of normal noise, as `sgdsde.drivers`; None for other noise.
    """

    config: SGDConfig
    substeps: int = 1
    learning_rates: NDArray[np.float64] | None = None
    batch_sizes: NDArray[np.int64] | None = None
    driver: str | None = None

    @property
    def largest_batch(self) -> int:
        """The largest B of any update."""
        return self.config.batch_size if self.batch_sizes is None else int(self.batch_sizes.max())

    def rates(self) -> Iterator[float]:
        """ε of every step."""
        if self.learning_rates is None:
            return repeat(self.config.learning_rate)
        return (float(rate) for each in self.learning_rates for rate in repeat(each, self.substeps))

    def sizes(self) -> Iterator[int]:
        """B of every step."""
        if self.batch_sizes is None:
            return (size for each in cycle(self.config.sizes) for size in repeat(each, self.substeps))
        return (int(size) for each in self.batch_sizes for size in repeat(each, self.substeps))

    def batch_noises(self) -> Iterator[float]:
        """c of every step."""
        of = DRIVERS[self.driver or "brownian"].batch_noise
        return (of(self.config.sampling, self.config.n_examples, size) for size in self.sizes())
