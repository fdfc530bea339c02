"""From readings along training to numbers at one training loss, and their comparisons over replicas."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from validation.mnist.cells.descent import WINDOW

Array = NDArray[np.float64]
#: Interpolated by their logarithms; the others as they are.
POSITIVE = ("trace", "largest", "distance")


def at_loss(runs: xr.Dataset, name: str, level: float) -> Array:
    """What `name` is at the training loss `level`: (replica,), the logarithm of what is positive.

    By a straight line in ln L through the readings with a loss within a factor of `WINDOW`, which the noise of a single
    reading moves less than it would move an interpolation. NaN where the level is not passed, or such readings are
    fewer than three.
    """
    losses, values = _pair(runs, "train_loss", name)
    logs = np.log(values) if name in POSITIVE else values
    return np.array([_fitted(x, y) for x, y in zip(np.log(losses / level), logs, strict=True)])


def _fitted(x: Array, y: Array) -> float:
    near = (np.abs(x) <= np.log(WINDOW)) & np.isfinite(y)
    if near.sum() < 3 or x.min() > 0:
        return float("nan")
    return float(np.polynomial.Polynomial.fit(x[near], y[near], 1)(0.0))


def at_level(runs: xr.Dataset, name: str, against: str, level: float) -> Array:
    """What `name` is where `against`, the distance or an accuracy, first reaches `level`: (replica,).

    Interpolated linearly between readings; NaN where the level is not passed after the first.
    """
    pairs = zip(*_pair(runs, against, name), strict=True)
    return np.array([_crossing(x, y, level) for x, y in pairs])


def _pair(runs: xr.Dataset, *names: str) -> list[Array]:
    """Two variables as (replica, reading)."""
    both = xr.broadcast(*(runs[name] for name in names))
    return [each.transpose("replica", "reading").to_numpy() for each in both]


def _crossing(x: Array, y: Array, level: float) -> float:
    passed = x >= level
    k = int(np.argmax(passed))
    if not passed[k] or not k:
        return float("nan")
    share = (level - x[k - 1]) / (x[k] - x[k - 1])
    return float(y[k - 1] + share * (y[k] - y[k - 1]))


def slopes(x: Array, y: Array) -> Array:
    """Least-squares slopes of y (points, replica) against x (points,): (replica,)."""
    centred = x - x.mean()
    return np.asarray(centred @ y / (centred @ centred))


def direction(values: Array, sign: int) -> Array:
    """`values`, unless their mean has the wrong sign: then zeros, so that no effect against the claim confirms it."""
    return values if np.sign(values.mean()) == sign else values - values.mean()


def present(values: Array) -> Array:
    """The finite ones, of replicas that reached the level; RuntimeError where they are fewer than two."""
    found = values[np.isfinite(values)]
    if len(found) < 2:
        raise RuntimeError(f"only {len(found)} of {len(values)} replicas reached the training loss of the comparison")
    return np.asarray(found)
