"""What ``noise_benefit`` runs, and the best ε at every B.

Smith, Elsen & De (arXiv 2006.15081): while noise limits ε (small B), training for a number of epochs depends on ε/B
alone, so the best ε is proportional to B and the best accuracy the same. Where curvature limits ε (large B), the best
one does not grow in proportion to B, and the accuracy falls, as there are fewer updates. For a number of updates
accuracy falls at large B too, which is not for want of examples: what is missing is noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.mnist.cells.annealing import annealed

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A batch size and the learning rates tried at it, increasing."""

    batch_size: int
    learning_rates: tuple[float, ...]


@dataclass(frozen=True)
class Size:
    """Grids of ε at small and at large B for a number of epochs; two points for a number of updates.

    Replicas are those of each seed. Of the training labels `random_share` are random.
    """

    small: tuple[Point, ...]
    large: tuple[Point, ...]
    epochs: int
    equal: tuple[Point, Point]
    updates: int
    replicas: int
    replicas_of_equal: int
    n_examples: int = 500
    hidden: int = 800
    random_share: float = 0.0

    def updates_of(self, batch_size: int) -> int:
        """In the epochs."""
        return max(1, round(self.epochs * self.n_examples / batch_size))


@dataclass(frozen=True, eq=False)
class Runs:
    """What was run at every point, (learning_rate, replica), and the best ε at small and at large B."""

    size: Size
    found: dict[Point, xr.Dataset]
    small: OptimumLaw
    large: OptimumLaw

    def best(self, point: Point, quantity: str = "test_accuracy") -> Array:
        """What each replica has at the ε whose mean accuracy is highest, (replicas,)."""
        run = self.found[point]
        at = int(run["test_accuracy"].to_numpy().mean(axis=1).argmax())
        found: Array = run[quantity].isel(learning_rate=at).to_numpy()
        return found

    def parts(self) -> tuple[tuple[str, tuple[Point, ...], OptimumLaw], ...]:
        """Both parts: B in words, points, and the best ε."""
        both = ((self.size.small, self.small), (self.size.large, self.large))
        return tuple((", ".join(str(p.batch_size) for p in points), points, law) for points, law in both)


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all networks and find the best ε at every B."""
    points = [*size.small, *size.large]
    plan = [(point, size.updates_of(point.batch_size), size.replicas) for point in points]
    plan += [(point, size.updates, size.replicas_of_equal) for point in size.equal]
    # An update costs a pass over the weights and one over the batch.
    work = [len(p.learning_rates) * updates * r * (20.0 + p.batch_size) for p, updates, r in plan]
    found = {}
    for (point, updates, replicas), part in context.shares(plan, work):
        fixed = {
            "source": source, "n_examples": size.n_examples, "hidden": size.hidden, "batch_size": point.batch_size,
            "momentum": 0.0, "updates": updates, "random_share": size.random_share, "replicas": replicas,
            "device": context.place.device,
        }  # fmt: skip
        run = part.sweep(annealed, {"learning_rate": point.learning_rates}, fixed, "networks")
        found[point] = run.transpose("learning_rate", "replica")
    small, large = (_law(each, found, context.seed("bootstrap")) for each in (size.small, size.large))
    return Runs(size, found, small, large)


def _law(points: tuple[Point, ...], found: dict[Point, xr.Dataset], seed: int) -> OptimumLaw:
    errors = [1 - found[point]["test_accuracy"].to_numpy().T for point in points]
    return optimum_law([p.batch_size for p in points], [p.learning_rates for p in points], errors, seed=seed)
