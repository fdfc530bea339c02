"""What ``epoch_budget`` runs, and the best ε of every budget at a small and at a large B."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.mnist.cells.annealing import annealed

Array = NDArray[np.float64]
#: What is to be least, by its name in labels: from a run.
QUANTITIES = {"test accuracy": "test_accuracy", "training loss": "train_loss"}


@dataclass(frozen=True)
class Point:
    """A batch size, the learning rates tried at it, increasing, and for what budgets, in epochs."""

    batch_size: int
    learning_rates: tuple[float, ...]


class Budget(NamedTuple):
    """So many epochs at a batch size."""

    batch_size: int
    epochs: int


@dataclass(frozen=True)
class Size:
    """A small and a large batch size, each with a grid of ε for every number of epochs; `replicas` of each seed.

    The small one is run for as many updates as the large one's last budget has, too. Of the training labels
    `random_share` are random.
    """

    small: Point
    large: Point
    epochs: tuple[int, ...]
    replicas: int
    n_examples: int
    hidden: int
    random_share: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs[-1] * self.small.batch_size % self.large.batch_size:
            raise ValueError(f"epochs must end in a budget that is whole epochs of small batches, got {self.epochs}")

    @property
    def equal(self) -> tuple[Budget, Budget]:
        """The small and the large batch size for the same number of updates."""
        small, large = self.small.batch_size, self.large.batch_size
        return Budget(small, self.epochs[-1] * small // large), Budget(large, self.epochs[-1])

    def updates(self, budget: Budget) -> int:
        """In the epochs."""
        return max(1, round(budget.epochs * self.n_examples / budget.batch_size))

    def budgets(self) -> list[tuple[Point, Budget]]:
        """All that is run, once each."""
        pairs = [(point, Budget(point.batch_size, e)) for point in (self.small, self.large) for e in self.epochs]
        return list(dict.fromkeys([*pairs, (self.small, self.equal[0])]))


@dataclass(frozen=True, eq=False)
class Runs:
    """What was run for every budget, (learning_rate, replica), and how the best ε moves: by batch size and quantity."""

    size: Size
    found: dict[Budget, xr.Dataset]
    laws: dict[tuple[int, str], OptimumLaw] = field(repr=False)

    def best(self, budget: Budget, quantity: str = "test_accuracy") -> Array:
        """What each replica has at the ε whose mean accuracy is highest, (replicas,)."""
        run = self.found[budget]
        at = int(run["test_accuracy"].to_numpy().mean(axis=1).argmax())
        found: Array = run[quantity].isel(learning_rate=at).to_numpy()
        return found

    def errors(self, budget: Budget, quantity: str) -> Array:
        """What is to be least, (replicas, learning rates)."""
        values = self.found[budget][QUANTITIES[quantity]].to_numpy().T
        return np.asarray(1 - values if quantity == "test accuracy" else values)


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all networks and find the best ε of every budget."""
    found = {}
    # An update costs a pass over the weights and one over the batch.
    work = [size.updates(budget) * (20.0 + budget.batch_size) for _, budget in size.budgets()]
    for (point, budget), part in context.shares(size.budgets(), work):
        fixed = {
            "source": source, "n_examples": size.n_examples, "hidden": size.hidden, "batch_size": budget.batch_size,
            "momentum": 0.0, "updates": size.updates(budget), "random_share": size.random_share,
            "replicas": size.replicas, "device": context.place.device,
        }  # fmt: skip
        run = part.sweep(annealed, {"learning_rate": point.learning_rates}, fixed, "networks")
        found[budget] = run.transpose("learning_rate", "replica")
    runs = Runs(size, found, {})
    for point in (size.small, size.large):
        for quantity in QUANTITIES:
            errors = [runs.errors(Budget(point.batch_size, epochs), quantity) for epochs in size.epochs]
            grids, seed = [point.learning_rates] * len(errors), context.seed("bootstrap")
            runs.laws[point.batch_size, quantity] = optimum_law(size.epochs, grids, errors, seed=seed)
    return runs
