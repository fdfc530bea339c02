"""What ``epoch_budget`` runs, the best ε of every budget at a small and at a large B, and its figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xarray as xr

from sgdsde.plotting import CurvePanel, Figure, Line, curve_panels
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.mnist.cells.annealing import annealed
from validation.mnist.networks import swept
from validation.mnist.rates import Array, Point, at_best, best_rates, means

#: What is to be least, by its name in labels: from a run.
QUANTITIES = {"test accuracy": "test_accuracy", "training loss": "train_loss"}


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
        return at_best(self.found[budget], quantity)

    def errors(self, budget: Budget, quantity: str) -> Array:
        """What is to be least, (replicas, learning rates)."""
        values = self.found[budget][QUANTITIES[quantity]].to_numpy().T
        return np.asarray(1 - values if quantity == "test accuracy" else values)


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all networks and find the best ε of every budget."""
    jobs = {budget: point.cells(size.updates(budget)) for point, budget in size.budgets()}
    found = swept(context, annealed, source, size, jobs)
    runs = Runs(size, found, {})
    for point in (size.small, size.large):
        for quantity in QUANTITIES:
            errors = [runs.errors(Budget(point.batch_size, epochs), quantity) for epochs in size.epochs]
            grids, seed = [point.learning_rates] * len(errors), context.seed("bootstrap")
            runs.laws[point.batch_size, quantity] = optimum_law(size.epochs, grids, errors, seed=seed)
    return runs


def budget_figure(runs: Runs, paper: Mapping[str, float]) -> Figure:
    """Three panels: best ε at the small and at the large B, with the paper's powers of the budget; best accuracies."""
    size, panels, heights = runs.size, [], []
    epochs = np.array(size.epochs, dtype=float)
    for point in (size.small, size.large):
        rates, lines = [], []
        for quantity, shift in zip(QUANTITIES, (0.97, 1.03), strict=True):
            optima = runs.laws[point.batch_size, quantity].optima
            rates.append(best_rates(f"for {quantity}", (shift * epochs).tolist(), [point] * len(optima), optima))
            centre = np.exp(np.mean([np.log(best.place) for best in optima]))
            middle = centre * (epochs / np.exp(np.log(epochs).mean())) ** paper[quantity]
            lines.append(Line(f"the paper's, for {quantity}", epochs, middle))
        shown = lines if point is size.small else []
        y = f"best ε at B = {point.batch_size}"
        panels.append(CurvePanel("epochs", y, rates, shown, x_scale="log", y_scale="log"))
        accuracies = [runs.best(Budget(point.batch_size, e)) for e in size.epochs]
        heights.append(means(f"B = {point.batch_size}", size.epochs, accuracies))
    return curve_panels([*panels, CurvePanel("epochs", "best test accuracy", heights, x_scale="log")])
