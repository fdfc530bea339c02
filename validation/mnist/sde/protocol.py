"""Protocol of the claim ``mnist_sde``: one network under SGD, its three approximations and two wrong noises.

All runs have the same training set, initial weights and, but for the wrong noise, noise scale g: batches are drawn with
replacement, so that c = (N − 1)/(NB) and B ∝ ε keeps g exactly. There is one SDE then, whatever ε, and what SGD does at
each ε is held against it. Readings are at the same times T = εk. Sizes are fixed here, after pilot runs on other seeds.
First runs at seeds 0 and 1, whose errors were too large to decide, settled how many replicas the largest eigenvalue,
g × 1.5 and SGD at larger ε have, and that the spread of outputs is a root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from validation.context import Context
from validation.mnist.cells.dynamics import followed
from validation.mnist.images import Images
from validation.sizes import by_source

#: At any ε, and at the smallest one only.
SGD, SVAG, NOISY = "SGD", "SVAG", "noisy gradient descent"
SDE, STRONGER, ISOTROPIC, NOISELESS = "SDE", "noise g × 1.5", "isotropic noise", "gradient descent"
#: What approximates SGD.
APPROXIMATIONS = (SVAG, NOISY, SDE)
#: By name of a run and learning rate.
Runs = dict[tuple[str, float], xr.Dataset]


@dataclass(frozen=True)
class Protocol:
    """Everything that is fixed before the first run.

    ``learning_rates`` are increasing multiples of the first, at which batches have ``batch_size`` examples, the SDE
    ``substeps`` and SVAG 2 steps for an update; at others SVAG takes steps as long as SGD's at the first. SGD and
    g × 1.5 have ``batch_replicas``, the others have ``replicas`` at the first ε; isotropic noise, and all but SGD at
    larger ε, have ``other_replicas``. Largest eigenvalues are measured on ``curvatures`` replicas at the first ε.
    """

    n_examples: int
    n_test: int
    hidden: int
    learning_rates: tuple[float, ...]
    batch_size: int
    time: float
    readings: int
    replicas: int
    batch_replicas: int
    other_replicas: int
    curvatures: int
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

    def multiple(self, learning_rate: float) -> int:
        """ε over the smallest: so many times larger are batches, and so many steps has SVAG."""
        return round(learning_rate / self.smallest)

    def svag_steps(self, learning_rate: float) -> int:
        """l of SVAG(l)."""
        return max(2, self.multiple(learning_rate))

    def cases(self) -> Iterator[tuple[str, float, str, int, int, int]]:
        """Name, ε, dynamics, steps for an update, B and replicas of every run."""
        rate, b, r, other = self.smallest, self.batch_size, self.replicas, self.other_replicas
        yield NOISELESS, rate, "gd", 1, self.n_examples, 1
        yield SGD, rate, "sgd", 1, b, self.batch_replicas
        yield SVAG, rate, "svag", self.svag_steps(rate), b, r
        yield NOISY, rate, "noisy_gd", 1, b, r
        yield SDE, rate, "sde", self.substeps, b, r
        yield STRONGER, rate, "noisy_gd", 1, b * 2 // 3, self.batch_replicas
        yield ISOTROPIC, rate, "isotropic", 1, b, other
        for rate in self.learning_rates[1:]:
            size = b * self.multiple(rate)
            yield SGD, rate, "sgd", 1, size, self.batch_replicas
            yield SVAG, rate, "svag", self.svag_steps(rate), size, other
            yield NOISY, rate, "noisy_gd", 1, size, other


#: By name of the data set and preset.
PROTOCOLS = by_source("mnist_sde", Protocol)


def run_all(context: Context, source: Images, protocol: Protocol) -> Runs:
    """Every case, each a sweep of one cell: it is kept when the next one is stopped."""
    runs: Runs = {}
    cases = list(protocol.cases())
    for done, (name, rate, dynamics, steps, size, replicas) in enumerate(cases, 1):
        fixed = {
            "source": source.name, "n_examples": protocol.n_examples, "n_test": protocol.n_test,
            "hidden": protocol.hidden, "dynamics": dynamics, "substeps": steps, "batch_size": size,
            "time": protocol.time, "readings": protocol.readings, "replicas": replicas,
            "curvatures": protocol.curvatures if rate == protocol.smallest else 0,
            "data_seed": context.seed("images and weights"), "seed": context.seed(name, rate),
            "device": context.place.device,
        }  # fmt: skip
        runs[name, rate] = context.sweep(followed, {"learning_rate": [rate]}, fixed).isel(learning_rate=0)
        context.progress(done / len(cases))
    return runs
