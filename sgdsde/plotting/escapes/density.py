"""A density that flows over a barrier: the Fokker–Planck equation, and paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array
from sgdsde.ensemble import Ensemble
from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.plane import draw_plane
from sgdsde.plotting.saved import ended_by
from sgdsde.plotting.style import COLOURS, MARKERS, bare_figure, house_style
from sgdsde.theory import FokkerPlanck

Array = NDArray[np.float64]

BINS = 48  # of a histogram along an axis, about
PALE = 0.5  # power of the colour scale: what is thin is seen too


def density_beside_paths(
    equation: FokkerPlanck, densities: ArrayLike, shown: Mapping[str, Ensemble], updates: Sequence[int]
) -> Figure:
    """Draw densities at several times, by the Fokker–Planck equation and as histograms of paths.

    Parameters
    ----------
    equation : FokkerPlanck
        Whose box is drawn.
    densities : (k, *cells)
        From :meth:`FokkerPlanck.evolve`, at the times of `updates`.
    shown : mapping of str to Ensemble
        Label → ensemble with snapshots at all of `updates`.
    updates : sequence of int
        One panel each. With two variables there is a row for the equation, one for each ensemble, and one colour scale
        for each column, in which colour is the root of the density.

    Returns
    -------
    matplotlib.figure.Figure
        Paths that have ended are counted and not drawn, so that what is drawn integrates to the fraction that is left.
        With one variable, bars are one standard error.

    Raises
    ------
    ValueError
        When densities, ensembles and updates do not fit together.

    Examples
    --------
    >>> import sgdsde as sg
    >>> well = sg.Landscape("x**4/4 - x**2/2", "x")
    >>> config = sg.SGDConfig(0.1, batch_size=1, n_examples=64)
    >>> sde = sg.simulate_sde(well, config, -1.0, updates=20, paths=200, substeps=4, save_every=10)
    >>> equation = FokkerPlanck(well, config.temperature, (-2.5, 2.5), 200)
    >>> densities = equation.evolve(-1.0, np.array([10, 20]) * config.mean_loss_time_per_update)
    >>> [axes.get_title("left") for axes in density_beside_paths(equation, densities, {"SDE": sde}, [10, 20]).axes]
    ['after 10 updates', 'after 20 updates']
    """
    found = real_array("densities", densities)
    if found.shape != (len(updates), *equation.grid.cells):
        raise ValueError(
            f"densities must have shape {(len(updates), *equation.grid.cells)}, one for each of updates; "
            f"got {found.shape}"
        )
    for label, ensemble in shown.items():
        if len(ensemble.parameters) != equation.grid.dimension:
            raise ValueError(f"shown[{label!r}] must have {equation.grid.dimension} parameters, as the equation has")
        if not np.isin(updates, ensemble.saved_updates).all():
            raise ValueError(
                f"shown[{label!r}] must have snapshots after {list(updates)} updates; "
                f"save_every = {ensemble.save_every or 0}"
            )
    with house_style():
        draw = _one_variable if equation.grid.dimension == 1 else _two_variables
        return draw(equation, found, shown, updates)


def _states(ensemble: Ensemble, update: int) -> Array:
    """(paths still there, d) after an update, without those that diverge later: of those `finite` counts."""
    place = int(np.searchsorted(ensemble.saved_updates, update))
    there = ensemble.finite & ~ended_by(ensemble)[place]
    return np.asarray(ensemble.snapshots[place, there])


def _edges(equation: FokkerPlanck) -> list[Array]:
    """Edges of bins, each of whole cells."""
    found = []
    for (low, high), cells in zip(equation.grid.box, equation.grid.cells, strict=True):
        together = max(1, round(cells / BINS))
        found.append(np.append(low + (high - low) * np.arange(0, cells, together) / cells, high))
    return found


def _histogram(equation: FokkerPlanck, ensemble: Ensemble, update: int) -> tuple[Array, Array]:
    """Density of paths by bin, and the number of paths in one bin that makes a density of 1."""
    edges = _edges(equation)
    counts, _ = np.histogramdd(_states(ensemble, update), edges)
    volume = np.diff(edges[0]) if len(edges) == 1 else np.outer(*map(np.diff, edges))
    one = int(ensemble.finite.sum()) * volume
    return np.asarray(counts / one), np.asarray(one)


def _one_variable(
    equation: FokkerPlanck, densities: Array, shown: Mapping[str, Ensemble], updates: Sequence[int]
) -> Figure:
    figure = bare_figure(0.8 + 2.9 * len(updates), 3.6)
    panels = figure.subplots(1, len(updates), sharey=True, squeeze=False)[0]
    (edges,) = _edges(equation)
    middle = (edges[1:] + edges[:-1]) / 2
    for axes, density, update in zip(panels, densities, updates, strict=True):
        axes.plot(equation.axes[0], density, color=COLOURS[-1], label="Fokker–Planck equation")
        for (label, ensemble), colour, marker in zip(shown.items(), COLOURS, MARKERS, strict=False):
            height, one = _histogram(equation, ensemble, update)
            there = height > 0
            axes.errorbar(
                middle[there], height[there], np.sqrt(height / one)[there], fmt=marker, color=colour, markersize=3.5,
                markerfacecolor="white", elinewidth=1, label=f"paths, {label}",
            )  # fmt: skip
        axes.set(title=f"after {update} updates", xlabel=f"parameter {equation.landscape.variables[0]}")
        axes.set_ylim(bottom=0)
    panels[0].set_ylabel("probability density")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=1 + len(shown))
    return figure


def _two_variables(
    equation: FokkerPlanck, densities: Array, shown: Mapping[str, Ensemble], updates: Sequence[int]
) -> Figure:
    rows = ["Fokker–Planck equation", *(f"paths, {label}" for label in shown)]
    figure = bare_figure(1.2 + 2.7 * len(updates), 0.9 + 2.6 * len(rows))
    panels = figure.subplots(len(rows), len(updates), sharex=True, sharey=True, squeeze=False)
    landscape, edges = cast("Landscape", equation.landscape), _edges(equation)
    walls = [
        np.linspace(low, high, cells + 1)
        for (low, high), cells in zip(equation.grid.box, equation.grid.cells, strict=True)
    ]
    for column, (density, update) in enumerate(zip(densities, updates, strict=True)):
        scale = PowerNorm(PALE, 0.0, float(density.max()))
        mesh = _paint(panels[0, column], walls, density, scale)
        for row, ensemble in enumerate(shown.values(), 1):
            _paint(panels[row, column], edges, _histogram(equation, ensemble, update)[0], scale)
        panels[0, column].set_title(f"after {update} updates")
        figure.colorbar(
            mesh, ax=list(panels[:, column]), location="bottom", shrink=0.85, aspect=22, extend="max",
            label="probability density",
        ).ax.locator_params(nbins=4)  # fmt: skip
        for row, name in enumerate(rows):
            draw_plane(panels[row, column], landscape, equation.grid.box)
            panels[row, column].set_xlabel(f"parameter {landscape.variables[0]}" if row == len(rows) - 1 else "")
            panels[row, column].set_ylabel("" if column else f"{name}\nparameter {landscape.variables[1]}")
    return figure


def _paint(axes: Axes, edges: Sequence[Array], values: Array, scale: PowerNorm) -> QuadMesh:
    """Cells in colour; white where nothing is."""
    return axes.pcolormesh(*edges, values.T, cmap="Blues", norm=scale, rasterized=True, zorder=0.1)
