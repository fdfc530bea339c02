"""What is drawn of a landscape of the user's own, where its paths start and how fast they learn: for a first look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sgdsde.landscapes import Landscape
from sgdsde.landscapes.minimum import nearby_minimum

#: Other minima are looked for so far to each side of the first, from so many starts for one variable and for two.
REACH, STARTS = 4.0, {1: 17, 2: 7}
#: The learning rate over that of which a minimum is no longer stable: in one minimum, and the most between several.
SHARE, MOST = 0.1, 0.3
#: Between several minima the rate is such that the SDE's paths leave by about e to this, in units of its relaxation.
CLIMB = 2.5
#: In standard deviations of the SDE in the minimum: from it to a start that nobody chose, and to the end of the frame.
AWAY, WIDE = 4.0, 6.0
#: Beyond the outermost minima, in shares of their distance; beyond a start where there is no minimum, and no noise.
BEYOND, NOWHERE = 0.4, 2.0
#: The least and the largest learning rate of a page.
RATE = (1e-4, 4.0)

Box = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Frame:
    """A first look.

    Attributes
    ----------
    box : d pairs of float
    w0 : (d,)
    learning_rate : float
        For batches of one example.
    wells : int
        How many minima were found.
    """

    box: Box
    w0: tuple[float, ...]
    learning_rate: float
    wells: int


def frame_of(landscape: Landscape, w0: Sequence[float] | None = None) -> Frame:
    """The frame of a landscape: all minima around that below `w0`, with room for the paths.

    Parameters
    ----------
    landscape : Landscape
        Of one variable or two.
    w0 : (d,), optional
        Where paths start. By default in the minimum where there are several, and beside it where it is alone.

    Examples
    --------
    >>> frame_of(Landscape("x**4/4 - x**2/2", "x"))
    Frame(box=((-2.3, 2.3),), w0=(1.0,), learning_rate=0.2, wells=2)
    """
    first = np.ones(landscape.dimension) if w0 is None else landscape.point(list(w0), "w0")
    home = nearby_minimum(landscape, first)
    minima = _minima(landscape, home)
    curvatures = np.abs(landscape.curvatures(np.array(minima or [first])))
    stable = 2.0 / (float(curvatures.max(initial=0.0)) or 1.0)
    if home is None:
        return Frame(_around([first], NOWHERE), tuple(first.tolist()), _round(SHARE * stable), 0)
    rate = _round(_climbing(landscape, minima, MOST * stable) if len(minima) > 1 else SHARE * stable)
    noise = float(np.abs(landscape.noise_covariance(home)).max())
    deviation = math.sqrt(rate * noise / (2 * curvatures.min())) if math.isfinite(noise) else 0.0
    if w0 is not None:
        start = first
    elif len(minima) > 1 or deviation == 0:
        start = home if len(minima) > 1 else first
    else:
        start = home + AWAY * float(f"{deviation:.1g}")
    distance = float(np.ptp(minima, axis=0).max())
    away = 2 * float(np.abs(start - home).max()) if distance == 0 else 0.0
    start = np.array([float(f"{x:.6g}") for x in start])
    box = _around([*minima, start], max(WIDE * deviation, BEYOND * distance, away) or NOWHERE)
    return Frame(_defined(landscape, box, start), tuple(start.tolist()), rate, len(minima))


def _minima(landscape: Landscape, home: NDArray[np.float64] | None) -> list[NDArray[np.float64]]:
    """The minimum of the start first, then all that are found around it."""
    if home is None:
        return []
    found = [home]
    steps = np.linspace(-REACH, REACH, STARTS[landscape.dimension])
    for place in product(steps, repeat=landscape.dimension):
        other = nearby_minimum(landscape, home + np.array(place))
        near = other is not None and np.abs(other - home).max() <= REACH
        if other is not None and near and all(np.abs(other - each).max() > 1e-3 for each in found):
            found.append(other)
    return found


def _climbing(landscape: Landscape, minima: Sequence[NDArray[np.float64]], most: float) -> float:
    """The rate at which 2ΔL/(TF), over what is highest on the straight way to the next minimum, is CLIMB."""
    home, *others = minima
    to = min(others, key=lambda each: float(np.linalg.norm(each - home))) - home
    way = home + np.linspace(0.0, 1.0, 65)[:, None] * to
    height = float(np.max(landscape.loss(way))) - float(landscape.loss(home))
    along = to / np.linalg.norm(to)
    noise = float(along @ landscape.noise_covariance(home) @ along)
    return min(2 * height / (CLIMB * noise), most) if noise > 0 and math.isfinite(height) and height > 0 else most


def _around(points: Sequence[NDArray[np.float64]], room: float) -> Box:
    room = float(f"{room:.2g}")
    low, high = np.min(points, axis=0) - room, np.max(points, axis=0) + room
    return tuple((float(f"{a:.4g}"), float(f"{b:.4g}")) for a, b in zip(low, high, strict=True))


def _defined(landscape: Landscape, box: Box, start: NDArray[np.float64]) -> Box:
    """The box without what lies beyond the places, seen from the start along each axis, where there is no loss."""
    found = []
    for i, ends in enumerate(box):
        kept = []
        for end in ends:
            way = np.repeat(start[None], 400, axis=0)
            way[:, i] = np.linspace(start[i], end, 400)
            with np.errstate(all="ignore"):
                inside = np.isfinite(landscape.loss(way)).cumprod().sum()
            kept.append(end if inside == len(way) else float(f"{way[max(int(inside) - 1, 1), i]:.4g}"))
        found.append((kept[0], kept[1]))
    return tuple(found)


def _round(rate: float) -> float:
    """The next of 1, 2, 5, 10, … below, inside of RATE."""
    rate = min(max(rate, RATE[0]), RATE[1])
    power = 10.0 ** math.floor(math.log10(rate) + 1e-9)
    return float(f"{max(k for k in (1, 2, 5) if k * power <= rate * (1 + 1e-9)) * power:.1g}")
