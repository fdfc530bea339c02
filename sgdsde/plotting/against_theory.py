"""Measurements held against theory: lines and points above, measured over predicted below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.layout import one_line
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks

Array = NDArray[np.float64]

#: Of points at one x: how far apart they are drawn below, in widths of the axis. Above: within what share of the axes
#: markers hide one another, and how their sizes grow then, in points.
APART, NEAR, SIZE, LARGER = 0.011, 0.02, 5.5, 2.2


@dataclass(frozen=True)
class Series:
    """Points ``measured ± error`` at ``x``, what theory predicts there, and its line if ``line_x`` is given."""

    label: str
    x: ArrayLike
    measured: ArrayLike
    error: ArrayLike
    predicted: ArrayLike
    line_x: ArrayLike | None = None
    line_y: ArrayLike | None = None

    __repr__ = one_line


@dataclass(frozen=True)
class Line:
    """A line without points: a limit, or a theory that is not met."""

    label: str
    x: ArrayLike
    y: ArrayLike

    __repr__ = one_line


def against_theory(
    series: Sequence[Series],
    x: str,
    y: str,
    lines: Sequence[Line] = (),
    x_scale: Literal["linear", "log"] = "log",
    y_scale: Literal["linear", "log"] = "log",
    ratio: str = "measured / predicted",
    columns: int = 3,
) -> Figure:
    """Draw the series with their theory, and below them the ratio with error bars of one standard error.

    Points of several series at one x stay apart: above, later ones have smaller markers, so that they lie inside those
    that they would hide; below, where x does not move the line of theory, points of one x stand side by side.

    Parameters
    ----------
    series : sequence of Series
        One colour and marker each.
    x, y : str
        Axis names, with symbol and unit.
    lines : sequence of Line
        Dashed grey lines of the upper panel.
    x_scale, y_scale : str
        ``"log"`` or ``"linear"``.
    ratio : str
        Name of the lower axis.
    columns : int
        Of the legend.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = against_theory([Series("SGD", [1, 2], [1.01, 2.0], [0.01, 0.02], [1, 2])], "B", "g")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['g', 'measured / predicted']
    """
    with house_style():
        figure = bare_figure(8.0, 6.2)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.3])
        for line, dashes in zip(lines, ["--", ":", "-."] * len(lines), strict=False):
            above.plot(line.x, line.y, color="#666666", linestyle=dashes, label=line.label)
        draw_series(above, below, series, looks(), x_scale, y_scale)
        below.axhline(1.0, color="#333333", linewidth=1.0)
        above.set(xscale=x_scale, yscale=y_scale, ylabel=y)
        below.set(xlabel=x, ylabel=ratio)
        for axes, axis, scale in ((below, below.xaxis, x_scale), (above, above.yaxis, y_scale)):
            if scale == "log":
                axes.autoscale_view()
                plain_log_ticks(axis)
        outside_legend(above, ncols=columns)
        return figure


def draw_series(
    above: Axes,
    below: Axes,
    series: Sequence[Series],
    styles: Iterable[tuple[str, str]],
    x_scale: str = "log",
    y_scale: str = "log",
) -> None:
    """Points and lines above, their ratios below, each in its (colour, marker); none hides another."""
    places, sizes = _beside(series, x_scale), _sizes(series, x_scale, y_scale)
    for item, beside, size, (colour, marker) in zip(series, places, sizes, styles, strict=False):
        _draw(above, below, item, beside, size, colour, marker)


def _beside(series: Sequence[Series], scale: str) -> list[Array]:
    """x of the points of each series; of points with the same x, spread out evenly as the axis is drawn."""
    x = np.concatenate([np.ravel(item.x).astype(float) for item in series])
    at = np.log(x) if scale == "log" else x.copy()
    step = APART * (np.ptp(at) or 1.0)
    for place in np.unique(at):
        (here,) = np.nonzero(at == place)
        moved = place + step * (np.arange(len(here)) - (len(here) - 1) / 2)
        if len(here) > 1:
            x[here] = np.exp(moved) if scale == "log" else moved
    return np.split(x, np.cumsum([np.size(item.x) for item in series])[:-1])


def _sizes(series: Sequence[Series], x_scale: str, y_scale: str) -> list[float]:
    """Marker sizes: larger by a step than any series that comes later and has a point in the same place."""
    places = (_along([item.x for item in series], x_scale), _along([item.measured for item in series], y_scale))
    above = [0] * len(series)
    for one, other in reversed(list(combinations(range(len(series)), 2))):
        together = [abs(place[one][:, None] - place[other]) < NEAR for place in places]
        if (together[0] & together[1]).any():
            above[one] = max(above[one], above[other] + 1)
    return [SIZE + LARGER * min(n, 3) for n in above]


def _along(values: Sequence[ArrayLike], scale: str) -> list[Array]:
    """Where numbers are along an axis, in its lengths."""
    arrays = [np.ravel(each).astype(float) for each in values]
    if scale == "log":
        arrays = [np.log(np.where(each > 0, each, np.nan)) for each in arrays]
    every = np.concatenate(arrays)
    length = np.nanmax(every) - np.nanmin(every)
    return [each / (length or 1.0) for each in arrays]


def _draw(above: Axes, below: Axes, item: Series, beside: Array, size: float, colour: str, marker: str) -> None:
    x, measured, error = (np.asarray(values, dtype=float) for values in (item.x, item.measured, item.error))
    predicted = np.asarray(item.predicted, dtype=float)
    if item.line_x is not None and item.line_y is not None:
        above.plot(item.line_x, item.line_y, color=colour)
    points: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none", "capsize": 2.5, "elinewidth": 1.2}
    inside = "white" if size == SIZE else "none"
    above.errorbar(
        x, measured, error, label=item.label, markersize=size, markerfacecolor=inside, markeredgewidth=1.4, **points
    )
    below.errorbar(beside, measured / predicted, np.abs(error / predicted), markersize=4, **points)
