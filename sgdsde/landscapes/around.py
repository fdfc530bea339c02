"""The minima of a landscape that are easily found, to show it: the way down from a grid of points about the origin."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sgdsde.landscapes.minimum import nearby_minimum

if TYPE_CHECKING:
    from sgdsde.landscapes.landscape import Landscape

#: Where ways down begin, in each variable; without the places where saddles of symmetric landscapes are.
_STARTS = (-3.1, -1.7, -0.6, 0.1, 0.7, 1.6, 2.9)
_MOST_DIMENSIONS = 2  # 7**d ways
_SAME = 1e-6
_BESIDE = 1e-3  # how far away the loss is looked at, relative to 1 + |ω|
MOST = 8  # minima that are shown


def minima_around(landscape: Landscape) -> tuple[NDArray[np.float64], str]:
    """The minima that ways down from between −3.1 and 2.9 lead to, lowest first, (n, d); and what is to be said of it.

    >>> from sgdsde.landscapes import Landscape
    >>> minima_around(Landscape("x**4/4 - x**2/2", "x"))[0].round(6).tolist()
    [[-1.0], [1.0]]
    """
    d = landscape.dimension
    if d > _MOST_DIMENSIONS:
        return np.empty((0, d)), f"Minima are looked for in up to {_MOST_DIMENSIONS} dimensions."
    found: list[NDArray[np.float64]] = []
    for start in itertools.product(_STARTS, repeat=d):
        w = nearby_minimum(landscape, start)
        if w is None or not _is_lowest(landscape, w):
            continue
        if not any(np.abs(w - one).max() <= _SAME * (1 + np.abs(one).max()) for one in found):
            found.append(w)
    found.sort(key=lambda w: (round(float(landscape.loss(w)), 9), *w))
    where = f"by going down from {len(_STARTS) ** d} points between {_STARTS[0]:g} and {_STARTS[-1]:g}"
    if not found:
        return np.empty((0, d)), f"No minimum was found {where}."
    rest = f"; {len(found) - MOST} more were found" if len(found) > MOST else ""
    return np.array(found[:MOST]), f"Minima found {where}{rest}."


def _is_lowest(landscape: Landscape, w: NDArray[np.float64]) -> bool:
    """Whether the loss is higher on either side along each axis, and not at a saddle found by rounding."""
    beside = _BESIDE * (1 + np.abs(w).max()) * np.eye(len(w))
    return bool((landscape.loss(np.concatenate([w + beside, w - beside])) > landscape.loss(w)).all())
