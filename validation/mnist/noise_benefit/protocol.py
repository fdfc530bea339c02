"""What ``noise_benefit`` runs, fixed beforehand after pilot runs on other seeds.

Smith, Elsen & De (arXiv 2006.15081): while noise limits ε (small B), training for a number of epochs depends on ε/B
alone, so the best ε is proportional to B and the best accuracy the same. Where curvature limits ε (large B), the best
one does not grow in proportion to B, and the accuracy falls, as there are fewer updates. For a number of updates
accuracy falls at large B too, which is not for want of examples: what is missing is noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from validation.context import Context
from validation.mnist.cells.annealing import annealed
from validation.mnist.images import Images
from validation.mnist.optimum import FloatArray, Optima, optima

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


def _half_octaves(first: float, points: int) -> tuple[float, ...]:
    return tuple(first * 2.0 ** (i / 2) for i in range(points))


def _scaled(batch_sizes: tuple[int, ...], first: float, points: int) -> tuple[Point, ...]:
    """Grids in proportion to B, from `first` at the least of them."""
    return tuple(Point(b, _half_octaves(first * b / batch_sizes[0], points)) for b in batch_sizes)


def _same(batch_sizes: tuple[int, ...], first: float, points: int) -> tuple[Point, ...]:
    """The same grid at every B."""
    return tuple(Point(b, _half_octaves(first, points)) for b in batch_sizes)


_EQUAL = (Point(16, (0.5,)), Point(125, (0.5,)))
_TINY = Protocol(
    _scaled((4, 8), 0.1, 4), _same((80, 160), 0.2, 4), 4, (Point(8, (0.3,)), Point(160, (0.3,))), 40, 2, 2, 320, 20
)
_QUICK = Protocol(_scaled((2, 8), 0.04, 5), _same((125, 500), 0.28, 5), 10, _EQUAL, 400, 8, 32, hidden=200)
_FULL = Protocol(_scaled((1, 2, 4), 0.014, 7), _same((64, 125, 250, 500), 0.2, 6), 10, _EQUAL, 400, 32, 64)
#: With right labels digits are learnt as well by large batches, and there is no best ε at small ones.
_DIGITS = Protocol(
    _scaled((2, 8), 0.04, 6), _same((125, 500), 0.56, 5), 10, _EQUAL, 400, 32, 32, hidden=200, random_share=0.4
)
#: By name of the data set and preset. MNIST, quick: 200 hidden units, as small batches take many updates.
PROTOCOLS: dict[str, dict[str, Protocol]] = {
    "MNIST": {"smoke": _TINY, "quick": _QUICK, "full": _FULL},
    "digits": {"smoke": _TINY, "quick": _DIGITS, "full": replace(_DIGITS, replicas=64)},
}


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
