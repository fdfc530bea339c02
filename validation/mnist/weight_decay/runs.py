"""What ``weight_decay`` runs: networks at every batch size, each with no decay and with several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.mnist.cells.decay.training import decayed
from validation.mnist.cells.training import trained

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """Batch sizes and decays λ, increasing; λ = 0 is trained too. To T = εk/(1 − m) = `time`; `replicas` of each seed.

    Of the training labels `random_share` are random.
    """

    batch_sizes: tuple[int, ...]
    decays: tuple[float, ...]
    learning_rate: float
    time: float
    replicas: int
    momentum: float = 0.9
    n_examples: int = 1000
    hidden: int = 800
    random_share: float = 0.0

    @property
    def updates(self) -> int:
        """How many take a network to T."""
        return max(1, round(self.time * (1 - self.momentum) / self.learning_rate))

    @property
    def effective_batch_sizes(self) -> Array:
        """B' = 1/c, with which g = εN/(B'(1 − m)) is exact."""
        return np.array([1 / SGDConfig(1.0, b, self.n_examples).batch_noise for b in self.batch_sizes])


@dataclass(frozen=True, eq=False)
class Runs:
    """What was trained, by λ: (batch_size, replica); and how the best batch size moves from λ = 0 to the others."""

    size: Size
    found: dict[float, xr.Dataset]
    moves: dict[float, OptimumLaw] = field(repr=False)

    def accuracy(self, decay: float) -> Array:
        """Test accuracy of every replica at every batch size, (points, replicas)."""
        accuracy: Array = self.found[decay]["test_accuracy"].to_numpy()
        return accuracy

    def gaps(self, decay: float) -> Array:
        """Accuracy at the best batch size below the largest, less that at the largest, (replicas,).

        For each replica the best is that of all others, so that no luck of its own is in the difference.
        """
        *smaller, largest = self.accuracy(decay)
        each = np.array(smaller)
        best = (each.sum(axis=1, keepdims=True) - each).argmax(axis=0)
        return np.asarray(each[best, np.arange(each.shape[1])] - largest)

    def best(self, decay: float) -> int:
        """The batch size of the highest mean accuracy."""
        return self.size.batch_sizes[int(self.accuracy(decay).mean(axis=1).argmax())]


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all networks; those without decay are the ones of the claims on the best batch size, where sizes agree."""
    fixed = {
        "source": source, "n_examples": size.n_examples, "hidden": size.hidden, "learning_rate": size.learning_rate,
        "momentum": size.momentum, "random_share": size.random_share, "updates": size.updates,
        "replicas": size.replicas, "device": context.place.device,
    }  # fmt: skip
    grid = {"batch_size": size.batch_sizes}
    found = {}
    for decay, part in context.shares((0.0, *size.decays)):
        if decay:
            run = part.sweep(decayed, grid, {**fixed, "weight_decay": decay}, "networks on images")
        else:
            plain = {**fixed, "sampling": "without_replacement", "readings": 1}
            run = part.sweep(trained, grid, plain, "networks on images").isel(reading=-1)
        found[decay] = run.transpose("batch_size", "replica")
    return Runs(size, found, dict(_moves(context, size, found)))


def _moves(context: Context, size: Size, found: dict[float, xr.Dataset]) -> Iterator[tuple[float, OptimumLaw]]:
    """An octave for an exponent of 1: as if λ > 0 were twice what λ = 0 is."""
    errors = {decay: 1 - run["test_accuracy"].to_numpy().T for decay, run in found.items()}
    for decay in size.decays:
        both, places = [errors[0.0], errors[decay]], [size.effective_batch_sizes] * 2
        yield decay, optimum_law([1.0, 2.0], places, both, seed=context.seed("bootstrap", decay))
