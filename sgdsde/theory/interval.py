"""The interval around a start that paths leave: from two numbers, or from a condition such as ``"x > 0 or x < -2"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import real
from sgdsde.regions import Region, is_affine, parse_regions
from sgdsde.theory.surface import Surface, line_of

Array = NDArray[np.float64]
Ends: TypeAlias = tuple[float | None, float | None]

#: Distances from the start at which conditions that are not affine are looked at, each 0.14 % beyond the last.
DISTANCES: Array = np.geomspace(1e-12, 1e12, 40_001)
_PARTS: Array = np.linspace(0.0, 1.0, 257)
_CUTS = 140  # into these parts, from any two floats to two neighbours


def interval(
    landscape: Surface,
    w0: float,
    left: float | None = None,
    right: float | None = None,
    stop: str | Mapping[str, str] | None = None,
) -> tuple[float, Ends]:
    """Start and ends of the interval that paths leave, None for an open side.

    Parameters
    ----------
    landscape : Landscape
        Of one variable.
    w0 : float
        Where paths begin.
    left, right : float or None
        The ends.
    stop : str or mapping, optional
        In place of them, a condition as of :func:`sgdsde.regions.parse_regions`, or several by name: the ends are where
        paths first meet one of them. Ends where an affine expression changes its sign are exact to rounding; others are
        bracketed at :data:`DISTANCES` first, so that what is narrower than 0.14 % of its distance may be missed.

    Raises
    ------
    ValueError
        When an argument is not as above, `w0` is not between the ends, or there is no end at all.

    Examples
    --------
    >>> from sgdsde.landscapes import Landscape
    >>> interval(Landscape("x**2", "x", {"a": 0.5}), -1.0, stop="x > a or x**2 > 4")
    (-1.0, (-2.0, 0.5))
    """
    line_of(landscape)
    x0 = float(landscape.point(w0, "w0")[0])
    if stop is not None:
        if left is not None or right is not None:
            raise ValueError("give stop, or left and right, not both")
        return x0, _where(landscape, x0, stop)
    low = None if left is None else real("left", left)
    high = None if right is None else real("right", right)
    if low is not None and not low < x0:
        raise ValueError(f"left must be below w0 = {x0:g}, got {left!r}")
    if high is not None and not x0 < high:
        raise ValueError(f"right must be above w0 = {x0:g}, got {right!r}")
    if low is None and high is None:
        raise ValueError("left or right must be a number, or stop a condition: otherwise there is no end to leave by")
    return x0, (low, high)


def _where(landscape: Surface, x0: float, stop: str | Mapping[str, str]) -> Ends:
    regions = parse_regions(stop, [*landscape.variables, *landscape.parameters])
    for region in regions:
        if landscape.holds(region, [x0]):
            raise ValueError(f"w0 must be outside of stop, where paths end; {region.condition!r} holds at {x0:g}")
    ends = []
    for sign in (-1, 1):
        met = [end for region in regions if (end := _end(landscape, region, x0, sign)) is not None]
        ends.append(min(met, key=lambda end: abs(end - x0)) if met else None)
    if x0 in ends:
        raise ValueError(f"w0 must be outside of stop, where paths end; {x0:g} is on the edge of {stop!r}")
    if ends == [None, None]:
        raise ValueError(
            f"stop must hold somewhere that paths from w0 = {x0:g} can reach; {stop!r} is met nowhere from "
            f"{x0 - DISTANCES[-1]:.3g} to {x0 + DISTANCES[-1]:.3g}"
        )
    return ends[0], ends[1]


def _end(landscape: Surface, region: Region, x0: float, sign: int) -> float | None:
    """The point of the region's edge that is nearest to x0 on one side; None where the region is not met."""
    affine, others = [], False
    for margin in dict.fromkeys(margin for each in region.alternatives for margin in each):
        if is_affine(margin, landscape.variables):
            affine.append(_root(landscape, margin))
        else:
            others = True
    roots = np.unique([sign * (root - x0) for root in affine if root is not None])
    roots = roots[roots >= 0]
    # Between roots of affine margins lie regions of any width, and beyond the last.
    probes = [roots, (roots[1:] + roots[:-1]) / 2, 2 * roots[-1:] + 1.0, DISTANCES if others else []]
    places = np.unique(x0 + sign * np.concatenate([[0.0], *probes]))[::sign]
    places = places[np.isfinite(places)]
    inside = np.flatnonzero(landscape.holds(region, places[:, None]))
    if not len(inside):
        return None
    outer, inner = float(places[inside[0] - 1]), float(places[inside[0]])
    for _ in range(_CUTS):
        between = np.clip((1 - _PARTS) * outer + _PARTS * inner, min(outer, inner), max(outer, inner))
        places = np.unique(between)[::sign]
        first = np.flatnonzero(landscape.holds(region, places[:, None]))[0]
        outer, inner = float(places[first - 1]), float(places[first])
        if len(places) == 2:
            break
    return outer


def _root(landscape: Surface, margin: str) -> float | None:
    """Where an affine margin is zero; None when it is constant, or the zero is beyond the floats."""
    alone = Region("", margin, ((margin,),))
    at = {step: float(landscape.margin(alone, [step])) for step in (0.0, *2.0 ** np.arange(-1000, 1001, 50))}
    known = at.pop(0.0)
    # The shortest step that the value at zero does not swallow.
    step = next(
        (float(step) for step, value in at.items() if np.isfinite(value) and abs(value - known) > abs(known)), None
    )
    if step is None:
        return None
    slope = (at[step] - known) / step
    root = -known / slope
    return root - float(landscape.margin(alone, [root])) / slope
