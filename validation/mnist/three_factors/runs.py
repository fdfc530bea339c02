"""What ``three_factors`` runs, and what the runs have at one training loss.

Jastrzębski et al. (arXiv 1711.04623) train to the end and compare Hessians there. Without weight decay the loss of a
network that has learnt all labels, and its Hessian with it, go on shrinking for ever: comparisons are meaningful at
equal training loss, which is where they are made here. All runs of a replica have the same images, initial weights and
seed of batches: what is particular to it cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.cells.descent import descent
from validation.mnist.three_factors.analysis import Array, at_level, at_loss, slopes

#: The loss of one that guesses, of ten classes: what a diverged replica is taken to have.
GUESS = np.log(10)


class Run(NamedTuple):
    """(ε, B), or two such pairs that alternate; the distance Σ ε(k); how often it is read."""

    setting: tuple[float, ...]
    distance: float
    readings: int

    @property
    def ratio(self) -> float:
        """ε/B, at the first pair."""
        return self.setting[0] / self.setting[1]

    def __str__(self) -> str:
        pairs = [f"ε = {e:g}, B = {b:g}" for e, b in zip(self.setting[::2], self.setting[1::2], strict=True)]
        return " ↔ ".join(pairs)


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
        return slopes(np.log([run.ratio for run in runs]), np.array([self.at_loss(run, name, share) for run in runs]))

    def slopes_where(self, name: str, against: str, value: float, share: float) -> Array:
        """Slopes of a variable where another first reaches a value, (replica,)."""
        runs = self._along(share)
        values = np.array([at_level(self.found[run, share], name, against, value) for run in runs])
        return slopes(np.log([run.ratio for run in runs]), values)

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
    """Each run a sweep of its own: it is kept when the next one is stopped."""
    clean = dict.fromkeys([*size.scan, *size.scaled.values(), *size.cycles, size.alone, size.hottest])
    jobs = [(run, 0.0) for run in clean] + [(run, share) for share, runs in size.memories.items() for run in runs]
    found = {}
    for (run, share), part in context.shares(jobs, [run.distance / run.setting[0] for run, _ in jobs]):
        fixed = {
            "source": source, "n_examples": size.n_examples, "hidden": size.hidden, "period": size.period,
            "n_test": size.n_test, "replicas": size.replicas, "device": context.place.device, "random_share": share,
            "level": size.memory_level if share else size.level, "largest": run in size.scan and not share,
            "distance": run.distance, "readings": run.readings,
        }  # fmt: skip
        swept = part.sweep(descent, {"setting": [run.setting]}, fixed, "replicas").isel(setting=0)
        found[run, share] = swept.transpose("replica", "reading")
    return Runs(size, found)
