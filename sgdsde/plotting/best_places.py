"""How the best batch size depends on two things: the size of the training set and the length of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgdsde.layout import one_line
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks


@dataclass(frozen=True)
class BestPlace:
    """The best batch size at N and T = εk/(1 − m), and its interval, with 0 and ∞ where it has no end."""

    n_examples: float
    time: float
    best: float
    interval: tuple[float, float]

    __repr__ = one_line


def best_places(places: Sequence[BestPlace]) -> Figure:
    """Draw best batch sizes with their intervals: against N by T, and against T by N.

    Points of different curves are drawn beside each other; arrows are where an interval has no end. On the left two
    grey lines have the slopes of B_opt ∝ N and ∝ √N.

    Parameters
    ----------
    places : sequence of BestPlace
        At least one.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = best_places([BestPlace(1000, 500, 16, (12, 24)), BestPlace(4000, 500, 48, (32, np.inf))])
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['training set size N', 'length of training T = εk/(1 − m)']
    """
    if not places:
        raise ValueError("places must be at least one best batch size, got none")
    with house_style():
        figure = bare_figure(11.5, 4.8)
        left, right = figure.subplots(1, 2, sharey=True)
        _family(left, places, lambda p: p.n_examples, lambda p: p.time, "T = {:g}")
        _family(right, places, lambda p: p.time, lambda p: p.n_examples, "N = {:g}")
        sizes = np.array(sorted({p.n_examples for p in places}))
        top = max(p.best for p in places)
        for power, dash, name in ((1.0, "-", "∝ N"), (0.5, "--", "∝ √N")):
            line = top * (sizes / sizes[-1]) ** power
            left.plot(sizes, line, color="#777777", linewidth=1.2, linestyle=dash, label=name, zorder=1)
        left.set(xscale="log", yscale="log", xlabel="training set size N", ylabel="best effective batch size B' = 1/c")
        right.set(xscale="log", xlabel="length of training T = εk/(1 − m)")
        for axis in (left.xaxis, left.yaxis, right.xaxis):
            plain_log_ticks(axis)
        for axes in (left, right):
            outside_legend(axes)
        return figure


def _family(
    axes: Axes,
    places: Sequence[BestPlace],
    across: Callable[[BestPlace], float],
    by: Callable[[BestPlace], float],
    label: str,
) -> None:
    """A curve for each value of one variable against the other."""
    ends = [end for p in places for end in (p.best, *p.interval) if 0 < end < np.inf]
    low, high = min(ends) / 1.5, max(ends) * 1.5
    curves = sorted({by(p) for p in places})
    for number, (value, (colour, marker)) in enumerate(zip(curves, looks(), strict=False)):
        own = sorted((p for p in places if by(p) == value), key=across)
        beside = 1.06 ** (number - (len(curves) - 1) / 2)
        x = [across(p) * beside for p in own]
        axes.plot(
            x, [p.best for p in own], color=colour, marker=marker, markerfacecolor="white", linewidth=1.2,
            label=label.format(value),
        )  # fmt: skip
        for at, place in zip(x, own, strict=True):
            bottom, top = np.clip(place.interval, low, high)
            axes.plot([at, at], [bottom, top], color=colour, linewidth=1.2)
            for end, side, arrow in zip(place.interval, (bottom, top), ("v", "^"), strict=True):
                axes.plot(at, side, color=colour, marker="_" if end == side else arrow, markersize=5)
