"""The runs of ``mnist_sde``: networks under SGD, its three approximations and two wrong noises, for each seed.

All runs of a seed have the same training set, initial weights and, but for the wrong noise, noise scale g: batches are
drawn with replacement, so that c = (N − 1)/(NB) and B ∝ ε keeps g exactly. There is one SDE then, whatever ε, and what
SGD does at each ε is held against it. Readings are at the same times T = εk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from validation.context import Context
from validation.measure import Array
from validation.mnist.cells.dynamics import followed, squared_deviations
from validation.mnist.networks import Cells, swept

#: At any ε, and at the smallest one only.
SGD, SVAG, NOISY = "SGD", "SVAG", "noisy gradient descent"
SDE, STRONGER, ISOTROPIC, NOISELESS = "SDE", "noise g × 1.5", "isotropic noise", "gradient descent"
#: What approximates SGD.
APPROXIMATIONS = (SVAG, NOISY, SDE)
#: Name of a run and learning rate.
Key = tuple[str, float]


@dataclass(frozen=True)
class Size:
    """Sizes and grid; replicas are those of each seed.

    ``learning_rates`` are increasing multiples of the first, at which batches have ``batch_size`` examples, the SDE
    ``substeps`` and SVAG 2 steps for an update; at others SVAG takes steps as long as SGD's at the first.
    """

    n_examples: int
    n_test: int
    hidden: int
    learning_rates: tuple[float, ...]
    batch_size: int
    time: float
    readings: int
    replicas: int
    sgd_replicas: int
    isotropic_replicas: int
    substeps: int = 2

    def __post_init__(self) -> None:
        if self.batch_size % 3:
            raise ValueError(f"batch_size must be divisible by 3, for g × 1.5, got {self.batch_size}")
        if any(abs(self.multiple(rate) * self.smallest - rate) > 1e-9 for rate in self.learning_rates):
            raise ValueError(f"learning_rates must be multiples of the first, got {self.learning_rates}")
        if list(self.learning_rates) != sorted(set(self.learning_rates)) or len(self.learning_rates) < 2:
            raise ValueError(f"learning_rates must be two or more, increasing, got {self.learning_rates}")

    @property
    def smallest(self) -> float:
        """The ε at which all dynamics are held against each other."""
        return self.learning_rates[0]

    @property
    def times(self) -> list[float]:
        """T = εk of the readings."""
        return [self.time * (i + 1) / self.readings for i in range(self.readings)]

    def multiple(self, rate: float) -> int:
        """ε over the smallest: so many times larger are batches, and so many steps has SVAG."""
        return round(rate / self.smallest)

    def label(self, run: str, rate: float) -> str:
        """A run's name, with l for SVAG, and ε where it is not the smallest."""
        name = f"SVAG({max(2, self.multiple(rate))})" if run == SVAG else run
        return name if rate == self.smallest else f"{name} at ε = {rate:g}"

    def cases(self) -> Iterator[tuple[Key, str, int, int, int]]:
        """The key of every run, with its dynamics, steps for an update, B and replicas."""
        rate, b, r = self.smallest, self.batch_size, self.replicas
        yield (NOISELESS, rate), "gd", 1, self.n_examples, 1
        yield (SDE, rate), "sde", self.substeps, b, r
        yield (STRONGER, rate), "noisy_gd", 1, b * 2 // 3, r
        yield (ISOTROPIC, rate), "isotropic", 1, b, self.isotropic_replicas
        for rate in self.learning_rates:
            b = self.batch_size * self.multiple(rate)
            yield (SGD, rate), "sgd", 1, b, self.sgd_replicas
            yield (SVAG, rate), "svag", max(2, self.multiple(rate)), b, r
            yield (NOISY, rate), "noisy_gd", 1, b, r


@dataclass(frozen=True)
class Runs:
    """What was run, and the statistics of it as (seed, replica, reading)."""

    size: Size
    seeds: int
    found: dict[Key, xr.Dataset]

    def of(self, key: Key, name: str) -> Array:
        """A variable of a run, with its replicas by seed, (seed, replica, …)."""
        values = self.found[key][name].to_numpy()
        return values.reshape(self.seeds, -1, *values.shape[1:])

    def statistic(self, key: Key, name: str) -> Array:
        """The same, or one of two that are made of others.

        ``excess`` is the training loss above that of gradient descent; ``output_spread`` is the root of the squared
        deviation of outputs, whose squares, which some replicas swing far in, would need many times more replicas.
        """
        if name == "excess":
            return self.of(key, "train_loss") - self.of((NOISELESS, self.size.smallest), "train_loss")
        if name == "output_spread":
            return np.sqrt([squared_deviations(each) for each in self.of(key, "outputs")])
        return self.of(key, name)

    def of_noise(self, key: Key, name: str) -> Array:
        """What noise did to a variable at the end, (all replicas, …): less what it is without noise, seed by seed."""
        quiet = self.of((NOISELESS, self.size.smallest), name)
        noisy = self.of(key, name) - quiet
        return noisy.reshape(-1, *noisy.shape[2:])[:, -1]


def run_all(context: Context, source: str, size: Size) -> Runs:
    """Every case."""
    every = {"time": size.time, "readings": size.readings}
    jobs = {
        (run, rate): Cells(
            "learning_rate", [rate],
            {**every, "dynamics": dynamics, "substeps": steps, "batch_size": batch, "replicas": replicas},
            5 + steps * replicas * size.smallest / rate,
        )
        for (run, rate), dynamics, steps, batch, replicas in size.cases()
    }  # fmt: skip
    return Runs(size, len(context.seeds), swept(context, followed, source, size, jobs, single=True))
