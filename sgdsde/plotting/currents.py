"""The current of a stationary state: measured arrows over those of theory and over lines of equal density."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, positive
from sgdsde.plotting.style import COLOURS, bare_figure, house_style

Array = NDArray[np.float64]


def current_arrows(
    panels: Mapping[str, ArrayLike],
    time: float,
    covariance: Mapping[str, ArrayLike],
    velocity: Mapping[str, ArrayLike],
    *,
    cells: int = 9,
    least: int = 400,
    axes: tuple[str, str] = ("ω₁", "ω₂"),
) -> Figure:
    """Draw the mean velocity of paths where they are, a panel for each entry, over ellipses of equal density.

    Parameters
    ----------
    panels : mapping of str to (times, paths, 2)
        States at equal intervals, by the panels' titles.
    time : float
        Of an interval.
    covariance : mapping of str to (2, 2)
        Of the stationary law of each; its ellipses of 1, 2 and 3 standard deviations are drawn.
    velocity : mapping of str to (2, 2)
        Q of what theory has for the mean velocity, Qω, drawn in grey.
    cells : int
        Along each axis.
    least : int
        States in a cell that has an arrow.
    axes : two str
        Names of the axes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        When there are no panels, or the states of one are not (times, paths, 2) with three times or more.

    Notes
    -----
    The velocity is the mean of (ω(s + δ) − ω(s − δ))/(2δ) over the states of a cell, which is zero where time has no
    direction.

    Examples
    --------
    >>> states = np.random.default_rng(0).normal(size=(9, 99, 2))
    >>> figure = current_arrows({"noise": states}, 1.0, {"noise": np.eye(2)}, {"noise": np.zeros((2, 2))}, least=9)
    >>> figure.axes[0].get_title(loc="left")
    'noise'
    """
    states = {title: np.asarray(each, dtype=np.float64) for title, each in panels.items()}
    if not states or not all(w.ndim == 3 and w.shape[2] == 2 and len(w) > 2 for w in states.values()):
        raise ValueError(f"panels must hold (times, paths, 2), got shapes {[w.shape for w in states.values()]}")
    reach = 2.7 * max(np.sqrt(np.diag(np.asarray(covariance[title]))).max() for title in states)
    with house_style():
        figure = bare_figure(3.9 * len(states), 4.4)
        row = figure.subplots(1, len(states), sharex=True, sharey=True, squeeze=False)[0]
        for panel, (title, w), colour in zip(row, states.items(), COLOURS, strict=False):
            where, found = _velocities(w, positive("time", time), reach, integer("cells", cells, 2), least)
            scale = {"angles": "xy", "scale_units": "xy", "scale": _scale(velocity[title], reach, cells)}
            said = where @ np.asarray(velocity[title]).T
            panel.quiver(*where.T, *said.T, color="#aaaaaa", width=0.017, label="theory", **scale)
            panel.quiver(*where.T, *found.T, color=colour, width=0.006, label="measured", **scale)
            for ellipse in _ellipses(np.asarray(covariance[title])):
                panel.plot(*ellipse, color="#333333", linewidth=0.8)
            panel.set(title=title, xlabel=axes[0], xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            panel.grid(visible=False)
        row[0].set_ylabel(axes[1])
        handles, labels = row[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2)
        return figure


def _velocities(w: Array, time: float, reach: float, cells: int, least: int) -> tuple[Array, Array]:
    """Middles of the cells that hold states, and their mean velocities, (n, 2) each."""
    at, moved = w[1:-1].reshape(-1, 2), ((w[2:] - w[:-2]) / (2 * time)).reshape(-1, 2)
    index = np.floor((at + reach) / (2 * reach) * cells).astype(int)
    inside = ((index >= 0) & (index < cells)).all(axis=1)
    place = index[inside] @ [cells, 1]
    count = np.bincount(place, minlength=cells**2)
    sums = [np.bincount(place, values, minlength=cells**2) for values in moved[inside].T]
    held = np.flatnonzero(count >= least)
    middle = np.stack(np.divmod(held, cells), axis=1) + 0.5
    return middle / cells * 2 * reach - reach, np.stack(sums, axis=1)[held] / count[held, None]


def _scale(velocity: ArrayLike, reach: float, cells: int) -> float:
    """Arrows of theory at two thirds of the reach are as long as a cell; where it has none, as if Q were 1."""
    fastest = float(np.linalg.norm(np.asarray(velocity), 2)) or 1.0
    return fastest * reach * (2 / 3) / (2 * reach / cells) / 1.6


def _ellipses(covariance: Array) -> list[Array]:
    angle = np.linspace(0, 2 * np.pi, 200)
    root = np.linalg.cholesky(covariance)
    return [size * root @ [np.cos(angle), np.sin(angle)] for size in (1, 2, 3)]
