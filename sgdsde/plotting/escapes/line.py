"""The line of a landscape of one variable: the loss over it, and the regions in which paths end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.plane import EDGE, GREY, SHOWN
from sgdsde.regions import parse_regions

Array = NDArray[np.float64]

POINTS = 601


def check_line(box: ArrayLike) -> Array:
    """(low, high) as an array (1, 2); ValueError unless it is such a pair, or a pair in a list."""
    try:
        ends = real_array("box", box)
    except ValueError:
        ends = np.empty(0)
    if ends.shape not in ((2,), (1, 2)) or not np.isfinite(ends).all() or not ends.ravel()[0] < ends.ravel()[1]:
        raise ValueError(f"box must be a pair (low, high) for a landscape of one variable, got {box!r}")
    return ends.reshape(1, 2)


def loss_along(landscape: Landscape, box: Array) -> tuple[Array, Array]:
    """Places (n,) along the box, and the loss there (n,), NaN where it is not finite."""
    places = np.linspace(box[0, 0], box[0, 1], POINTS)
    loss = np.asarray(landscape.loss(places[:, None]), dtype=np.float64)
    return places, np.where(np.isfinite(loss), loss, np.nan)


def heights(loss: Array) -> tuple[float, float]:
    """Bottom of the loss, and how high it is shown: above are walls."""
    low, high = float(np.nanmin(loss)), float(np.nanquantile(loss, SHOWN))
    return low, high if high > low else low + 1.0


def draw_regions(
    axes: Axes, landscape: Landscape, box: Array, stop: str | Mapping[str, str] | None, *, upright: bool
) -> None:
    """Shade the regions, with dashed edges; `upright` where the variable is on the vertical axis."""
    places = np.linspace(box[0, 0], box[0, 1], POINTS)
    for region in () if stop is None else parse_regions(stop, [*landscape.variables, *landscape.parameters]):
        within = landscape.margin(region, places[:, None]) > 0
        edges = np.flatnonzero(np.diff(within)) + 1
        for part in np.split(np.arange(POINTS), edges):
            if within[part[0]]:
                (axes.axhspan if upright else axes.axvspan)(
                    places[part[0]], places[part[-1]], color="#000000", alpha=0.05, linewidth=0, zorder=0.2
                )
        for edge in edges:
            where = float(places[edge - 1 : edge + 1].mean())
            (axes.axhline if upright else axes.axvline)(where, color=EDGE, linestyle="--", linewidth=1.1, zorder=3)


def draw_profile(axes: Axes, landscape: Landscape, box: Array) -> None:
    """The loss, to the right, over the variable, upwards."""
    places, loss = loss_along(landscape, box)
    axes.plot(loss, places, color=GREY, linewidth=1.3)
    low, high = heights(loss)
    axes.set(xlabel="loss", ylabel=f"parameter {landscape.variables[0]}", ylim=box[0])
    axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.locator_params(axis="x", nbins=3)
    axes.grid(False)
