"""What ``dont_decay`` runs, and the differences that it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr

from sgdsde.clock import overdamped
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.cells.schedules import CONTROL, FALLS, Schedule, scheduled

#: What the others are compared with, and the one that the paper is about.
REFERENCE, GROWS = "ε falls", "B grows"
KINDS = (*FALLS, CONTROL)
#: Quantities by their names in labels.
QUANTITIES = {"train_loss": "ln training loss", "test_accuracy": "test accuracy"}


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
class Size:
    """Cases in which the schedules do the same, one in which they must not, and replicas of each seed."""

    same: tuple[Case, ...]
    fails: Case
    replicas: int
    hidden: int = 800
    test_stride: int = 4


@dataclass(frozen=True, eq=False)
class Run:
    """One case's networks: ``train_loss``, ``test_accuracy``, ``diverged`` over (kind, replica, reading)."""

    case: Case
    found: xr.Dataset

    @property
    def dof(self) -> int:
        """Of differences that are paired by replica."""
        return self.found.sizes["replica"] - 1

    def difference(self, quantity: str, kind: str, reading: int) -> tuple[float, float]:
        """Mean over replicas of the difference from the run whose ε falls, and its standard error.

        Of losses, which differ in proportion, the difference of the logarithms.
        """
        values = self.found[quantity].isel(reading=reading)
        one, other = (values.sel(kind=each).to_numpy() for each in (kind, REFERENCE))
        pairs = np.log(one / other) if quantity == "train_loss" else one - other
        return mean_and_error(pairs)


def run_all(context: Context, source: str, size: Size) -> list[Run]:
    """Train all networks: those of the cases that are the same, and last those of the failure."""
    cases, runs = (*size.same, size.fails), []
    for case, part in context.shares(cases, _work(cases)):
        kinds = (REFERENCE, GROWS) if case is size.fails else KINDS
        fixed = {
            "source": source, "n_examples": case.n_examples, "hidden": size.hidden, "momentum": case.momentum,
            "test_stride": size.test_stride, "replicas": size.replicas, "device": context.place.device,
            **asdict(case.schedule),
        }  # fmt: skip
        found = part.sweep(scheduled, {"kind": kinds}, fixed, "networks")
        runs.append(Run(case, found.transpose("kind", "replica", "reading")))
    return runs


def _work(cases: Sequence[Case]) -> list[float]:
    return [float(case.updates(CONTROL)) for case in cases]
