"""What ``noise_benefit`` runs, fixed beforehand after pilot runs on other seeds.

Smith, Elsen & De (arXiv 2006.15081): while noise limits ε (small B), training for a number of epochs depends on ε/B
alone, so the best ε is proportional to B and the best accuracy the same. Where curvature limits ε (large B), the best
one does not grow in proportion to B, and the accuracy falls, as there are fewer updates. For a number of updates
accuracy falls at large B too, which is not for want of examples: what is missing is noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.cells.annealing import annealed
from validation.mnist.images import Images
from validation.mnist.optimum import FloatArray, Optima, optima
from validation.sizes import by_source

#: In octaves: an octave above the best ε training fails, which must not bend the curve at its maximum.
BANDWIDTH = 0.5


@dataclass(frozen=True)
class Point:
    """A batch size and the learning rates tried at it, increasing."""

    batch_size: int
    learning_rates: tuple[float, ...]


@dataclass(frozen=True)
class Protocol:
    """Grids of ε at small and at large B for a number of epochs; two points for a number of updates.

    Of the training labels `random_share` are random.
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
    momentum: float = 0.0
    random_share: float = 0.0

    def updates_of(self, batch_size: int) -> int:
        """In the epochs."""
        return max(1, round(self.epochs * self.n_examples / batch_size))


#: By name of the data set and preset; grids of ε are half octaves. MNIST, quick, has 200 hidden units, as small batches
#: take many updates. Digits have random labels: right ones are learnt as well by large batches.
PROTOCOLS = by_source("noise_benefit", Protocol)


@dataclass(frozen=True, eq=False)
class Measured:
    """The runs of every point, (learning_rate, replica), and the best ε at small and at large B."""

    protocol: Protocol
    runs: dict[Point, xr.Dataset]
    equal: tuple[xr.Dataset, xr.Dataset]
    small: Optima
    large: Optima

    def best(self, run: xr.Dataset, quantity: str = "test_accuracy") -> FloatArray:
        """What each replica has at the ε whose mean accuracy is highest, (replicas,)."""
        at = int(run["test_accuracy"].to_numpy().mean(axis=1).argmax())
        found: FloatArray = run[quantity].isel(learning_rate=at).to_numpy()
        return found


def measure(
    context: Context, protocol: Protocol, source: Images, progress: Callable[[float], None] = lambda fraction: None
) -> Measured:
    """Train all networks and find the best ε at every B."""
    points = [*protocol.small, *protocol.large]
    plan = [(point, protocol.updates_of(point.batch_size), protocol.replicas) for point in points]
    plan += [(point, protocol.updates, protocol.replicas_of_equal) for point in protocol.equal]
    # An update costs a pass over the weights and one over the batch.
    work = np.cumsum([len(p.learning_rates) * updates * r * (20 + p.batch_size) for p, updates, r in plan])
    found = []
    for (point, updates, replicas), done in zip(plan, work, strict=True):
        fixed = {
            "source": source.name, "n_examples": protocol.n_examples, "hidden": protocol.hidden,
            "batch_size": point.batch_size, "momentum": protocol.momentum, "updates": updates,
            "random_share": protocol.random_share, "replicas": replicas, "seed": context.seed("networks"),
            "device": context.place.device,
        }  # fmt: skip
        run = context.sweep(annealed, {"learning_rate": point.learning_rates}, fixed)
        found.append(run.transpose("learning_rate", "replica"))
        progress(float(done / work[-1]))
    runs = dict(zip(points, found[: len(points)], strict=True))
    generator = np.random.default_rng(context.seed("bootstrap"))
    small, large = (_optima(chosen, runs, generator) for chosen in (protocol.small, protocol.large))
    return Measured(protocol, runs, (found[-2], found[-1]), small, large)


def _optima(points: Sequence[Point], runs: dict[Point, xr.Dataset], generator: np.random.Generator) -> Optima:
    return optima(
        [point.batch_size for point in points],
        [np.array(point.learning_rates) for point in points],
        [runs[point]["test_accuracy"].to_numpy() for point in points],
        generator,
        BANDWIDTH,
    )
