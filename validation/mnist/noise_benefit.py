"""What ``noise_benefit`` runs, the best ε at every B, and its figure.

Smith, Elsen & De (arXiv 2006.15081): while noise limits ε (small B), training for a number of epochs depends on ε/B
alone, so the best ε is proportional to B and the best accuracy the same. Where curvature limits ε (large B), the best
one does not grow in proportion to B, and the accuracy falls, as there are fewer updates. For a number of updates
accuracy falls at large B too, which is not for want of examples: what is missing is noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import CurvePanel, Figure, Line, curve_panels
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.mnist.cells.annealing import annealed
from validation.mnist.networks import swept
from validation.mnist.rates import Array, Point, at_best, best_rates, means


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
        return at_best(self.found[point], quantity)

    def parts(self) -> tuple[tuple[str, tuple[Point, ...], OptimumLaw], ...]:
        """Both parts: B in words, points, and the best ε."""
        both = ((self.size.small, self.small), (self.size.large, self.large))
        return tuple((", ".join(str(p.batch_size) for p in points), points, law) for points, law in both)


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Train all networks and find the best ε at every B."""
    jobs = {point: point.cells(size.updates_of(point.batch_size)) for point in (*size.small, *size.large)}
    jobs |= {point: point.cells(size.updates, replicas=size.replicas_of_equal) for point in size.equal}
    found = swept(context, annealed, source, size, jobs)

    def law(points: tuple[Point, ...]) -> OptimumLaw:
        errors = [1 - found[point]["test_accuracy"].to_numpy().T for point in points]
        rates, seed = [point.learning_rates for point in points], context.seed("bootstrap")
        return optimum_law([point.batch_size for point in points], rates, errors, seed=seed)

    return Runs(size, found, law(size.small), law(size.large))


def epochs_figure(runs: Runs) -> Figure:
    """Test accuracy against ε at every B, from point to point: a smooth curve would claim to know a cliff between two.

    And the best ε and accuracy against B.
    """
    curves, rates, heights, lines = [], [], [], []
    for (_, points, law), power in zip(runs.parts(), (1, 0), strict=True):
        for point, best in zip(points, law.optima, strict=True):
            label, at = f"B = {point.batch_size}", [point.batch_size]
            curves.append(means(label, point.learning_rates, runs.found[point]["test_accuracy"].to_numpy()))
            rates.append(best_rates(label, at, [point], [best]))
            heights.append(means(label, at, [runs.best(point)]))
        b = np.array([float(point.batch_size) for point in points])
        middle = np.exp(np.mean([np.log(best.place) for best in law.optima]) - power * np.log(b).mean())
        lines.append(Line("the paper's ε ∝ B" if power else "the paper's constant ε", b, middle * b**power))
    accuracy = f"test accuracy after {runs.size.epochs} epochs"
    return curve_panels(
        [
            CurvePanel("learning rate ε", accuracy, curves, x_scale="log"),
            CurvePanel("batch size B", "best ε, with its 95 % interval", rates, lines, x_scale="log", y_scale="log"),
            CurvePanel("batch size B", "best test accuracy", heights, x_scale="log"),
        ],
        len(curves) + len(lines),
    )
