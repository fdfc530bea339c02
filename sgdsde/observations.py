"""What a run with `observe` found: histograms, shares of time, moments, each with its error over paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.engines.observers import Axis, Observers, Tally
from sgdsde.engines.registry import Outcome
from sgdsde.layout import one_line
from sgdsde.observe import Observe, names_of
from sgdsde.statistics import Estimate, HigherMoments, mean_over_paths, pooled_higher_moments

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Histogram:
    """How long paths were in each bin: shares of the updates after `burn_in`, averaged over paths that stayed finite.

    Standard errors are those of the mean over paths, from the spread of each path's own share: paths are independent,
    updates of one path are not, nor are bins. NaN with fewer than two paths.

    Attributes
    ----------
    variables : tuple of str
        One or two; an axis for each.
    edges : tuple of (bins + 1,)
        For each axis. A bin has its lower edge, not its upper.
    share : Estimate, (bins,) or (bins, bins)
        With `outside` they sum to 1.
    below, above : Estimate, (axes,)
        Share below the range of each axis, and above it (its upper edge included).
    outside : Estimate
        Share in no bin.
    """

    variables: tuple[str, ...]
    edges: tuple[Array, ...]
    share: Estimate
    below: Estimate
    above: Estimate
    outside: Estimate

    __repr__ = one_line

    @property
    def centres(self) -> tuple[Array, ...]:
        """Middles of the bins, for each axis."""
        return tuple((edges[1:] + edges[:-1]) / 2 for edges in self.edges)

    @property
    def density(self) -> Estimate:
        """Share by the size of the bin: probability density, of the shape of `share`."""
        size = math.prod((edges[-1] - edges[0]) / (len(edges) - 1) for edges in self.edges)
        return Estimate(self.share.value / size, self.share.standard_error / size)

    @classmethod
    def of(cls, variables: tuple[str, ...], axes: tuple[Axis, ...], cells: Estimate, around: Estimate) -> Histogram:
        """The histogram made of the shares of all cells, and of those below and above on each axis and outside."""
        edges = tuple(np.linspace(axis.low, axis.high, axis.bins + 1) for axis in axes)
        inner = (slice(1, -1),) * len(axes)
        shape = tuple(axis.cells for axis in axes)

        def part(of: Estimate, take: Any, shape: Any = -1) -> Estimate:
            value, error = (np.reshape(each, shape)[take] for each in (of.value, of.standard_error))
            return Estimate(value, error) if np.ndim(value) else Estimate(float(value), float(error))

        ends = 2 * len(axes)
        return cls(
            variables, edges, part(cells, inner, shape), part(around, slice(0, ends, 2)),
            part(around, slice(1, ends, 2)), part(around, -1),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Observations:
    """What a run with ``observe`` found. Paths that diverged are left out; errors are from the spread over paths.

    Attributes
    ----------
    moments : HigherMoments or None
        Third and fourth central moments, skewness and kurtosis of each variable.
    occupancy : dict of str to Estimate
        Share of the updates after `burn_in` that paths were in each region, at the ends of updates.
    histograms : dict of str, or of pairs of str, to Histogram
    conditions : dict of str to str
        Of the regions.
    path_third, path_fourth : (paths, d)
        Central moments over time of each path about its own mean; NaN for diverged paths. (paths, 0) if not asked for.
    path_occupancy : (paths, regions)
        Of each path; NaN for diverged ones.
    """

    moments: HigherMoments | None
    occupancy: Mapping[str, Estimate]
    histograms: Mapping[Any, Histogram]
    conditions: Mapping[str, str]
    path_third: Array
    path_fourth: Array
    path_occupancy: Array

    __repr__ = one_line

    @classmethod
    def of(
        cls, outcome: Outcome, observe: Observe | None, observers: Observers, finite: NDArray[np.bool_], count: int
    ) -> Observations | None:
        """What was observed over `count` updates of a run; None where nothing was to be observed."""
        seen = outcome.observed
        if observe is None:
            return None
        paths = len(finite)
        nothing = np.empty((paths, 0))
        third, fourth, inside = (nothing,) * 3 if seen is None else (seen.third, seen.fourth, seen.inside)
        for values in (third, fourth, inside):
            values[~finite] = np.nan
        moments = None
        if observers.fourth:
            variance = np.diagonal(outcome.covariance, axis1=1, axis2=2)
            moments = pooled_higher_moments(*(each[finite] for each in (outcome.mean, variance, third, fourth)))
        shares = [mean_over_paths(each) for each in inside[finite].T]
        return cls(
            moments,
            dict(zip(observe.occupancy, shares, strict=True)),
            {} if seen is None else _histograms(observe, observers, seen.tally, count),
            dict(observe.occupancy),
            third, fourth, inside,
        )  # fmt: skip

    def variables(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Variables and coordinates of a dataset: (dimensions, values, attributes) by name."""
        variables: dict[str, Any] = {}
        coordinates: dict[str, Any] = {}

        def put(name: str, dimensions: tuple[str, ...], estimate: Estimate, about: str) -> None:
            variables[name] = (dimensions, estimate.value, {"long_name": about, "units": "1"})
            error = {"long_name": f"standard error of the {about}", "units": "1"}
            variables[f"{name}_error"] = (dimensions, estimate.standard_error, error)

        if self.moments is not None:
            for order, name in (("third", "w_third"), ("fourth", "w_fourth")):
                put(name, ("parameter",), getattr(self.moments, order), f"{order} central moment of ω")
            put("skewness", ("parameter",), self.moments.skewness, "skewness of ω")
            put("kurtosis", ("parameter",), self.moments.kurtosis, "excess kurtosis of ω")
        if self.occupancy:
            both = list(zip(*((one.value, one.standard_error) for one in self.occupancy.values()), strict=True))
            put("occupancy", ("region",), Estimate(*map(np.array, both)), "share of the updates in a region")
            coordinates["region"] = list(self.occupancy)
        for found in self.histograms.values():
            name = "_".join(("histogram", *found.variables))
            inner = tuple(f"{name}_in_{variable}" for variable in found.variables)
            put(name, inner, found.share, "share of the updates in a bin")
            for word, estimate in (("below", found.below), ("above", found.above)):
                put(f"{name}_{word}", (f"{name}_axis",), estimate, f"share of the updates {word} the range")
            put(f"{name}_outside", (), found.outside, "share of the updates in no bin")
            coordinates[f"{name}_axis"] = list(found.variables)
            for dimension, centres, edges in zip(inner, found.centres, found.edges, strict=True):
                about = {"long_name": "middle of the bin", "low": edges[0], "high": edges[-1]}
                coordinates[dimension] = ((dimension,), centres, about)
        return variables, coordinates


def _histograms(observe: Observe, observers: Observers, tally: Tally, count: int) -> dict[Any, Histogram]:
    n = tally.paths
    with np.errstate(all="ignore"):
        mean = tally.total / n / count
        spread = np.maximum(tally.squares - tally.total**2 / n, 0.0) / (n - 1)
        error = np.sqrt(spread / n) / count if n > 1 else np.full_like(mean, np.nan)
    cell, beside = 0, observers.cells
    found = {}
    for key, axes in zip(observe.histogram, observers.histograms, strict=True):
        size, around = math.prod(axis.cells for axis in axes), 2 * len(axes) + 1
        parts = (slice(cell, cell + size), slice(beside, beside + around))
        found[key] = Histogram.of(names_of(key), axes, *(Estimate(mean[part], error[part]) for part in parts))
        cell, beside = cell + size, beside + around
    return found
