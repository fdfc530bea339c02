"""Measured curves in panels side by side, each with axes of its own, and bands within which they count as equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.arguments import integer
from sgdsde.layout import one_line
from sgdsde.plotting.against_theory import Line
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks


@dataclass(frozen=True)
class Curve:
    """Points (x, y ± error) of one label; a line from point to point where they are ``joined``.

    ``error`` is a number, one for each point (n,), or what is below and above, (2, n). Markers are hollow unless
    ``filled``. Curves of one label have one colour, marker and entry in the legend.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    error: ArrayLike = 0.0
    joined: bool = True
    filled: bool = False

    __repr__ = one_line


@dataclass(frozen=True)
class CurvePanel:
    """One panel: names of its axes, curves, dashed grey lines, a grey band from one y to another, and a level line."""

    x: str
    y: str
    curves: Sequence[Curve]
    lines: Sequence[Line] = ()
    band: tuple[float, float] | None = None
    level: float | None = None
    title: str = ""
    x_scale: Literal["linear", "log"] = "linear"
    y_scale: Literal["linear", "log"] = "linear"
    y_range: tuple[float, float] | None = None

    __repr__ = one_line


def curve_panels(panels: Sequence[CurvePanel], columns: int | None = None, rows: int = 1) -> Figure:
    """Draw panels side by side, with one legend: curves of one label have one colour and marker in all panels.

    Parameters
    ----------
    panels : sequence of CurvePanel
        From left to right, row by row. Points have bars of one standard error where it is not 0.
    columns : int, optional
        Of the legend; by default two for each panel of a row.
    rows : int
        Of panels, as many in each.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels, or they do not fill the rows.

    Examples
    --------
    >>> falls = Curve("SGD", [1, 2, 4], [1.0, 0.8, 0.7], [0.1, 0.1, 0.1])
    >>> figure = curve_panels([CurvePanel("B", "loss", [falls], band=(0.9, 1.1), x_scale="log")])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss']
    """
    if not panels:
        raise ValueError("panels must hold at least one, got none")
    if len(panels) % integer("rows", rows, 1):
        raise ValueError(f"panels must fill {rows} rows, got {len(panels)}")
    wide = len(panels) // rows
    look = dict(zip(dict.fromkeys(curve.label for panel in panels for curve in panel.curves), looks(), strict=False))
    with house_style():
        figure = bare_figure(1.0 + 3.9 * wide, 1.1 + 3.3 * rows)
        named: dict[str, Any] = {}
        for axes, panel in zip(figure.subplots(rows, wide, squeeze=False).flat, panels, strict=True):
            _draw(axes, panel, look)
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                named.setdefault(label, handle)
        figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=columns or 2 * wide)
    return figure


def _draw(axes: Axes, panel: CurvePanel, look: dict[str, tuple[str, str]]) -> None:
    for curve in panel.curves:
        colour, marker = look[curve.label]
        axes.errorbar(
            curve.x, curve.y, curve.error if np.any(curve.error) else None, label=curve.label, color=colour,
            marker=marker, linestyle="-" if curve.joined else "none", linewidth=1.2, markeredgewidth=1.3,
            markerfacecolor=colour if curve.filled else "white", markersize=4.5, capsize=2.0,
        )  # fmt: skip
    for line, dashes in zip(panel.lines, cycle(["--", ":", "-."]), strict=False):
        axes.plot(line.x, line.y, color="#666666", linestyle=dashes, linewidth=1.2, label=line.label)
    if panel.band is not None:
        axes.axhspan(*panel.band, color="0.9", linewidth=0, zorder=0)
    if panel.level is not None:
        axes.axhline(panel.level, color="#333333", linewidth=1.0)
    axes.set(xlabel=panel.x, ylabel=panel.y, title=panel.title)
    if panel.x_scale == "log":  # a linear one may be of names
        axes.set_xscale("log")
    axes.set_yscale(panel.y_scale)
    if panel.y_range is not None:
        axes.set_ylim(panel.y_range)
    for axis, scale in ((axes.xaxis, panel.x_scale), (axes.yaxis, panel.y_scale)):
        if scale == "log":
            axes.autoscale_view()
            plain_log_ticks(axis)
