"""What ``weight_decay`` runs, networks at every batch size with no decay and with several, and its figure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from sgdsde.config import SGDConfig
from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.measure import Array, mean_and_error
from validation.mnist.cells.decay.training import decayed
from validation.mnist.cells.training import trained
from validation.mnist.networks import Cells, swept


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
    seed, share = "networks on images", 1 / (1 + len(size.decays))
    every = {"learning_rate": size.learning_rate, "momentum": size.momentum, "updates": size.updates}
    plain = Cells("batch_size", size.batch_sizes, {**every, "sampling": "without_replacement", "readings": 1})
    without = swept(context.part(0, share), trained, source, size, {0.0: plain}, seed)
    jobs = {decay: Cells("batch_size", size.batch_sizes, {**every, "weight_decay": decay}) for decay in size.decays}
    found = {0.0: without[0.0].isel(reading=-1)} | swept(context.part(share, 1), decayed, source, size, jobs, seed)
    errors = {decay: 1 - run["test_accuracy"].to_numpy().T for decay, run in found.items()}
    moves = {
        # An octave for an exponent of 1: as if λ > 0 were twice what λ = 0 is.
        decay: optimum_law(
            [1.0, 2.0], [size.effective_batch_sizes] * 2, [errors[0.0], errors[decay]],
            seed=context.seed("bootstrap", decay),
        )
        for decay in size.decays
    }  # fmt: skip
    return Runs(size, found, moves)


def decay_figure(runs: Runs) -> Figure:
    """Accuracy against the batch size at every λ, its errors without what all points of a replica have in common.

    And the gap against λ.
    """
    sizes, curves = runs.size.batch_sizes, []
    for decay in runs.found:
        accuracy, label, best = runs.accuracy(decay), f"λ = {decay:g}", runs.best(decay)
        own = (accuracy - accuracy.mean(axis=0)).std(axis=1, ddof=1) / np.sqrt(accuracy.shape[1])
        mean = accuracy.mean(axis=1)
        curves.append(Curve(label, sizes, mean, own))
        curves.append(Curve(label, [best], [mean[sizes.index(best)]], joined=False, filled=True))
    gaps = np.array([mean_and_error(runs.gaps(decay)) for decay in runs.found]).T
    gap = Curve("gap", [f"{decay:g}" for decay in runs.found], gaps[0], gaps[1], joined=False)
    return curve_panels(
        [
            CurvePanel("batch size B", "test accuracy (share of images)", curves, x_scale="log"),
            CurvePanel("weight decay λ", f"accuracy at the best B less that at B = {sizes[-1]}", [gap], level=0.0),
        ]
    )
