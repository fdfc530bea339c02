"""An ensemble that leaves a minimum, as a moving picture."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.plane import box_of, check_plane, check_saved, draw_plane, inside
from sgdsde.plotting.style import COLOURS, bare_figure, house_style
from sgdsde.run import integer

Array = NDArray[np.float64]

IN, OUT = COLOURS[0], COLOURS[1]


def escape_animation(
    landscape: Landscape,
    shown: Mapping[str, Ensemble],
    region: str | Mapping[str, str],
    *,
    box: ArrayLike | None = None,
    frames: int = 40,
    paths: int = 200,
    rate: int = 8,
    dpi: int = 80,
) -> bytes:
    """Move the paths of each ensemble over the contours of the loss, in another colour where they are in a region.

    Parameters
    ----------
    landscape : Landscape
        Of two variables.
    shown : mapping of str to Ensemble
        Label → ensemble with snapshots; a panel each, of the same length. Paths that have ended stay where they did.
    region : str or mapping
        Such as ``"x > 0"``; the fraction of paths that are in it, or ended in it, is in the title.
    box : ((low, high), (low, high)), optional
        What is shown of the plane; by default all that the paths have seen.
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
    frame = check_plane(landscape, box_of(list(shown.values())) if box is None else box)
    times = [ensemble.saved_updates for ensemble in shown.values()]
    if any(not np.array_equal(times[0], other) for other in times[1:]):
        raise ValueError("shown must have snapshots after the same updates")
    moments = np.unique(np.linspace(0, len(times[0]) - 1, min(frames, len(times[0]))).round().astype(int))
    with house_style(), tempfile.TemporaryDirectory() as folder:
        figure = bare_figure(0.4 + 3.6 * len(shown), 3.9)
        panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
        tracks = [(_places(ensemble), inside(landscape, region, _places(ensemble))) for ensemble in shown.values()]
        clouds = [_prepare(axes, landscape, frame, region) for axes in panels]
        panels[0].set_ylabel(f"parameter {landscape.variables[1]}")
        writer, file = PillowWriter(fps=rate), Path(folder) / "animation.gif"
        with writer.saving(figure, str(file), dpi):
            for moment in moments:
                for axes, label, (places, gone), cloud in zip(panels, shown, tracks, clouds, strict=True):
                    _show(cloud, places[moment, :paths], gone[moment, :paths])
                    axes.set_title(f"{label}, update {times[0][moment]}: {gone[moment].mean():.0%} over")
                writer.grab_frame(facecolor="white")
        return file.read_bytes()


def _places(ensemble: Ensemble) -> Array:
    """(saved, paths, d): the snapshots, with paths that have ended where they did."""
    places = ensemble.snapshots.copy()
    if ensemble.exits is not None:
        after = ensemble.saved_updates[:, None] >= ensemble.exits.update
        after &= ensemble.exits.ended
        places = np.where(after[..., None], ensemble.exits.point, places)
    return np.asarray(places)


def _prepare(axes: Axes, landscape: Landscape, frame: Array, region: Any) -> dict[bool, Line2D]:
    """Draw what does not move; two empty clouds of dots, of paths that are in the region and that are not."""
    draw_plane(axes, landscape, frame, region)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markeredgewidth": 0, "zorder": 4}
    return {gone: axes.plot([], [], color=OUT if gone else IN, **look)[0] for gone in (False, True)}


def _show(cloud: dict[bool, Line2D], places: Array, gone: NDArray[np.bool_]) -> None:
    for which, line in cloud.items():
        line.set_data(*places[gone == which].T)
