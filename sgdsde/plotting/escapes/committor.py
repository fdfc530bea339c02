"""Where paths go over from one region to another: the committor, and the current of those on their way."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sgdsde.landscapes import Landscape
from sgdsde.plotting.escapes.plane import EDGE, POINTS, draw_plane
from sgdsde.plotting.style import bare_figure, house_style
from sgdsde.regions import parse_regions
from sgdsde.theory.fokker_planck import ReactiveTransition
from sgdsde.theory.fokker_planck.absorption import Region
from sgdsde.theory.fokker_planck.grid import WALLS

Array = NDArray[np.float64]

SHARES = (0.1, 0.3, 0.7, 0.9)  # contours of the committor beside that of 1/2
FAINT = 0.02  # current, of the largest, below which no line is drawn
WIDEST, PALE = 3.0, 0.7


def committor_chart(transition: ReactiveTransition) -> Figure:
    """Draw q⁺ in colour, and lines of the reactive current as wide as it is strong, over the contours of the loss.

    Parameters
    ----------
    transition : ReactiveTransition
        Of two variables, from :meth:`sgdsde.theory.FokkerPlanck.reactive_transition`.

    Returns
    -------
    matplotlib.figure.Figure
        Where the committor is one half, a path is as likely to come to B before A as the other way round. The second
        panel has the density of paths on their way: where they spend their time.

    Raises
    ------
    ValueError
        When it is not of two variables.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> from sgdsde.theory import FokkerPlanck
    >>> wells = Landscape("x**4/4 - x**2/2 + y**2/2", "x y")
    >>> equation = FokkerPlanck(wells, 0.2, ((-2, 2), (-2, 2)), 40)
    >>> figure = committor_chart(equation.reactive_transition("x < -0.8", "x > 0.8"))
    >>> [axes.get_title("left") for axes in figure.axes[:2]]
    ['committor (½ dashed) and reactive current', 'density of paths on their way']
    """
    equation = transition.equation
    if equation.grid.dimension != 2:
        raise ValueError(f"transition must be of two variables, got {equation.grid.dimension}")
    with house_style():
        figure = bare_figure(11.6, 5.1)
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        landscape = cast("Landscape", equation.landscape)
        walls = [
            np.linspace(low, high, n + 1) for (low, high), n in zip(equation.grid.box, equation.grid.cells, strict=True)
        ]
        for axes, values, top, colours, label in (
            (left, transition.forward_committor, 1.0, "RdBu_r", "probability to come to B before A"),
            (right, transition.reactive_density, None, "Purples", "probability density"),
        ):
            draw_plane(axes, landscape, equation.grid.box)
            mesh = axes.pcolormesh(
                *walls, values.T, cmap=colours, vmin=0, vmax=top, rasterized=True, zorder=0.1, alpha=PALE
            )
            figure.colorbar(mesh, ax=axes, shrink=0.9, label=label)
            _draw_regions(axes, transition)
        _draw_committor(left, transition)
        _draw_current(left, transition)
        left.set(title="committor (½ dashed) and reactive current", ylabel=f"parameter {landscape.variables[1]}")
        right.set_title("density of paths on their way")
        figure.suptitle(
            f"{transition.reactive_rate:.3g} transitions per time; {transition.probability_reactive:.2%} of the time "
            f"on the way from A to B",
            x=0.01, ha="left", fontsize=10.5,
        )  # fmt: skip
    return figure


def _draw_regions(axes: Axes, transition: ReactiveTransition) -> None:
    """A and B, white with an edge and a letter."""
    for number, (letter, region) in enumerate(zip("AB", (transition.a, transition.b), strict=True)):
        there = transition.region == number
        if not there.any():
            continue
        across, up, margin = _margin(transition, region, there)
        axes.contourf(across, up, margin, levels=[0, np.inf], colors="white", alpha=0.75, zorder=1.6)
        axes.contour(across, up, margin, levels=[0], colors=EDGE, linewidths=1.1, zorder=3)
        x, y = transition.equation.grid.centres[there.ravel()].mean(axis=0)
        axes.text(x, y, letter, ha="center", va="center", fontsize=13, fontweight="bold", color=EDGE, zorder=4)


def _margin(transition: ReactiveTransition, region: Region, there: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """A grid, and what is positive in the region on it: of a condition smooth, of anything else its cells."""
    equation = transition.equation
    if not isinstance(region, str) or region in WALLS[0] + WALLS[1]:
        return equation.axes[0], equation.axes[1], np.where(there, 1.0, -1.0).T
    across, up = (np.linspace(low, high, POINTS) for low, high in equation.grid.box)
    known = [*equation.landscape.variables, *equation.landscape.parameters]
    points = np.stack(np.meshgrid(across, up), axis=-1)
    margins = [equation.landscape.margin(each, points) for each in parse_regions(region, known)]
    return across, up, np.nan_to_num(np.max(margins, axis=0), nan=-1.0)


def _draw_committor(axes: Axes, transition: ReactiveTransition) -> None:
    values = np.where(transition.region < 0, transition.forward_committor, np.nan).T
    across, up = transition.equation.axes
    axes.contour(across, up, values, levels=SHARES, colors=EDGE, linewidths=0.7, linestyles=":", zorder=1.2)
    axes.contour(across, up, values, levels=[0.5], colors=EDGE, linewidths=1.6, linestyles="--", zorder=1.3)


def _draw_current(axes: Axes, transition: ReactiveTransition) -> None:
    across, up = transition.equation.axes
    strength = np.linalg.norm(transition.reactive_current, axis=0)
    along = np.where(strength > FAINT * strength.max(), transition.reactive_current, np.nan)
    widths = WIDEST * np.sqrt(strength / strength.max())
    axes.streamplot(
        across, up, along[0].T, along[1].T, linewidth=widths.T, color="#111111", density=0.9, arrowsize=1.1, zorder=2,
        broken_streamlines=False,
    )  # fmt: skip
