"""The rules B_opt ∝ ε, N and 1/(1 − m): networks trained on a grid of batch sizes for each value of one of them.

Smith & Le (arXiv 1710.06451): the test accuracy of a network depends on (ε, B, N, m) through the noise scale g
alone. With the effective batch size B' = 1/c (c is `SGDConfig.batch_noise`; B' ≈ B while B ≪ N) the noise scale is
g = εN/(B'(1 − m)) without approximation, and B'_opt grows in proportion to ε, N and 1/(1 − m).

All networks are trained to the same time T = εk/(1 − m), which in the SDE of the mean loss is as far. Replica r of a
seed has the same training subset, initial weights and seed of batches at every point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig
from sgdsde.statistics import OptimumLaw, optimum_law
from validation.context import Context
from validation.measure import Array
from validation.mnist.cells.training import trained
from validation.mnist.forecast import forecast
from validation.mnist.images import Images
from validation.mnist.networks import Cells, swept

#: Names the seeds of the sweeps.
SEED = "networks on images"


@dataclass(frozen=True)
class Curve:
    """A grid of batch sizes at one (ε, N, m), measured `readings` times on the way."""

    batch_sizes: tuple[int, ...]
    learning_rate: float
    momentum: float = 0.9
    n_examples: int = 1000
    readings: int = 1

    @property
    def effective_batch_sizes(self) -> Array:
        """B' = 1/c of every point."""
        m, n = self.momentum, self.n_examples
        configs = [SGDConfig(self.learning_rate, b, n, m, "without_replacement") for b in self.batch_sizes]
        return np.array([1 / config.batch_noise for config in configs])

    @property
    def noise_scale_times(self) -> float:
        """g B' = εN/(1 − m)."""
        return float(self.n_examples * overdamped(self.learning_rate, 1.0, self.momentum).update)


@dataclass(frozen=True)
class Size:
    """What is trained: curves by name, to T = `time`, with `replicas` networks of each seed at every point.

    Of the training labels `random_share` are random. ``rules`` names the curves of each rule: those of its whole range
    first, then of parts of it. "few examples" has learning rates at the least N.
    """

    curves: dict[str, Curve]
    rules: dict[str, tuple[tuple[str, ...], ...]]
    replicas: int
    time: float
    hidden: int = 800
    random_share: float = 0.0

    def updates(self, curve: Curve) -> int:
        """How many updates take a network there."""
        return max(1, round(self.time * (1 - curve.momentum) / curve.learning_rate))


@dataclass(frozen=True)
class Variable:
    """What a rule is about: how it is written, and its value on a curve."""

    symbol: str
    words: str
    of: Callable[[Curve], float]
    exponent: str = "α"


RATE = Variable("ε", "learning rate ε", lambda curve: curve.learning_rate)
#: By the names of rules.
VARIABLES = {
    "learning_rate": RATE,
    "few examples": RATE,
    "gap": RATE,
    "training_set": Variable("N", "training set size N", lambda curve: float(curve.n_examples), "β"),
    "momentum": Variable("1/(1 − m)", "1/(1 − m)", lambda curve: 1 / (1 - curve.momentum)),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """Runs of a rule's curves, each (batch_size, replica, reading), and the laws of whole and parts at the end."""

    variable: Variable
    curves: tuple[Curve, ...]
    runs: tuple[xr.Dataset, ...]
    parts: tuple[tuple[Curve, ...], ...]
    laws: tuple[OptimumLaw, ...] = field(repr=False)

    def accuracy(self, number: int) -> Array:
        """Test accuracy of a curve at the end, (points, replicas)."""
        found: Array = self.runs[number].test_accuracy.isel(reading=-1).to_numpy()
        return found

    def range(self, part: Sequence[Curve]) -> str:
        """Where a part begins and ends."""
        first, last = (f"{self.variable.of(curve):g}" for curve in (part[0], part[-1]))
        return f"{self.variable.symbol} = {first} to {last}"


def cells(size: Size, curve: Curve) -> Cells:
    """The cells of a curve."""
    own = {
        "n_examples": curve.n_examples, "learning_rate": curve.learning_rate, "momentum": curve.momentum,
        "sampling": "without_replacement", "updates": size.updates(curve), "readings": curve.readings,
    }  # fmt: skip
    return Cells("batch_size", curve.batch_sizes, own, size.updates(curve) * sum(curve.batch_sizes))


def measure(context: Context, source: Images, size: Size, rule: str) -> Measured:
    """Train the curves of a rule, but for those that are in the store, and find how their optima move."""
    curves = {name: size.curves[name] for name in size.rules[rule][0]}
    jobs = {name: cells(size, curve) for name, curve in curves.items()}
    forecast(context, trained, source.name, size, list(jobs.values()), SEED)
    runs = swept(context, trained, source.name, size, jobs, SEED)
    errors = {name: 1 - run.test_accuracy.isel(reading=-1).to_numpy().T for name, run in runs.items()}
    laws = [
        optimum_law(
            [VARIABLES[rule].of(size.curves[name]) for name in part],
            [size.curves[name].effective_batch_sizes for name in part],
            [errors[name] for name in part],
            seed=context.seed("bootstrap"),
        )
        for part in size.rules[rule]
    ]
    parts = tuple(tuple(size.curves[name] for name in part) for part in size.rules[rule])
    return Measured(VARIABLES[rule], tuple(curves.values()), tuple(runs.values()), parts, tuple(laws))
