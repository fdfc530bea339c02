"""The rules B_opt ∝ ε, N and 1/(1 − m): networks trained on a grid of batch sizes for each value of one of them.

Smith & Le (arXiv 1710.06451, §5): the test accuracy of a network depends on (ε, B, N, m) through the noise scale g
alone. With the effective batch size B' = 1/c (c is `SGDConfig.batch_noise`; B' ≈ B while B ≪ N) the noise scale is
g = εN/(B'(1 − m)) without approximation, and B'_opt grows in proportion to ε, N and 1/(1 − m).

All networks are trained to the same time T = εk/(1 − m), which in the SDE of the mean loss is as far. Replica r has the
same training subset, initial weights and seed of batches at every point. Sizes are fixed here, beforehand, after pilot
runs on other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig
from validation.context import Context
from validation.mnist.cells.training import trained
from validation.mnist.images import Images
from validation.mnist.optimum import FloatArray, Optima, optima


@dataclass(frozen=True)
class Curve:
    """A grid of batch sizes at one (ε, N, m), measured `readings` times on the way."""

    batch_sizes: tuple[int, ...]
    learning_rate: float
    momentum: float = 0.9
    n_examples: int = 1000
    readings: int = 1

    def config(self, batch_size: int) -> SGDConfig:
        """One point."""
        return SGDConfig(self.learning_rate, batch_size, self.n_examples, self.momentum, "without_replacement")

    @property
    def effective_batch_sizes(self) -> FloatArray:
        """B' = 1/c of every point."""
        return np.array([1 / self.config(b).batch_noise for b in self.batch_sizes])

    @property
    def noise_scale_times(self) -> float:
        """g B' = εN/(1 − m)."""
        return float(self.n_examples * overdamped(self.learning_rate, 1.0, self.momentum).update)

    def batch_size(self, effective: FloatArray) -> FloatArray:
        """B of B'."""
        return 1 / (1 / effective + 1 / self.n_examples)


@dataclass(frozen=True)
class Protocol:
    """What is trained: curves by name, to T = `time`, with `replicas` networks at every point.

    Of the training labels `random_share` are random.

    ``rules`` names the curves of each rule, and "few examples" two learning rates at the least N.
    """

    curves: dict[str, Curve]
    rules: dict[str, tuple[str, ...]]
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


VARIABLES = {
    "learning_rate": Variable("ε", "learning rate ε", lambda curve: curve.learning_rate),
    "training_set": Variable("N", "training set size N", lambda curve: float(curve.n_examples)),
    "momentum": Variable("1/(1 − m)", "1/(1 − m)", lambda curve: 1 / (1 - curve.momentum)),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """Accuracies of some curves, each (batch_size, replica, reading), and their optima at the end."""

    protocol: Protocol
    curves: tuple[Curve, ...]
    runs: tuple[xr.Dataset, ...]
    optima: Optima

    def accuracy(self, number: int, reading: int = -1) -> FloatArray:
        """Test accuracy of a curve, (points, replicas)."""
        found: FloatArray = self.runs[number].test_accuracy.isel(reading=reading).to_numpy()
        return found


def run_curves(context: Context, source: Images, protocol: Protocol, chosen: Sequence[Curve]) -> list[xr.Dataset]:
    """Train these curves; those that another claim has trained are in the store."""
    work = [protocol.updates(curve) * sum(curve.batch_sizes) for curve in chosen]
    found = []
    for curve, share in context.shares(chosen, work):
        fixed = {
            "source": source.name, "n_examples": curve.n_examples, "hidden": protocol.hidden,
            "learning_rate": curve.learning_rate, "momentum": curve.momentum, "sampling": "without_replacement",
            "random_share": protocol.random_share, "updates": protocol.updates(curve), "readings": curve.readings,
            "replicas": protocol.replicas, "device": context.place.device,
        }  # fmt: skip
        found.append(share.sweep(trained, {"batch_size": curve.batch_sizes}, fixed, "networks on images"))
    return found


def measure(context: Context, source: Images, protocol: Protocol, rule: str, variable: Variable) -> Measured:
    """Train the curves of a rule and find their optima, as a power of the variable."""
    curves = tuple(protocol.curves[name] for name in protocol.rules[rule])
    runs = run_curves(context, source, protocol, curves)
    found = optima(
        [variable.of(curve) for curve in curves],
        [curve.effective_batch_sizes for curve in curves],
        [run.test_accuracy.isel(reading=-1).to_numpy() for run in runs],
        np.random.default_rng(context.seed("bootstrap")),
    )
    return Measured(protocol, curves, tuple(runs), found)
