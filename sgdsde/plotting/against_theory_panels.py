"""Measurements against theory in several panels of one scale, where one panel would be a tangle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.figure import Figure

from sgdsde.plotting.against_theory import Line, Series, draw_series
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks


def against_theory_panels(
    panels: Mapping[str, Sequence[Series]],
    x: str,
    y: str,
    lines: Sequence[Line] = (),
    x_scale: Literal["linear", "log"] = "log",
    y_scale: Literal["linear", "log"] = "log",
    ratio: str = "measured / predicted",
    columns: int | None = None,
) -> Figure:
    """Draw :func:`against_theory` in panels side by side, with common axes and one legend.

    Parameters
    ----------
    panels : mapping of str to sequence of Series
        Title → series. Those of one label have one colour and marker in all panels.
    x, y, x_scale, y_scale, ratio
        As there.
    lines : sequence of Line
        Dashed grey lines of every upper panel.
    columns : int, optional
        Of the legend; by default it has one row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there is no panel.

    Examples
    --------
    >>> points = [Series("SGD", [1, 2], [1.01, 2.0], [0.01, 0.02], [1, 2])]
    >>> figure = against_theory_panels({"m = 0": points, "m = 0.9": points}, "B", "g")
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['m = 0', 'm = 0.9', '', '']
    """
    if not panels:
        raise ValueError("panels must have at least one title with its series, got none")
    look = dict(zip(dict.fromkeys(item.label for each in panels.values() for item in each), looks(), strict=False))
    with house_style():
        figure = bare_figure(1.2 + 3.1 * len(panels), 5.6)
        rows = figure.subplots(2, len(panels), sharex=True, sharey="row", height_ratios=[3, 1.3], squeeze=False)
        named: dict[str, Any] = {}
        for above, below, (title, series) in zip(*rows, panels.items(), strict=True):
            for line, dashes in zip(lines, ["--", ":", "-."] * len(lines), strict=False):
                above.plot(line.x, line.y, color="#666666", linestyle=dashes, label=line.label)
            draw_series(above, below, series, [look[item.label] for item in series], x_scale, y_scale)
            below.axhline(1.0, color="#333333", linewidth=1.0)
            above.set(xscale=x_scale, yscale=y_scale, title=title)
            named |= {label: handle for handle, label in zip(*above.get_legend_handles_labels(), strict=True)}
        figure.supxlabel(x, fontsize="medium")
        rows[0, 0].set_ylabel(y)
        rows[1, 0].set_ylabel(ratio)
        for axis, scale in ((rows[1, 0].xaxis, x_scale), (rows[0, 0].yaxis, y_scale)):
            if scale == "log":
                axis.axes.autoscale_view()
                plain_log_ticks(axis)
        figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=columns or len(named))
    return figure
