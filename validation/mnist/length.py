"""Networks trained on N images to long times, at batch sizes that reach as far as their best ones do.

All networks have one ε and m; T = εk/(1 − m) is their length. The best batch size falls as T grows: large batches
need not go on for long. Replica r of a seed has the same images, initial weights and seed of batches at every point; of
all images there is one set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.config import SGDConfig
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.measure import Array
from validation.mnist.cells.training import trained_along
from validation.mnist.forecast import forecast
from validation.mnist.images import Images
from validation.mnist.networks import Cells, swept

#: How batches are drawn, and what names the seeds of the sweeps.
SAMPLING, SEED = "without_replacement", "networks on images"


@dataclass(frozen=True)
class Size:
    """What is trained: for each N, batch sizes and until which T; measured at all ``times`` up to there."""

    sets: dict[int, tuple[tuple[int, float], ...]]
    times: tuple[float, ...]
    replicas: int
    learning_rate: float = 0.05
    momentum: float = 0.9
    hidden: int = 800

    def marks(self, until: float) -> tuple[int, ...]:
        """The updates after which a run to this T is measured."""
        rate = (1 - self.momentum) / self.learning_rate
        return tuple(round(time * rate) for time in self.times if time <= until)

    def curve(self, n: int, time: float) -> list[int]:
        """The batch sizes that are measured at N and T."""
        return [b for b, until in self.sets[n] if until >= time]

    def times_of(self, n: int) -> list[float]:
        """Times at which enough batch sizes are measured for a best one to be told."""
        return [time for time in self.times if len(self.curve(n, time)) >= 5]

    def at(self, time: float) -> list[int]:
        """The N that are measured at a T."""
        return [n for n in self.sets if time in self.times_of(n)]


@dataclass(frozen=True, eq=False)
class Measured:
    """Runs by N and B, each over (replica, reading)."""

    size: Size
    runs: dict[tuple[int, int], xr.Dataset]
    seed: int

    def values(self, n: int, time: float, name: str = "test_accuracy") -> Array:
        """What the curve at N and T measured, (replicas, points)."""
        reading = self.size.times.index(time)
        found = [self.runs[n, b][name].isel(reading=reading).to_numpy() for b in self.size.curve(n, time)]
        return np.stack(found, axis=1)

    def places(self, n: int, time: float) -> Array:
        """B' = 1/c of its points."""
        rate, m = self.size.learning_rate, self.size.momentum
        return np.array([1 / SGDConfig(rate, b, n, m, SAMPLING).batch_noise for b in self.size.curve(n, time)])

    def law(self, points: list[tuple[int, float]], variable: list[float]) -> OptimumLaw:
        """How the best batch size depends on what these (N, T) have of a variable."""
        places, errors = zip(*((self.places(*p), 1 - self.values(*p)) for p in points), strict=True)
        return optimum_law(variable, places, errors, seed=self.seed)


def measure(context: Context, source: Images, size: Size) -> Measured:
    """Train what is not in the store yet, the smallest sets first."""
    jobs = {(n, b): _cells(size, n, b, size.marks(until)) for n, reach in size.sets.items() for b, until in reach}
    forecast(context, trained_along, source.name, size, list(jobs.values()), SEED)
    runs = swept(context, trained_along, source.name, size, jobs, SEED, single=True)
    return Measured(size, runs, context.seed("bootstrap"))


def _cells(size: Size, n: int, batch_size: int, marks: tuple[int, ...]) -> Cells:
    own = {
        "n_examples": n, "learning_rate": size.learning_rate, "momentum": size.momentum, "sampling": SAMPLING,
        "marks": marks,
    }  # fmt: skip
    return Cells("batch_size", [batch_size], own, marks[-1] * (batch_size + 8) + 1e-3 * len(marks) * n)
