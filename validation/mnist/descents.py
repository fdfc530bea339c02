"""What the claims on ε/B share: networks that descend at (ε, B), and their readings compared along training."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from validation.context import Context
from validation.mnist.cells.descent import descent
from validation.mnist.three_factors.runs import Run

Array = NDArray[np.float64]
#: Compared by their logarithms.
POSITIVE = ("trace", "largest", "train_loss")


class Sized(Protocol):
    """What sizes of these claims say of networks: hidden units, test images, and replicas of each seed."""

    @property
    def hidden(self) -> int: ...

    @property
    def n_test(self) -> int: ...

    @property
    def replicas(self) -> int: ...


def descended(
    context: Context,
    source: str,
    size: Sized,
    run: Run,
    n_examples: int,
    *,
    share: float = 0.0,
    level: float = 1.0,
    largest: bool = False,
) -> xr.Dataset:
    """`descent` at a constant (ε, B) as a sweep of its own, (replica, reading); replicas are the same in all.

    Of the labels a `share` is random. λ_max is read about the training loss `level`, where `largest`.
    """
    fixed = {
        "source": source, "n_examples": n_examples, "hidden": size.hidden, "period": 1, "n_test": size.n_test,
        "replicas": size.replicas, "device": context.place.device, "random_share": share, "level": level,
        "largest": largest, "distance": run.distance, "readings": run.readings,
    }  # fmt: skip
    found = context.sweep(descent, {"setting": [run.setting]}, fixed, "replicas").isel(setting=0)
    return found.transpose("replica", "reading")


def readings(runs: xr.Dataset, name: str) -> Array:
    """(replica, reading): of what is positive the logarithm; of distance and epochs the same in all replicas."""
    values = runs[name].broadcast_like(runs["train_loss"]).transpose("replica", "reading").to_numpy()
    return np.log(values) if name in POSITIVE else values


def mean_along(runs: xr.Dataset, name: str, against: str, between: tuple[float, float]) -> Array:
    """Mean of `name` where `against` is `between` two values, each value of it counting alike: (replica,).

    By straight lines from reading to reading in the order of `against`, which need not be that of time. NaN in a
    replica whose readings do not reach both ends.
    """
    fine = np.linspace(*between, 201)
    pairs = zip(readings(runs, against), readings(runs, name), strict=True)
    return np.array([_mean(fine, x, y) for x, y in pairs])


def _mean(fine: Array, x: Array, y: Array) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[known], kind="stable")
    x, y = x[known][order], y[known][order]
    if not len(x) or x[0] > fine[0] or x[-1] < fine[-1]:
        return float("nan")
    return float(np.interp(fine, x, y).mean())
