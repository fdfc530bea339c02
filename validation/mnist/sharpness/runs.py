"""What ``sharpness_at_equal_loss`` runs: two scans of ε/B through one point, and one with more images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.descents import Array, descended
from validation.mnist.three_factors.analysis import at_loss, slopes
from validation.mnist.three_factors.runs import Run


@dataclass(frozen=True)
class Size:
    """Runs and sizes; replicas are those of each seed.

    ``batches``: B varied at one ε, from large to small; ``rates``: ε varied at one B, over the same ε/B; ``many``: B
    varied with ``many_examples`` images, without λ_max. Numbers are those at the training loss ``level``. ``least``:
    the smallest slopes against ln(ε/B) that count, of logarithms and of the test accuracy.
    """

    batches: tuple[Run, ...]
    rates: tuple[Run, ...]
    many: tuple[Run, ...]
    n_examples: int
    many_examples: int
    replicas: int
    least: dict[str, float]
    level: float = 0.1
    hidden: int = 256
    n_test: int = 2500

    def scans(self) -> dict[str, tuple[Run, ...]]:
        """The two scans by what is varied."""
        return {"B": self.batches, "ε": self.rates}

    def n_of(self, run: Run) -> int:
        """How many images a run has."""
        return self.many_examples if run in self.many else self.n_examples


@dataclass(frozen=True)
class Runs:
    """What was run, by N and run."""

    size: Size
    found: dict[tuple[int, Run], xr.Dataset]

    def values(self, runs: tuple[Run, ...], name: str, n: int) -> Array:
        """A variable at the training loss of the comparison, (run, replica); logarithms of what is positive."""
        return np.array([at_loss(self.found[n, run], name, self.size.level) for run in runs])

    def slopes(self, runs: tuple[Run, ...], name: str, n: int | None = None) -> Array:
        """Least-squares slopes of the same against ln(ε/B), (replica,)."""
        values = self.values(runs, name, self.size.n_examples if n is None else n)
        return slopes(np.log([run.ratio for run in runs]), values)

    def missing(self) -> Iterator[str]:
        """Runs of which a replica did not reach the loss where it is compared."""
        for n, run in self.found:
            names = ("trace",) if (n, run) in keys_of(self.size.many, self.size.many_examples) else ("trace", "largest")
            if any(np.isnan(self.values((run,), name, n)).any() for name in names):
                yield f"N = {n}, {run}"


def keys_of(runs: tuple[Run, ...], n: int) -> list[tuple[int, Run]]:
    """What runs are found by."""
    return [(n, run) for run in runs]


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Each run a sweep of its own: it is kept when the next one is stopped."""
    scanned = dict.fromkeys(keys_of((*size.batches, *size.rates), size.n_examples))
    jobs = [*scanned, *keys_of(size.many, size.many_examples)]
    found = {}
    for (n, run), part in context.shares(jobs, [run.distance / run.ratio for _, run in jobs]):
        largest = n == size.n_examples
        found[n, run] = descended(part, source, size, run, n, level=size.level, largest=largest)
    return Runs(size, found)
