"""Observe: what a run is to gather beside the mean and covariance, in memory that does not grow with the updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sgdsde.arguments import LARGEST, SMALLEST, as_integer, as_real
from sgdsde.engines.observers import Axis, Observers, membership
from sgdsde.regions import Region, parse_regions

if TYPE_CHECKING:
    from sgdsde.landscapes import Landscape

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
    on a GPU) on ``"torch"``, and all of them on ``"numpy"``. On engine ``"numba"`` an update of a path takes 1 to 3 ns
    of a core longer for a histogram of one variable, by its size, and 0.1 to 0.2 ns for `moments` or a region.

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
        if as_integer(self.moments) not in (2, 4):
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
            unknown = next((name for name in names_of(key) if name not in places), None)
            if unknown is not None:
                raise ValueError(
                    f"histogram[{key!r}]: {unknown!r} is no variable of the landscape, which has "
                    f"{', '.join(landscape.variables)}"
                )
        histograms = tuple(
            tuple(Axis(places[name], *each) for name, each in zip(names_of(key), ranges, strict=True))
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
        histograms = [[list(names_of(key)), [list(each) for each in ranges]] for key, ranges in self._checked()]
        return {"moments": int(self.moments), "histogram": histograms, "occupancy": dict(self.occupancy)}


def names_of(key: Any) -> tuple[str, ...]:
    """The variables that a key of `histogram` names."""
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
    if len(each) != len(names_of(key)) or any(len(one) != 3 for one in each):
        raise wrong
    found = []
    for one in each:
        low, high, bins = as_real(one[0]), as_real(one[1]), as_integer(one[2])
        if low is None or high is None or bins is None or bins < 1 or not low < high:
            raise wrong
        width = (high - low) / bins
        if not (low < low + width and high - width < high and SMALLEST < width < LARGEST):
            raise ValueError(f"histogram[{key!r}] must have bins whose edges are different numbers, got {given!r}")
        found.append((low, high, bins))
    return tuple(found)
