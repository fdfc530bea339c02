"""Which noise leaves a sharp minimum: success rates as bars, and paths over the contours of the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from sgdsde.layout import one_line
from sgdsde.plotting.style import COLOURS, bare_figure, house_style


@dataclass(frozen=True)
class Rate:
    """A success rate from 0 to 1 with its interval (low, high), and what theory says, None where it says nothing."""

    label: str
    value: float
    interval: tuple[float, float]
    predicted: float | None = None

    __repr__ = one_line


def success_rates(panels: Mapping[str, Sequence[Rate]]) -> Figure:
    """Draw a panel of bars for each entry, by its title, on one scale; a black mark is the prediction.

    Parameters
    ----------
    panels : mapping of str to sequence of Rate
        By their titles. Bars of the same label are in one row and one colour; the rows are named once.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels, or one has no bars.

    Examples
    --------
    >>> figure = success_rates({"SDE": [Rate("isotropic", 0.1, (0.08, 0.12), 0.11)]})
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['SDE']
    """
    if not panels or not all(panels.values()):
        raise ValueError(f"panels must hold at least one bar each, got {dict(panels)!r}")
    labels = list(dict.fromkeys(rate.label for rates in panels.values() for rate in rates))
    furthest = max(_end(rate) for rates in panels.values() for rate in rates)
    with house_style():
        figure = bare_figure(1.6 + 2.5 * len(panels), 0.9 + len(labels) * 0.42)
        every = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (title, rates) in zip(every, panels.items(), strict=True):
            for rate in rates:
                _bar(axes, rate, labels.index(rate.label))
            axes.set(title=title, xlabel="success rate", xlim=(0, 1.3 * max(0.01, furthest)))
            axes.grid(visible=False, axis="y")
        every[0].set_yticks(range(len(labels)), labels)
        every[0].invert_yaxis()
        return figure


def _end(rate: Rate) -> float:
    """Where its bar, its interval and its prediction end."""
    return max(rate.value, rate.interval[1], rate.predicted or 0.0)


def _bar(axes: Axes, rate: Rate, place: int) -> None:
    reach = [[rate.value - rate.interval[0]], [rate.interval[1] - rate.value]]
    colour = COLOURS[place % len(COLOURS)]
    axes.barh(place, rate.value, 0.62, color=colour, alpha=0.75, xerr=reach, error_kw={"capsize": 2.5})
    if rate.predicted is not None:
        axes.plot([rate.predicted] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1.8)
    axes.annotate(f"{rate.value:.2g}", (_end(rate), place), (5, 0), textcoords="offset points", va="center")


def paths_over_contours(
    x: ArrayLike, y: ArrayLike, loss: ArrayLike, panels: Mapping[str, ArrayLike], levels: Sequence[float]
) -> Figure:
    """Draw paths in the plane, a panel for each entry, over lines of equal loss.

    Parameters
    ----------
    x, y : (n,), (m,)
        Where the loss is given.
    loss : (m, n)
        Its values.
    panels : mapping of str to (times, paths, 2)
        By their titles.
    levels : sequence of float
        Of the loss.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels, or the paths of one are not in the plane.

    Examples
    --------
    >>> line = [-1.0, 0.0, 1.0]
    >>> figure = paths_over_contours(line, line, np.eye(3), {"SGD": np.zeros((5, 2, 2))}, [0.5])
    >>> figure.axes[0].get_title(loc="left")
    'SGD'
    """
    walks = {title: np.asarray(paths, dtype=np.float64) for title, paths in panels.items()}
    if not walks or not all(paths.ndim == 3 and paths.shape[2] == 2 for paths in walks.values()):
        raise ValueError(
            f"panels must hold arrays (times, paths, 2), got shapes {[paths.shape for paths in walks.values()]}"
        )
    with house_style():
        figure = bare_figure(2.9 * len(walks) + 0.6, 3.4)
        every = figure.subplots(1, len(walks), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (title, paths) in zip(every, walks.items(), strict=True):
            axes.contour(x, y, loss, levels=levels, colors="#bbbbbb", linewidths=0.8)
            for k in range(paths.shape[1]):
                axes.plot(*paths[:, k].T, color=COLOURS[k % len(COLOURS)], linewidth=0.7, alpha=0.8)
                axes.plot(*paths[-1, k], "o", color=COLOURS[k % len(COLOURS)], markersize=4)
            axes.set(title=title, xlabel="x", aspect="equal")
            axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
            axes.grid(visible=False)
        every[0].set_ylabel("y")
        return figure
