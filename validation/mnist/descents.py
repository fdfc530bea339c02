"""What the claims on ε/B share: networks that descend at (ε, B), and readings compared where they are equally far.

Jastrzębski et al. (arXiv 1711.04623) train to the end and compare there. Without weight decay the loss of a network
that has learnt all labels, and its Hessian with it, go on shrinking for ever: comparisons are meaningful at equal
training loss, which is where they are made here. All runs of a replica have the same images, initial weights and seed
of batches: what is particular to it cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sgdsde import statistics
from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.measure import Array
from validation.mnist.cells.descent import WINDOW
from validation.mnist.networks import Cells
from validation.signs import mean_known

#: Compared by their logarithms.
POSITIVE = ("trace", "largest", "train_loss")


class Run(NamedTuple):
    """(ε, B), or two such pairs that alternate; the distance Σ ε(k); how often it is read."""

    setting: tuple[float, ...]
    distance: float
    readings: int

    @property
    def ratio(self) -> float:
        """ε/B, at the first pair."""
        return self.setting[0] / self.setting[1]

    def cells(self, **own: Any) -> Cells:
        """`descent` of it: as `own` has it, otherwise at a constant (ε, B), with true labels and without λ_max.

        Of the labels `random_share` are random. λ_max is read about the training loss `level`, where `largest`.
        """
        usual = {"period": 1, "random_share": 0.0, "level": 1.0, "largest": False}
        fixed = {**usual, "distance": self.distance, "readings": self.readings, **own}
        return Cells("setting", [self.setting], fixed, self.distance / self.ratio)

    def __str__(self) -> str:
        pairs = [f"ε = {e:g}, B = {b:g}" for e, b in zip(self.setting[::2], self.setting[1::2], strict=True)]
        return " ↔ ".join(pairs)


def readings(runs: xr.Dataset, name: str, logs: Sequence[str] = POSITIVE) -> Array:
    """(replica, reading): of what is positive the logarithm; of distance and epochs the same in all replicas."""
    values = runs[name].broadcast_like(runs["train_loss"]).transpose("replica", "reading").to_numpy()
    return np.log(values) if name in logs else values


def at_loss(runs: xr.Dataset, name: str, level: float) -> Array:
    """What `name` is at the training loss `level`, the logarithm of what is positive: (replica,), NaN where unknown.

    By a straight line in ln L through the readings with a loss within a factor of `WINDOW`.
    """
    logs = readings(runs, name, (*POSITIVE, "distance"))
    return statistics.fitted_at_zero(np.log(readings(runs, "train_loss", ()) / level), logs, np.log(WINDOW))


def at_level(runs: xr.Dataset, name: str, against: str, level: float) -> Array:
    """What `name` is where `against`, the distance or an accuracy, first reaches `level`: (replica,)."""
    return statistics.where_reached(readings(runs, against, ()), readings(runs, name, ()), level)


def mean_along(runs: xr.Dataset, name: str, against: str, between: tuple[float, float]) -> Array:
    """Mean of `name` where `against` is `between` two values: (replica,)."""
    return statistics.mean_between(readings(runs, against), readings(runs, name), *between)


def ratio_slopes(runs: Sequence[Run], values: Iterable[Array]) -> Array:
    """Slopes of what each run has, (replica,), against ln(ε/B): (replica,)."""
    return statistics.slopes(np.log([run.ratio for run in runs]), np.array(list(values)))


def lacking(unreached: Iterable[str], where: str = "reach the training loss of the comparison") -> str:
    """Why nothing is decided where runs did not come to where they are compared; empty where all did."""
    named = "; ".join(unreached)
    return named and f"some replicas did not {where}: {named}"


def learning_figure(shares: Mapping[float, Mapping[str, xr.Dataset]]) -> Figure:
    """Test accuracy against accuracy on random labels along training, of labelled runs at each share of them."""
    panels = []
    for share, held in shares.items():
        curves = [course(label, runs, "memorised", "test_accuracy") for label, runs in held.items()]
        x = f"accuracy on the random labels, {100 * share:g} % of all"
        panels.append(CurvePanel(x, "test accuracy, true labels", curves))
    return curve_panels(panels)


def course(label: str, runs: xr.Dataset, x: str, y: str) -> Curve:
    """Means over replicas along training, with standard errors."""
    at, values = readings(runs, x, ()).mean(axis=0), runs[y].to_numpy()
    return Curve(label, at, values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def geometric(label: str, x: Iterable[float], logs: Iterable[Array], *, joined: bool = True) -> Curve:
    """Geometric means over replicas, of logarithms, with standard errors."""
    mean, error, _ = np.array([mean_known(each, np.nan) for each in logs]).T
    return Curve(label, list(x), np.exp(mean), np.exp(mean) * [1 - np.exp(-error), np.expm1(error)], joined)
