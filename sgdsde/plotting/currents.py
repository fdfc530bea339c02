"""The current of a stationary state: measured arrows over those of theory and over lines of equal density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, positive
from sgdsde.plotting.style import COLOURS, bare_figure, house_style

Array = NDArray[np.float64]

#: Standard deviations from the middle to the edge of a panel, of the panel that is widest.
REACH = 3.2


def current_arrows(
    panels: Mapping[str, ArrayLike],
    time: float,
    covariance: Mapping[str, ArrayLike],
    velocity: Mapping[str, ArrayLike],
    *,
    cells: int = 11,
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
    Arrows of all panels are on one scale. The velocity is the mean of (ω(s + δ) − ω(s − δ))/(2δ) over the states of a
    cell, which is zero where time has no direction.

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
    reach = REACH * np.sqrt(np.max([np.diag(np.asarray(covariance[title])) for title in states], axis=0))
    count = integer("cells", cells, 2)
    found = {title: _velocities(w, positive("time", time), reach, count, least) for title, w in states.items()}
    theory = {title: where @ np.asarray(velocity[title]).T for title, (where, _) in found.items()}
    longest = max([float(np.linalg.norm(each, axis=1).max(initial=0.0)) for each in theory.values()]) or 1.0
    common: dict[str, Any] = {
        "angles": "xy",
        "scale_units": "xy",
        "scale": longest * count / (2.4 * reach[0]),
        "minlength": 0,
    }
    with house_style():
        figure = bare_figure(4.6 * len(states), 0.9 + 4.6 * float(reach[1] / reach[0]))
        row = figure.subplots(1, len(states), sharex=True, sharey=True, squeeze=False)[0]
        for panel, (title, (where, measured)) in zip(row, found.items(), strict=True):
            panel.quiver(*where.T, *theory[title].T, color="#b5b5b5", width=0.012, label="theory", **common)
            panel.quiver(*where.T, *measured.T, color=COLOURS[1], width=0.005, label="measured", **common)
            for ellipse in _ellipses(np.asarray(covariance[title])):
                panel.plot(*ellipse, color="#333333", linewidth=0.8)
            ends = {"xlim": (-reach[0], reach[0]), "ylim": (-reach[1], reach[1])}
            panel.set(title=title, xlabel=axes[0], aspect="equal", **ends)
            panel.grid(visible=False)
        row[0].set_ylabel(axes[1])
        figure.legend(*row[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
        return figure


def _velocities(w: Array, time: float, reach: Array, cells: int, least: int) -> tuple[Array, Array]:
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


def _ellipses(covariance: Array) -> list[Array]:
    angle = np.linspace(0, 2 * np.pi, 200)
    root = np.linalg.cholesky(covariance)
    return [np.asarray(size * root @ [np.cos(angle), np.sin(angle)], np.float64) for size in (1, 2, 3)]
