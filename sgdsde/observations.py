"""What a run is to observe beside the mean and covariance, and what it found: in memory that does not grow with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import LARGEST, SMALLEST, as_real, as_whole
from sgdsde.engines.observers import Axis, Observers, Tally, membership
from sgdsde.engines.registry import Outcome
from sgdsde.layout import one_line
from sgdsde.regions import Region, parse_regions
from sgdsde.statistics import Estimate, HigherMoments, mean_over_paths, pooled_higher_moments

if TYPE_CHECKING:
    from sgdsde.landscapes import Landscape

Array = NDArray[np.float64]
#: A variable's name, or those of two.
Key: TypeAlias = "str | tuple[str, str]"

_RANGE = "(low, high, bins) with finite low < high and a whole number of bins, at least 1"


@dataclass(frozen=True)
class Observe:
    """What to gather at the end of every update after `burn_in`, beside mean and covariance.

    Parameters
    ----------
    moments : 2 or 4
        4: third and fourth central moments of each variable too, with skewness and kurtosis.
    histogram : mapping
        Variable → ``(low, high, bins)``: bins of equal width, each with its lower edge, not its upper. Or a pair of
        variables → a pair of these, ``{("x", "y"): ((-2, 2, 40), (-1, 1, 20))}``. What lies outside is counted too.
    occupancy : mapping of str to str
        Name → condition, such as ``{"left": "x < 0"}``: comparisons joined by ``and`` and ``or``, at most 16.

    Raises
    ------
    ValueError
        For moments that are neither 2 nor 4, a range that is empty or not finite, and what is no mapping. Names and
        conditions are checked with the landscape, before any work.

    Notes
    -----
    Memory does not grow with the updates: 2d numbers for each path for `moments`, one for each region, and 8 bytes for
    each bin and each path in hand, which are 128 for each core on engine ``"numba"``, as many as fit into 64 MB (1 GB
    on a GPU) on ``"torch"``, and all of them on ``"numpy"``. On engine ``"numba"`` an update of a path takes 2 to 10 ns of
    a core longer for a histogram, by its size, and about 1 ns for `moments` or a region.

    Examples
    --------
    >>> import sgdsde as sg
    >>> wells = sg.Landscape("x**4/4 - x**2/2", "x")
    >>> watch = Observe(moments=4, histogram={"x": (-2, 2, 40)}, occupancy={"left": "x < 0", "right": "x > 0"})
    >>> run = sg.simulate_sgd(wells, sg.SGDConfig(0.1, 4, 64), 1.0, updates=500, paths=256, observe=watch)
    >>> run.histograms["x"].share.value.shape, sorted(run.occupancy)
    ((40,), ['left', 'right'])
    """

    moments: int = 2
    histogram: Mapping[Any, Any] = field(default_factory=dict)
    occupancy: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if as_whole(self.moments) not in (2, 4):
            raise ValueError(f"moments must be 2 or 4, got {self.moments!r}")
        if not isinstance(self.histogram, Mapping):
            raise ValueError(f"histogram must map variables to (low, high, bins), got {self.histogram!r}")
        if not isinstance(self.occupancy, Mapping):
            raise ValueError(
                f"occupancy must map names to conditions, such as {{'left': 'x < 0'}}, got {self.occupancy!r}"
            )
        for key, given in self.histogram.items():
            _ranges(key, given)
        object.__setattr__(self, "histogram", dict(self.histogram))  # what was checked, whatever becomes of the given
        object.__setattr__(self, "occupancy", dict(self.occupancy))

    def regions(self, landscape: Landscape) -> tuple[Region, ...]:
        """The regions of `occupancy`; ValueError for a condition that is none on this landscape."""
        if not self.occupancy:
            return ()
        return parse_regions(self.occupancy, [*landscape.variables, *landscape.parameters], "occupancy")

    def observers(self, landscape: Landscape) -> Observers:
        """What engines are asked.

        Raises
        ------
        ValueError
            When a name is no variable of the landscape, or a condition does not read as one.
        """
        places = {name: place for place, name in enumerate(landscape.variables)}
        for key in self.histogram:
            unknown = next((name for name in _names(key) if name not in places), None)
            if unknown is not None:
                raise ValueError(
                    f"histogram[{key!r}]: {unknown!r} is no variable of the landscape, which has "
                    f"{', '.join(landscape.variables)}"
                )
        histograms = tuple(
            tuple(Axis(places[name], *each) for name, each in zip(_names(key), ranges, strict=True))
            for key, ranges in self._checked()
        )
        regions = self.regions(landscape)
        if not regions:
            return Observers(self.moments == 4, histograms=histograms)
        margins = list(dict.fromkeys(m for region in regions for each in region.alternatives for m in each))
        block = landscape.block(("margins", *margins))
        of = [[[margins.index(m) for m in each] for each in region.alternatives] for region in regions]
        constants = block.constant_values(landscape.scalars)
        return Observers(self.moments == 4, membership(block, of), constants, histograms)

    def _checked(self) -> list[tuple[Any, tuple[tuple[float, float, int], ...]]]:
        return [(key, _ranges(key, given)) for key, given in self.histogram.items()]

    def told(self) -> dict[str, Any]:
        """As JSON takes it, for the provenance."""
        histograms = [[list(_names(key)), [list(each) for each in ranges]] for key, ranges in self._checked()]
        return {"moments": int(self.moments), "histogram": histograms, "occupancy": dict(self.occupancy)}


def _names(key: Any) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def _ranges(key: Any, given: Any) -> tuple[tuple[float, float, int], ...]:
    """One checked range for each variable of a histogram."""
    pair = isinstance(key, tuple)
    if not (isinstance(key, str) or (pair and len(key) == 2 and all(isinstance(name, str) for name in key))):
        raise ValueError(f"histogram must have a variable or a pair of them for a key, got {key!r}")
    if pair and key[0] == key[1]:
        raise ValueError(f"histogram must have two different variables in a pair, got {key!r}")
    wanted = f"a pair of {_RANGE}" if pair else _RANGE
    wrong = ValueError(f"histogram[{key!r}] must be {wanted}; got {given!r}")
    try:
        each = [tuple(one) for one in (given if pair else [given])]
    except TypeError:
        raise wrong from None
    if len(each) != len(_names(key)) or any(len(one) != 3 for one in each):
        raise wrong
    found = []
    for one in each:
        low, high, bins = as_real(one[0]), as_real(one[1]), as_whole(one[2])
        if low is None or high is None or bins is None or bins < 1 or not low < high:
            raise wrong
        width = (high - low) / bins
        if not (low < low + width and high - width < high and SMALLEST < width < LARGEST):
            raise ValueError(f"histogram[{key!r}] must have bins whose edges are different numbers, got {given!r}")
        found.append((low, high, bins))
    return tuple(found)


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
        """Of shares of all cells, and of those below and above on each axis and outside."""
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
        """Of `count` updates of a run; None where nothing was to be observed."""
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
        found[key] = Histogram.of(_names(key), axes, *(Estimate(mean[part], error[part]) for part in parts))
        cell, beside = cell + size, beside + around
    return found
