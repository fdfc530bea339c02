"""What ``dont_decay`` runs, fixed beforehand after pilot runs on other seeds, and the differences it measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr

from sgdsde.clock import overdamped
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.cells.schedules import CONTROL, FALLS, Schedule, scheduled
from validation.mnist.images import Images
from validation.sizes import by_source

#: What the others are compared with.
REFERENCE = "ε falls"
KINDS = (*FALLS, CONTROL)
#: What is run where the schedules must not do the same.
FAILURE = (REFERENCE, "B grows")


@dataclass(frozen=True)
class Case:
    """A schedule at one N and m."""

    schedule: Schedule
    momentum: float
    n_examples: int

    def clock(self, kind: str) -> float:
        """s = Σ ε/(1 − m) at the end."""
        rates = self.schedule.courses(kind, self.n_examples).learning_rates
        return float(overdamped(rates, 1.0, self.momentum).update.sum())

    def updates(self, kind: str) -> int:
        """How many until the end."""
        return len(self.schedule.courses(kind, self.n_examples).learning_rates)

    def last_updates(self, kind: str) -> int:
        """How many after the last drop."""
        return self.updates(kind) - int(self.schedule.courses(kind, self.n_examples).marks[-1 - self.schedule.readings])

    def __str__(self) -> str:
        first = self.schedule
        return f"ε = {first.learning_rate:g}, B = {first.batch_size}, a = {first.factor}, m = {self.momentum:g}"


@dataclass(frozen=True)
class Protocol:
    """Cases in which the schedules do the same, one in which they must not, and the networks trained in each."""

    same: tuple[Case, ...]
    fails: Case
    replicas: int
    replicas_of_failure: int
    hidden: int = 800
    test_stride: int = 4

    @property
    def tests(self) -> int:
        """Loss and accuracy of two schedules at every reading after the first drop, clocks, and the failure."""
        readings = sum(case.schedule.drops * case.schedule.readings for case in self.same)
        return 2 * (len(FALLS) - 1) * readings + len(self.same) + 1


#: By name of the data set and preset. ε/(1 − m) is small, but where few updates fit into 1/(1 − m).
PROTOCOLS = by_source("dont_decay", Protocol)


@dataclass(frozen=True, eq=False)
class Run:
    """One case's networks: ``train_loss``, ``test_accuracy``, ``diverged`` over (kind, replica, reading)."""

    case: Case
    found: xr.Dataset

    def difference(self, quantity: str, kind: str, reading: int) -> tuple[float, float]:
        """Mean over replicas of the difference from the run whose ε falls, and its standard error.

        Of losses, which differ in proportion, the difference of the logarithms.
        """
        values = self.found[quantity].isel(reading=reading)
        one, other = (values.sel(kind=each).to_numpy() for each in (kind, REFERENCE))
        pairs = np.log(one / other) if quantity == "train_loss" else one - other
        return mean_and_error(pairs)


def measure(
    context: Context, protocol: Protocol, source: Images, progress: Callable[[float], None] = lambda fraction: None
) -> tuple[list[Run], Run]:
    """Train all networks: those of the cases that are the same, and those of the failure."""
    runs: list[Run] = []
    for case in (*protocol.same, protocol.fails):
        kinds, replicas = (
            (FAILURE, protocol.replicas_of_failure) if case is protocol.fails else (KINDS, protocol.replicas)
        )
        fixed = {
            "source": source.name, "n_examples": case.n_examples, "hidden": protocol.hidden,
            "momentum": case.momentum, "test_stride": protocol.test_stride, "replicas": replicas,
            "seed": context.seed("networks"), "device": context.place.device, **asdict(case.schedule),
        }  # fmt: skip
        runs.append(Run(case, context.sweep(scheduled, {"kind": kinds}, fixed)))
        progress(len(runs) / (1 + len(protocol.same)))
    return runs[:-1], runs[-1]
