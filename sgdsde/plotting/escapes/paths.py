"""How paths leave a minimum: over the contours of the loss, or, with one variable, against time beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.line import check_line, draw_profile, draw_regions
from sgdsde.plotting.escapes.plane import box_of, check_plane, check_saved, draw_plane
from sgdsde.plotting.saved import track_of
from sgdsde.plotting.style import COLOURS, bare_figure, house_style

Array = NDArray[np.float64]


def escape_paths(
    landscape: Landscape,
    shown: Mapping[str, Ensemble],
    stop: str | Mapping[str, str] | None = None,
    *,
    box: ArrayLike | None = None,
    paths: int = 8,
    last: int = 10,
) -> Figure:
    """Draw the first paths of each ensemble over the contours of the loss: pale, and the way out in full colour.

    With one variable paths are drawn against the updates, beside the loss.

    Parameters
    ----------
    landscape : Landscape
        Of one or two variables.
    shown : mapping of str to Ensemble
        Label → ensemble with snapshots (`save_every`); a panel each. With `stop`, paths go on to where they ended;
        one that crossed and came back within a step ends at the end of it, on this side of the edge.
    stop : str or mapping, optional
        The regions, shaded.
    box : ((low, high), (low, high)), optional
        What is shown of the plane; by default all that the paths have seen. With one variable (low, high).
    paths : int
        How many paths; the first ones, so that none is picked.
    last : int
        Snapshots before the end of a path that are the way out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When an argument is not as above.

    Examples
    --------
    >>> import sgdsde as sg
    >>> bowl = sg.Landscape("x**2/2 + y**2", "x y")
    >>> config = sg.SGDConfig(0.1, batch_size=1, n_examples=64)
    >>> run = {"stop": "x > 0.3", "save_every": 1}
    >>> sgd = sg.simulate_sgd(bowl, config, [0, 0], updates=100, paths=8, **run)
    >>> [axes.get_title("left") for axes in escape_paths(bowl, {"SGD": sgd}, "x > 0.3").axes]
    ['SGD: 8 of 8 paths']
    """
    check_saved(shown, landscape)
    paths, last = integer("paths", paths, 1), integer("last", last, 1)
    box = box_of(list(shown.values())) if box is None else box
    with house_style():
        if landscape.dimension == 1:
            return _against_updates(landscape, shown, stop, check_line(box), (paths, last))
        frame = check_plane(landscape, box)
        figure = bare_figure(1.0 + 4.6 * len(shown), 4.9)
        panels = figure.subplots(1, len(shown), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (label, ensemble), colour in zip(panels, shown.items(), COLOURS, strict=False):
            draw_plane(axes, landscape, frame, stop)
            count = min(paths, ensemble.paths)
            for path in range(count):
                _, seen, ended = track_of(ensemble, path)
                _draw_path(axes, seen, last, colour, ended)
            start = ensemble.snapshots[0, 0]
            axes.plot(*start, "o", color="white", markeredgecolor="black", markersize=6.5, zorder=5)
            axes.set_title(f"{label}: {count} of {ensemble.paths} paths")
        panels[0].set_ylabel(f"parameter {landscape.variables[1]}")
        _explain(figure, panels[0], last * next(iter(shown.values())).save_every, stop is not None)  # type: ignore[operator]
    return figure


def _against_updates(
    landscape: Landscape,
    shown: Mapping[str, Ensemble],
    stop: str | Mapping[str, str] | None,
    frame: Array,
    counts: tuple[int, int],
) -> Figure:
    """One variable: the loss on its side, and paths against the updates."""
    paths, last = counts
    figure = bare_figure(2.6 + 4.2 * len(shown), 4.4)
    end = max(ensemble.updates for ensemble in shown.values())
    widths = [0.38, *[1.0] * len(shown)]
    profile, *panels = figure.subplots(1, 1 + len(shown), sharey=True, width_ratios=widths)
    draw_profile(profile, landscape, frame)
    draw_regions(profile, landscape, frame, stop, upright=True)
    for axes, (label, ensemble), colour in zip(panels, shown.items(), COLOURS, strict=False):
        draw_regions(axes, landscape, frame, stop, upright=True)
        count = min(paths, ensemble.paths)
        for path in range(count):
            times, seen, ended = track_of(ensemble, path)
            _draw_path(axes, np.column_stack([times, seen[:, 0]]), last, colour, ended, pale=0.3)
        axes.plot(0, ensemble.snapshots[0, 0, 0], "o", color="white", markeredgecolor="black", markersize=6.5, zorder=5)
        axes.set(title=f"{label}: {count} of {ensemble.paths} paths", xlabel="updates", xlim=(-0.03 * end, 1.03 * end))
    _explain(figure, panels[0], last * next(iter(shown.values())).save_every, stop is not None)  # type: ignore[operator]
    return figure


def _draw_path(axes: Axes, track: Array, last: int, colour: str, ended: bool, pale: float = 0.2) -> None:
    axes.plot(*track.T, color=colour, linewidth=0.5, alpha=pale, zorder=1.5)
    axes.plot(*track[-last - 1 :].T, color=colour, linewidth=1.1, alpha=0.9, zorder=2)
    if ended:
        axes.plot(*track[-1], "o", color=colour, markersize=4.5, markeredgecolor="white", zorder=4)


def _explain(figure: Figure, axes: Axes, updates: int, ends: bool) -> None:
    axes.plot([], [], "o", color="white", markeredgecolor="black", markersize=6.5, label="start")
    axes.plot([], [], color=COLOURS[-1], linewidth=0.8, alpha=0.4, label="before")
    axes.plot([], [], color=COLOURS[-1], linewidth=1.3, label=f"last {updates} updates")
    if ends:
        axes.plot([], [], "o", color=COLOURS[-1], markersize=4.5, markeredgecolor="white", label="end")
        axes.plot([], [], "--", color="#222222", linewidth=1.1, label="edge of the region of ends")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
