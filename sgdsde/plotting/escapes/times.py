"""Mean exit times against the inverse of the noise scale, beside theory."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdsde.escapes import Escape, EscapeStudy
from sgdsde.escapes.predictions import METHODS
from sgdsde.plotting.style import COLOURS, MARKERS, bare_figure, house_style, plain_log_ticks

LOOKS = {"exact": "-", "fokker_planck": "-", "kramers": "--"}
APART = 0.006  # of the axis: how far dynamics are drawn beside each other, so that bars can be told apart


def escape_times(study: EscapeStudy) -> Figure:
    """Draw mean exit times against 1/g, where Arrhenius' law is straight, and below them the ratio to exact theory.

    Parameters
    ----------
    study : EscapeStudy
        From :func:`sgdsde.escape_study`, with several batch sizes.

    Returns
    -------
    matplotlib.figure.Figure
        Bars are the intervals of the study; dynamics are drawn a little beside each other. An arrow up: no path has
        ended, and the time is likely to be above. The panel of ratios is absent where theory has no exact time; the
        Fokker–Planck equation counts as one.

    Examples
    --------
    >>> import sgdsde as sg
    >>> well = sg.Landscape("x**4/4 - x**2/2", "x", noise_covariance=8.0)
    >>> config = sg.SGDConfig(0.05, batch_size=1, n_examples=64)
    >>> found = sg.escape_study(well, config, -1.0, "x > 0", batch_sizes=(1, 2), paths=100)
    >>> [axes.get_ylabel() for axes in escape_times(found).axes]
    ['mean exit time in updates', 'measured / exact']
    """
    updates = study.predictions.updates
    best = next((name for name in ("exact", "fokker_planck") if name in updates), None)
    with house_style():
        figure = bare_figure(7.6, 6.0 if best else 4.8)
        heights = [3, 1.3] if best else [1]
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
        above = rows[0, 0]
        for name, values in updates.items():
            g, times = study.predictions.lines.get(name, ([each.noise_scale for each in study.configs], values))
            own = "" if name in study.predictions.lines else "."
            look: dict[str, Any] = {"color": "#222222", "linewidth": 1.2, "linestyle": LOOKS[name], "marker": own}
            above.plot(1 / np.asarray(g), times, label=f"{METHODS[name]}, SDE", **look)
        for place, label in enumerate(study.labels):
            shift = 1 + APART * (2 * place - len(study.labels) + 1)
            for escape in study[label]:
                _draw(above, escape, place, shift, 1.0, label if escape is study[label][0] else None)
        if best:
            below = rows[1, 0]
            below.axhline(1.0, color="#222222", linewidth=1.2)
            if "kramers" in updates and "kramers" in study.predictions.lines and best == "exact":
                (g, exact), (_, times) = (study.predictions.lines[name] for name in ("exact", "kramers"))
                below.plot(1 / g, times / exact, color="#222222", linewidth=1.2, linestyle="--")
            for place, label in enumerate(study.labels):
                shift = 1 + APART * (2 * place - len(study.labels) + 1)
                for escape, exact_time in zip(study[label], updates[best], strict=True):
                    if np.isfinite(exact_time) and escape.predicted:
                        _draw(below, escape, place, shift, float(exact_time), None)
            below.set_ylabel("measured / exact")
        above.set(yscale="log", ylabel="mean exit time in updates")
        above.autoscale_view()
        plain_log_ticks(above.yaxis)
        rows[-1, 0].set_xlabel("1/g, inverse of the noise scale")
        above.legend(loc="upper left")
        _name_batches(above, study)
    return figure


def _draw(axes: Axes, escape: Escape, place: int, shift: float, unit: float, label: str | None) -> None:
    x = shift / escape.config.noise_scale
    look: dict[str, Any] = {"color": COLOURS[place], "label": label}
    low, high = escape.time.interval
    if not escape.time.exits:
        if unit == 1.0:
            axes.plot(x, low, marker=r"$\uparrow$", markersize=11, linestyle="none", **look)
        return
    mean = escape.time.mean
    axes.errorbar(
        x, mean / unit, [[(mean - low) / unit], [(high - mean) / unit]], fmt=MARKERS[place], markerfacecolor="white",
        markeredgewidth=1.4, elinewidth=1.2, capsize=2.5, **look,
    )  # fmt: skip


def _name_batches(axes: Axes, study: EscapeStudy) -> None:
    """Batch sizes on an axis above."""
    top = axes.secondary_xaxis("top")
    top.set_xticks([1 / each.noise_scale for each in study.configs], [f"{each.batch_size}" for each in study.configs])
    top.set_xlabel("batch size B")
    top.tick_params(color="#555555")
