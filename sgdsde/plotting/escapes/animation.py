"""An ensemble that leaves a minimum, as a moving picture."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.line import check_line, draw_regions, heights, loss_along
from sgdsde.plotting.escapes.plane import (
    GREY,
    box_of,
    check_plane,
    check_saved,
    draw_plane,
    gone,
)
from sgdsde.plotting.saved import places_of
from sgdsde.plotting.style import COLOURS, bare_figure, house_style

Array = NDArray[np.float64]

IN, OUT = COLOURS[0], COLOURS[1]
LIFT = 0.5  # of the loss that is seen: how high paths are drawn above it

Region: TypeAlias = str | Mapping[str, str]


def escape_animation(
    landscape: Landscape,
    shown: Mapping[str, Ensemble],
    region: Region,
    *,
    box: ArrayLike | None = None,
    frames: int = 40,
    paths: int = 200,
    rate: int = 8,
    dpi: int = 80,
) -> bytes:
    """Move the paths of each ensemble over the contours of the loss, in another colour where they are in a region.

    With one variable they move along the loss, each a little higher than the one before, so that all are seen.

    Parameters
    ----------
    landscape : Landscape
        Of one or two variables.
    shown : mapping of str to Ensemble
        Label → ensemble with snapshots; a panel each, of the same length. Paths that have ended stay where they did.
    region : str or mapping
        Such as ``"x > 0"``; the fraction of paths that are in it, or ended in it, is in the title. A path that crossed
        the edge inside a step and came back has ended in it, and has its colour, though it lies on this side.
    box : ((low, high), (low, high)), optional
        What is shown of the plane; by default all that the paths have seen. With one variable (low, high).
    frames : int
        How many of the snapshots are shown, at equal distances; all of them if there are fewer.
    paths : int
        How many paths; the first ones. The fraction counts all.
    rate : int
        Frames a second.
    dpi : int
        Dots an inch.

    Returns
    -------
    bytes
        A GIF file.

    Raises
    ------
    ValueError
        When an argument is not as above.

    Examples
    --------
    >>> import sgdsde as sg
    >>> bowl = sg.Landscape("x**2/2 + y**2", "x y")
    >>> config = sg.SGDConfig(0.1, batch_size=1, n_examples=64)
    >>> sgd = sg.simulate_sgd(bowl, config, [0, 0], updates=20, paths=8, save_every=5)
    >>> escape_animation(bowl, {"SGD": sgd}, "x > 0.1", dpi=30)[:6]
    b'GIF89a'
    """
    check_saved(shown, landscape)
    frames, paths, dpi = integer("frames", frames, 2), integer("paths", paths, 1), integer("dpi", dpi, 10)
    rate = integer("rate", rate, 1, 50)
    seen = box_of(list(shown.values())) if box is None else box
    stage = _Line(landscape, check_line(seen)) if landscape.dimension == 1 else _Plane(landscape, seen)
    times = [ensemble.saved_updates for ensemble in shown.values()]
    if any(not np.array_equal(times[0], other) for other in times[1:]):
        raise ValueError("shown must have snapshots after the same updates")
    moments = np.unique(np.linspace(0, len(times[0]) - 1, min(frames, len(times[0]))).round().astype(int))
    with house_style(), tempfile.TemporaryDirectory() as folder:
        figure = bare_figure(0.4 + 3.6 * len(shown), 3.9)
        panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
        tracks = [(places_of(ensemble), gone(landscape, ensemble, region)) for ensemble in shown.values()]
        clouds = [_prepare(axes, stage, region) for axes in panels]
        panels[0].set_ylabel(stage.upwards)
        writer, file = PillowWriter(fps=rate), Path(folder) / "animation.gif"
        with writer.saving(figure, str(file), dpi):
            for moment in moments:
                for axes, label, (places, over), cloud in zip(panels, shown, tracks, clouds, strict=True):
                    _show(cloud, stage.points(places[moment, :paths]), over[moment, :paths])
                    axes.set_title(f"{label}, update {times[0][moment]}: {over[moment].mean():.0%} over")
                writer.grab_frame(facecolor="white")
                figure.set_layout_engine("none")  # as the first frame was laid out: nothing but dots moves
        return file.read_bytes()


class _Plane:
    """Two variables: contours of the loss."""

    def __init__(self, landscape: Landscape, box: ArrayLike) -> None:
        self.landscape, self.box = landscape, check_plane(landscape, box)
        self.upwards = f"parameter {landscape.variables[1]}"

    def draw(self, axes: Axes, region: Region) -> None:
        """What does not move."""
        draw_plane(axes, self.landscape, self.box, region)

    def points(self, places: Array) -> Array:
        """(paths, 2): where places (paths, d) are drawn."""
        return places


class _Line:
    """One variable: the loss as a curve, and paths above it."""

    def __init__(self, landscape: Landscape, box: Array) -> None:
        self.landscape, self.box = landscape, box
        self.upwards = "loss; paths above it"
        self.places, self.loss = loss_along(landscape, box)
        self.bottom, top = heights(self.loss)
        self.height = top - self.bottom

    def draw(self, axes: Axes, region: Region) -> None:
        """What does not move."""
        draw_regions(axes, self.landscape, self.box, region, upright=False)
        axes.plot(self.places, self.loss, color=GREY, linewidth=1.3)
        axes.set(
            xlim=self.box[0], ylim=(self.bottom - 0.05 * self.height, self.bottom + (1.06 + LIFT) * self.height),
            xlabel=f"parameter {self.landscape.variables[0]}",
        )  # fmt: skip
        axes.grid(False)

    def points(self, places: Array) -> Array:
        """(paths, 2): where places (paths, d) are drawn."""
        lift = LIFT * self.height * np.linspace(0.04, 1.0, len(places))
        return np.column_stack([places[:, 0], np.interp(places[:, 0], self.places, self.loss) + lift])


def _prepare(axes: Axes, stage: _Plane | _Line, region: Region) -> dict[bool, Line2D]:
    """Draw what does not move; two empty clouds of dots, of paths that are in the region and that are not."""
    stage.draw(axes, region)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markeredgewidth": 0, "zorder": 4}
    return {over: axes.plot([], [], color=OUT if over else IN, **look)[0] for over in (False, True)}


def _show(cloud: dict[bool, Line2D], points: Array, over: NDArray[np.bool_]) -> None:
    for which, line in cloud.items():
        line.set_data(*points[over == which].T)
