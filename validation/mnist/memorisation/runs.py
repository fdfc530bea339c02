"""What ``memorisation`` runs, and what it compares.

Jastrzębski et al. train 300 epochs on all images at every ε and B, and look at accuracies there. Here every run goes on
until it has learnt the random labels that it is asked for, and is compared at equal accuracies along the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.descents import Array, descended, mean_along
from validation.mnist.three_factors.analysis import slopes
from validation.mnist.three_factors.runs import Run


@dataclass(frozen=True)
class Share:
    """Runs at one share of random labels, and between which values of what they are compared.

    ``memorised`` and ``train_accuracy`` are accuracies, on the random labels and on all of the training set.
    """

    runs: tuple[Run, ...]
    memorised: tuple[float, float]
    train_accuracy: tuple[float, float]
    distance: tuple[float, float]
    epochs: tuple[float, float]


@dataclass(frozen=True)
class Size:
    """Runs by share of random labels; ``least``: the smallest slopes against ln(ε/B) that count; replicas of a seed."""

    shares: dict[float, Share]
    least: dict[str, float]
    replicas: int
    n_examples: int
    hidden: int = 256
    n_test: int = 2500


@dataclass(frozen=True)
class Runs:
    """What was run, by share of random labels and run."""

    size: Size
    found: dict[tuple[float, Run], xr.Dataset]

    def along(self, share: float, run: Run, name: str, against: str) -> Array:
        """The mean of a variable over the range in which `against` is compared, (replica,)."""
        return mean_along(self.found[share, run], name, against, getattr(self.size.shares[share], against))

    def slopes(self, share: float, name: str, against: str) -> Array:
        """Least-squares slopes of the same against ln(ε/B) over all runs, (replica,)."""
        runs = self.size.shares[share].runs
        values = np.array([self.along(share, run, name, against) for run in runs])
        return slopes(np.log([run.ratio for run in runs]), values)

    def exchanged(self, share: float, factor: int, name: str) -> tuple[Array, Array]:
        """What ε and B times a factor changes at equal Σ ε(k), and what ε alone does: (replica,), over all pairs."""
        triples = list(exchanges(self.size.shares[share].runs, factor))
        if not triples:
            raise ValueError(f"no runs at {share:g} with ε and B, and ε alone, times {factor}")
        values = [[self.along(share, run, name, "distance") for run in triple] for triple in triples]
        changes = np.mean([(both - one, alone - one) for one, both, alone in values], axis=0)
        return changes[0], changes[1]

    def missing(self) -> Iterator[str]:
        """Runs of which a replica did not come to where it is compared."""
        for share, held in self.size.shares.items():
            for run in held.runs:
                if any(np.isnan(self.along(share, run, "trace", against)).any() for against in COMPARED):
                    yield f"{100 * share:g} % random, {run}"


#: Along what runs are compared.
COMPARED = ("memorised", "train_accuracy", "distance", "epochs")


def exchanges(runs: tuple[Run, ...], factor: int) -> Iterator[tuple[Run, Run, Run]]:
    """Runs of which the second has ε and B times the factor of the first, and the third ε alone."""
    by_setting = {run.setting: run for run in runs}
    for (rate, batch), run in by_setting.items():
        both, alone = (round(rate * factor, 12), batch * factor), (round(rate * factor, 12), batch)
        if both in by_setting and alone in by_setting:
            yield run, by_setting[both], by_setting[alone]


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Each run a sweep of its own: it is kept when the next one is stopped."""
    jobs = [(share, run) for share, held in size.shares.items() for run in held.runs]
    found = {}
    for (share, run), part in context.shares(jobs, [run.distance / run.ratio for _, run in jobs]):
        found[share, run] = descended(part, source, size, run, size.n_examples, share=share)
    return Runs(size, found)
