"""The quasi-potential as a field, with paths of least action through it."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sgdsde.escapes import QuasiPotentialField
from sgdsde.plotting.escapes.plane import draw_plane
from sgdsde.plotting.style import COLOURS, bare_figure, house_style
from sgdsde.theory import ActionPath

LEVELS = 14


def quasi_potential_chart(field: QuasiPotentialField, paths: Mapping[str, ActionPath] | None = None) -> Figure:
    """Draw V in colour with lines of equal V, over the contours of the loss, and paths of least action.

    Parameters
    ----------
    field : QuasiPotentialField
        From :func:`sgdsde.quasi_potential_field`. What is not complete is pale.
    paths : mapping of str to ActionPath, optional
        Label → path from :func:`sgdsde.theory.minimum_action_path`; its end has a ring.

    Returns
    -------
    matplotlib.figure.Figure
        Where lines of V are not those of the loss, noise does not climb it straight.

    Examples
    --------
    >>> from sgdsde import Landscape, quasi_potential_field
    >>> bowl = Landscape("x**2/2 + y**2/2", "x y", noise_covariance=[["1", "1/2"], ["1/2", "2"]])
    >>> field = quasi_potential_field(bowl, [0, 0], ((-1, 1), (-1, 1)), 32)
    >>> quasi_potential_chart(field).axes[0].get_title("left")
    'quasi-potential V and the loss'
    """
    with house_style():
        figure = bare_figure(7.2, 5.4)
        axes = figure.subplots()
        draw_plane(axes, field.landscape, field.box)
        top = min(float(field.values.max()), 1.25 * field.complete)
        levels = MaxNLocator(LEVELS).tick_values(0, top)
        filled = axes.contourf(*field.axes, field.values.T, levels=levels, cmap="YlGnBu", zorder=0.1)
        lines = axes.contour(*field.axes, field.values.T, levels=levels[1:], colors="#0b3c5d", linewidths=0.9, zorder=1)
        lines.set_alpha(0.8)
        if field.complete < top:
            beyond = [field.complete, float(field.values.max()) + 1]
            axes.contourf(*field.axes, field.values.T, levels=beyond, colors="white", alpha=0.55, zorder=1.2)
        axes.plot(*field.minimum, "o", color="white", markeredgecolor="black", markersize=6.5, zorder=5)
        axes.plot([], [], color="#0b3c5d", linewidth=0.9, label="equal V")
        axes.plot([], [], color="#8a8a8a", linewidth=0.6, label="equal loss")
        for (label, path), colour in zip((paths or {}).items(), COLOURS[1:], strict=False):
            axes.plot(*path.path.T, color=colour, linewidth=2.2, zorder=4, label=label)
            axes.plot(*path.path[-1], "o", color="white", markeredgecolor=colour, markeredgewidth=1.8, zorder=5)
        axes.set(title="quasi-potential V and the loss", ylabel=f"parameter {field.landscape.variables[1]}")
        figure.colorbar(filled, ax=axes, label="V: density ≍ exp(−V/T)")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
