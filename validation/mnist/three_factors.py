"""What ``three_factors`` runs: sharpness against ε/B, cyclic rates and batches, memorised labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.cells.descent import descent
from validation.mnist.descents import Array, Run, at_level, at_loss, ratio_slopes
from validation.mnist.networks import swept

#: The loss of one that guesses, of ten classes: what a diverged replica is taken to have.
GUESS = np.log(10)


@dataclass(frozen=True)
class Size:
    """Runs and sizes; replicas are those of each seed.

    ``scan``: B varied at one ε. ``scaled``: ε and B times a common factor, 1, 2, and so on; at the largest, training
    fails. ``alone``: ε doubled, B not. ``cycles``: of ε, and of B, over `period` visited examples; ``hottest``:
    constant at their largest ε/B. ``memories``: runs for each share of random labels, read at the distance `early` too.
    Numbers are compared at the training loss `level`, with random labels at `memory_level`.
    """

    scan: tuple[Run, ...]
    scaled: dict[int, Run]
    alone: Run
    cycles: tuple[Run, Run]
    hottest: Run
    period: int
    memories: dict[float, tuple[Run, ...]]
    early: float
    replicas: int
    level: float = 0.1
    memory_level: float = 0.2
    n_examples: int = 500
    hidden: int = 800
    n_test: int = 500

    @property
    def kept(self) -> dict[int, Run]:
        """Runs with ε and B scaled together, but for the largest factor."""
        return {factor: run for factor, run in self.scaled.items() if factor != max(self.scaled)}


@dataclass(frozen=True)
class Runs:
    """What was run, by run and share of random labels."""

    size: Size
    found: dict[tuple[Run, float], xr.Dataset]

    def at_loss(self, run: Run, name: str, share: float = 0.0) -> Array:
        """A variable at the training loss of the comparison, (replica,); NaN where it was not reached."""
        return at_loss(self.found[run, share], name, self.size.memory_level if share else self.size.level)

    def slopes(self, name: str, share: float = 0.0) -> Array:
        """Slopes of the same against ln(ε/B), (replica,): over the scan, or the runs with random labels."""
        runs = self._along(share)
        return ratio_slopes(runs, [self.at_loss(run, name, share) for run in runs])

    def slopes_where(self, name: str, against: str, value: float, share: float) -> Array:
        """Slopes of a variable where another first reaches a value, (replica,)."""
        runs = self._along(share)
        return ratio_slopes(runs, [at_level(self.found[run, share], name, against, value) for run in runs])

    def lowest(self, run: Run) -> Array:
        """Logarithm of the lowest training loss, (replica,)."""
        found: Array = np.log(self.found[run, 0.0]["train_loss"].min("reading").fillna(GUESS).to_numpy())
        return found

    def missing(self) -> Iterator[str]:
        """Runs of which a replica did not reach the loss where it is compared."""
        size = self.size
        compared = [(run, 0.0) for run in dict.fromkeys([*size.scan, *size.kept.values(), *size.cycles])]
        compared += [(run, share) for share, runs in size.memories.items() for run in runs]
        for run, share in compared:
            names = ["trace", "largest"] if run in size.scan and not share else ["trace"]
            if any(np.isnan(self.at_loss(run, name, share)).any() for name in names):
                yield f"{100 * share:g} % random, {run}" if share else str(run)

    def _along(self, share: float) -> Sequence[Run]:
        return self.size.memories[share] if share else self.size.scan


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all."""
    clean = dict.fromkeys([*size.scan, *size.scaled.values(), *size.cycles, size.alone, size.hottest])
    jobs = {(run, 0.0): run.cells(period=size.period, level=size.level, largest=run in size.scan) for run in clean} | {
        (run, share): run.cells(period=size.period, random_share=share, level=size.memory_level)
        for share, runs in size.memories.items()
        for run in runs
    }
    return Runs(size, swept(context, descent, source, size, jobs, "replicas", single=True))


def present(values: Array) -> Array:
    """The finite ones, of replicas that reached the level; RuntimeError where they are fewer than two."""
    found = values[np.isfinite(values)]
    if len(found) < 2:
        raise RuntimeError(f"only {len(found)} of {len(values)} replicas reached the training loss of the comparison")
    return np.asarray(found)
