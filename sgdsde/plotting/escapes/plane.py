"""The plane of a landscape of two variables: contours of the loss, and the region in which paths end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.plotting.saved import ended_by, places_of
from sgdsde.regions import parse_regions

Array = NDArray[np.float64]

POINTS = 241  # along an axis
LEVELS = 15
SHOWN = 0.75  # of the plane has contours; above are walls
GREY = "#8a8a8a"
EDGE = "#222222"


def check_plane(landscape: Landscape, box: ArrayLike) -> Array:
    """((x low, x high), (y low, y high)) as an array; ValueError unless it is one of a landscape of two variables."""
    if landscape.dimension != 2:
        raise ValueError(
            f"landscape must have one or two variables, got {landscape.dimension}: {', '.join(landscape.variables)}"
        )
    try:
        ends = real_array("box", box)
    except ValueError:
        ends = np.empty(0)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or not (ends[:, 0] < ends[:, 1]).all():
        raise ValueError(f"box must be two pairs (low, high), one for each variable, got {box!r}")
    return ends


def draw_plane(axes: Axes, landscape: Landscape, box: Array, stop: str | Mapping[str, str] | None = None) -> None:
    """Contours of the loss, closer where it is low, and the regions of `stop`, hatched inside a dashed edge."""
    across, up = (np.linspace(low, high, POINTS) for low, high in box)
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    loss = landscape.loss(grid)
    finite = loss[np.isfinite(loss)]
    bottom, top = float(finite.min()), float(np.quantile(finite, SHOWN))
    levels = bottom + (top - bottom) * np.linspace(0, 1, LEVELS + 1)[1:] ** 2
    axes.contour(
        across, up, loss, levels=levels, colors=GREY, linestyles="solid", linewidths=0.6, alpha=0.75, zorder=0.5
    )
    for region in () if stop is None else parse_regions(stop, [*landscape.variables, *landscape.parameters]):
        margin = np.nan_to_num(landscape.margin(region, grid), nan=-1.0)
        if not ((margin > 0).any() and (margin <= 0).any()):
            continue
        axes.contourf(across, up, margin, levels=[0, np.inf], colors="#000000", alpha=0.05, zorder=0.2)
        axes.contour(across, up, margin, levels=[0], colors=EDGE, linestyles="--", linewidths=1.1, zorder=3)
    axes.set(xlim=box[0], ylim=box[1], xlabel=f"parameter {landscape.variables[0]}")
    axes.grid(False)


def inside(landscape: Landscape, stop: str | Mapping[str, str], points: Array) -> NDArray[np.bool_]:
    """Whether points (..., d) are in one of the regions; those that are not finite are not."""
    finite = np.isfinite(points).all(axis=-1)
    held = np.zeros(finite.shape, dtype=bool)
    for region in parse_regions(stop, [*landscape.variables, *landscape.parameters]):
        held[finite] |= landscape.holds(region, points[finite])
    return held


def gone(landscape: Landscape, ensemble: Ensemble, region: str | Mapping[str, str]) -> NDArray[np.bool_]:
    """(saved, paths): whether a path is in the region, or has ended in it.

    A path that crossed an edge inside a step and came back has ended, though its last place is on this side: where a
    region of the run is one of those asked for, what counts is that it ended there, not where it is.
    """
    found = inside(landscape, region, places_of(ensemble))
    if ensemble.exits is None:
        return found
    names = [*landscape.variables, *landscape.parameters]
    asked = {frozenset(each.alternatives) for each in parse_regions(region, names)}
    run = parse_regions(dict(zip(ensemble.exits.names, ensemble.exits.conditions, strict=True)), names)
    same = [place for place, each in enumerate(run) if frozenset(each.alternatives) in asked]
    return np.asarray(found | (ended_by(ensemble) & np.isin(ensemble.exits.region, same)))


def check_saved(shown: Mapping[str, Ensemble], landscape: Landscape) -> None:
    """ValueError unless there are ensembles, of this landscape, with the states of paths over time."""
    if not isinstance(shown, Mapping) or not shown:
        raise ValueError(f"shown must be ensembles by their labels, such as {{'SDE': ...}}, got {shown!r}")
    for label, ensemble in shown.items():
        if ensemble.parameters != tuple(landscape.variables):
            raise ValueError(
                f"shown[{label!r}] must have the parameters {', '.join(landscape.variables)}, "
                f"got {', '.join(ensemble.parameters)}"
            )
        if not ensemble.save_every:
            raise ValueError(f"shown[{label!r}] must have snapshots; simulate it with save_every")


def box_of(shown: Sequence[Ensemble], margin: float = 0.06) -> Array:
    """A box (d, 2) around the states that were saved, and where paths ended, with a margin."""
    points = [ensemble.snapshots.reshape(-1, ensemble.snapshots.shape[-1]) for ensemble in shown]
    points += [ensemble.exits.point for ensemble in shown if ensemble.exits is not None]
    everywhere = np.concatenate(points)
    ends = np.stack([np.nanmin(everywhere, axis=0), np.nanmax(everywhere, axis=0)], axis=1)
    return np.asarray(ends + margin * np.diff(ends, axis=1) * np.array([-1, 1]))
