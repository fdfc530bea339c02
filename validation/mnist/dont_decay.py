"""What ``dont_decay`` runs, the differences that it measures, and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr
from scipy import stats

from sgdsde.clock import overdamped
from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.context import Context
from validation.measure import mean_and_error
from validation.mnist.cells.schedules import CONTROL, FALLS, Schedule, scheduled
from validation.mnist.networks import Cells, swept

#: What the others are compared with, and the one that the paper is about.
REFERENCE, GROWS = "ε falls", "B grows"
KINDS = (*FALLS, CONTROL)
#: Quantities by their names in labels.
QUANTITIES = {"train_loss": "ln training loss", "test_accuracy": "test accuracy"}
#: Points of test accuracy within which the schedules are to agree; it stands in the protocol too.
MARGIN = 1.0


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
        """Degrees of freedom of differences that are paired by replica."""
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
    cases = (*size.same, size.fails)
    jobs = {
        case: Cells(
            "kind", (REFERENCE, GROWS) if case is size.fails else KINDS,
            {"n_examples": case.n_examples, "momentum": case.momentum, "test_stride": size.test_stride,
             **asdict(case.schedule)},
            float(case.updates(CONTROL)),
        )
        for case in cases
    }  # fmt: skip
    return [Run(case, found) for case, found in swept(context, scheduled, source, size, jobs).items()]


def curves_figure(runs: Sequence[Run]) -> Figure:
    """Training loss, and differences of test accuracy, against epochs; a row for each case, the last one fails."""
    panels = []
    for run in runs:
        kinds = [str(kind) for kind in run.found["kind"].to_numpy()]
        panels.append(
            CurvePanel("epochs", "training loss L", [_loss(run, k) for k in kinds], title=str(run.case), y_scale="log")
        )
        others = [_apart(run, kind, place - 2) for place, kind in enumerate(kinds) if kind != REFERENCE]
        words = f"test accuracy less that\nwhere {REFERENCE}, points"
        panels.append(CurvePanel("epochs", words, others, band=(-MARGIN, MARGIN), level=0.0))
    return curve_panels(panels, len(KINDS), rows=len(runs))


def _loss(run: Run, kind: str) -> Curve:
    loss = run.found["train_loss"].sel(kind=kind).to_numpy()
    return Curve(kind, run.case.schedule.readings_at, loss.mean(axis=0), loss.std(axis=0, ddof=1) / np.sqrt(len(loss)))


def _apart(run: Run, kind: str, beside: int) -> Curve:
    """Beside each other, as those that agree would else hide each other; with 95 % intervals."""
    epochs = run.case.schedule.readings_at
    value, error = 100 * np.array([run.difference("test_accuracy", kind, k) for k in range(len(epochs))]).T
    x = epochs + beside * 0.04 * epochs[0]
    return Curve(kind, x, value, stats.t.ppf(0.975, run.dof) * error, joined=False)
