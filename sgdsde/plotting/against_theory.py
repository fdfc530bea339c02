"""Measurements held against theory: lines and points above, measured over predicted below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.layout import one_line
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks


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
        for item, (colour, marker) in zip(series, looks(), strict=False):
            draw_series(above, below, item, colour, marker)
        below.axhline(1.0, color="#333333", linewidth=1.0)
        above.set(xscale=x_scale, yscale=y_scale, ylabel=y)
        below.set(xlabel=x, ylabel=ratio)
        for axes, axis, scale in ((below, below.xaxis, x_scale), (above, above.yaxis, y_scale)):
            if scale == "log":
                axes.autoscale_view()
                plain_log_ticks(axis)
        outside_legend(above, ncols=columns)
        return figure


def draw_series(above: Axes, below: Axes, item: Series, colour: str, marker: str) -> None:
    """Points and line above, their ratio below."""
    x, measured, error = (np.asarray(values, dtype=float) for values in (item.x, item.measured, item.error))
    predicted = np.asarray(item.predicted, dtype=float)
    if item.line_x is not None and item.line_y is not None:
        above.plot(item.line_x, item.line_y, color=colour)
    points: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none", "capsize": 2.5, "elinewidth": 1.2}
    above.errorbar(x, measured, error, label=item.label, markerfacecolor="white", markeredgewidth=1.4, **points)
    below.errorbar(x, measured / predicted, np.abs(error / predicted), markersize=4, **points)
