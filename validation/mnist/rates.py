"""Networks at many learning rates, and which is best: what ``noise_benefit`` and ``epoch_budget`` share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.plotting import Curve
from sgdsde.statistics import Optimum, OptimumLaw
from validation.measure import Array, mean_and_error
from validation.mnist.networks import Cells


@dataclass(frozen=True)
class Point:
    """A batch size and the learning rates tried at it, increasing."""

    batch_size: int
    learning_rates: tuple[float, ...]

    def cells(self, updates: int, **own: object) -> Cells:
        """Annealed networks at each of the rates, without momentum."""
        # An update costs a pass over the weights and one over the batch.
        work = len(self.learning_rates) * updates * (20.0 + self.batch_size)
        fixed = {"batch_size": self.batch_size, "momentum": 0.0, "updates": updates, **own}
        return Cells("learning_rate", self.learning_rates, fixed, work)


def at_best(run: xr.Dataset, quantity: str = "test_accuracy") -> Array:
    """What each replica of a run (learning_rate, replica) has at the ε whose mean accuracy is highest, (replicas,)."""
    at = int(run["test_accuracy"].to_numpy().mean(axis=1).argmax())
    found: Array = run[quantity].isel(learning_rate=at).to_numpy()
    return found


def widest(point: Point, first: float, last: float) -> float:
    """The exponent of ε that crosses a point's whole grid from the first to the last of a variable.

    Where nothing is known of an optimum on a side, the error of an exponent is as wide as the grids are.
    """
    return math.log(point.learning_rates[-1] / point.learning_rates[0]) / math.log(last / first)


def at_ends(points: Sequence[Point], law: OptimumLaw) -> Iterator[int]:
    """The numbers of points whose best ε is at an end of their grid."""
    for number, (point, best) in enumerate(zip(points, law.optima, strict=True)):
        if best.place in (point.learning_rates[0], point.learning_rates[-1]):
            yield number


def best_rates(label: str, x: Sequence[float], points: Sequence[Point], optima: Sequence[Optimum]) -> Curve:
    """The best ε of each point, with its 95 % interval inside of the grid."""
    place = np.array([best.place for best in optima])
    ends = [(point.learning_rates[0], point.learning_rates[-1]) for point in points]
    low, high = np.array([np.clip(best.interval, *end) for best, end in zip(optima, ends, strict=True)]).T
    return Curve(label, x, place, np.maximum([place - low, high - place], 0.0), joined=False)


def means(label: str, x: Sequence[float], values: Iterable[Array]) -> Curve:
    """Means over replicas of each point, with their standard errors."""
    return Curve(label, x, *np.array([mean_and_error(each) for each in values]).T)
