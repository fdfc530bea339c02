"""Panels one under the other over one axis: measurements on the lines of theory, where their ratio shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from sgdsde.layout import one_line
from sgdsde.plotting.against_theory import Line, Series
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks


@dataclass(frozen=True)
class Panel:
    """One panel: the name of its axis, with symbol and unit, points with their theory, and lines without points."""

    y: str
    series: Sequence[Series]
    lines: Sequence[Line] = ()
    y_scale: Literal["linear", "log"] = "linear"

    __repr__ = one_line


def stacked(panels: Sequence[Panel], x: str, x_scale: Literal["linear", "log"] = "log", columns: int = 3) -> Figure:
    """Draw quantities that one thing changes, each in its panel, over the same axis.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom. Points have bars of one standard error where it is not 0.
    x : str
        Name of the axis, with symbol and unit.
    x_scale : str
        ``"log"`` or ``"linear"``.
    columns : int
        Of each legend.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels.

    Examples
    --------
    >>> points = Series("measured", [1, 10], [2.0, 2.1], [0.1, 0.1], [2, 2], [1, 10], [2, 2])
    >>> figure = stacked([Panel("sharpness", [points], y_scale="log"), Panel("ln evidence", [points])], "α")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['sharpness', 'ln evidence']
    """
    if not panels:
        raise ValueError("panels must hold at least one, got none")
    with house_style():
        figure = bare_figure(8.0, 1.0 + 3.0 * len(panels))
        appearance, every = looks(), figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, panel in zip(every, panels, strict=True):
            for item, (colour, marker) in zip(panel.series, appearance, strict=False):
                if item.line_x is not None and item.line_y is not None:
                    axes.plot(item.line_x, item.line_y, color=colour)
                error = item.error if np.any(item.error) else None
                axes.errorbar(
                    item.x, item.measured, error, label=item.label, color=colour, marker=marker, linestyle="none",
                    markerfacecolor="white", markeredgewidth=1.4, capsize=2.5,
                )  # fmt: skip
            for line, dashes in zip(panel.lines, cycle(["--", ":", "-."]), strict=False):
                axes.plot(line.x, line.y, color="#666666", linestyle=dashes, label=line.label)
            axes.set(xscale=x_scale, yscale=panel.y_scale, ylabel=panel.y)
            if panel.y_scale == "log":
                axes.autoscale_view()
                plain_log_ticks(axes.yaxis)
            outside_legend(axes, ncols=columns)
        every[-1].set_xlabel(x)
        if x_scale == "log":
            plain_log_ticks(every[-1].xaxis)
        return figure
