"""The ladder from SGD to its SDE in one picture: the laws, and how far each rung is from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sgdsde.arguments import choice
from sgdsde.ladders import CHANCE, Ladder, Rung
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, plain_log_ticks
from sgdsde.statistics import Distance

Array = NDArray[np.float64]
Family: TypeAlias = tuple[str, str, list[Rung]]  # marker, label, rungs joined by a line

BINS = 48
GREY = "0.85"
TITLES = ("means, in σ", "covariances, relative", "W1 of {}", "energy distance")


def ladder_chart(ladder: Ladder, parameter: str | None = None) -> Figure:
    """Draw the laws at the end over the reference's, and the distances against the steps that stand for an update.

    Parameters
    ----------
    ladder : Ladder
        From :func:`sgdsde.ladder`.
    parameter : str, optional
        Whose marginal is drawn, the first by default.

    Returns
    -------
    matplotlib.figure.Figure
        Distances at the end with bars of one standard error. Grey: what two independent ensembles
        of the reference's law reach by chance. Hollow: no more than chance, which is less where the noise is shared;
        such a point is at the edge when it lies below it.

    Raises
    ------
    ValueError
        When there is no such parameter.

    Examples
    --------
    >>> import sgdsde as sg
    >>> config = sg.SGDConfig(0.8, batch_size=1, n_examples=64)
    >>> found = sg.ladder(sg.Landscape("x**2/2", "x"), config, 0.0, updates=20, paths=400, svag=(2, 8))
    >>> [axes.get_title("left") for axes in ladder_chart(found).axes]
    ['laws after 20 updates', 'means, in σ', 'covariances, relative', 'W1 of x', 'energy distance']
    """
    names = ladder.reference.parameters
    column = 0 if parameter is None else names.index(choice("parameter", parameter, names))
    families = _families(ladder)
    looks = _looks(families)
    with house_style():
        figure = bare_figure(11.5, 5.4)
        grid = figure.add_gridspec(2, 3, width_ratios=[1.5, 1.0, 1.0])
        laws = figure.add_subplot(grid[:, 0])
        _draw_laws(laws, ladder, looks, column)
        for place, title in enumerate(TITLES):
            axes = figure.add_subplot(grid[place // 2, 1 + place % 2])
            _draw_distances(axes, families, looks, ladder.floor, (place, column))
            axes.set_title(title.format(names[column]))
            axes.set_xlabel("steps for an update" if place > 1 else "")
            axes.set_ylabel("" if place % 2 else f"distance from {ladder.reference.label}")
        handles, labels = laws.get_legend_handles_labels()
        more, names_of_more = axes.get_legend_handles_labels()
        figure.legend([*handles, *more], [*labels, *names_of_more], loc="outside lower center", ncols=5)
    return figure


def _families(ladder: Ladder) -> list[Family]:
    """Batches; Euler–Maruyama in ever more steps; with momentum, noisy gradient descent and the momentum SDE."""
    rungs = sorted(ladder.rungs[:-1], key=lambda rung: rung.steps)
    names = [ladder.reference.label, *(rung.label for rung in rungs)]
    second = ("noisy GD", "momentum SDE") if "momentum SDE" in names else ("momentum SDE",)
    batches = [rung for rung in rungs if rung.label.startswith(("SGD", "SVAG"))]
    kicks = [rung for rung in rungs if rung.label in second]
    equations = [rung for rung in rungs if rung not in batches and rung not in kicks]
    return [
        ("o", "SGD" if len(batches) == 1 else "SGD, SVAG(l)", batches),
        ("s", "SDE in n steps" if len(second) > 1 else "noisy GD, SDE in n steps", equations),
        ("D", ", ".join(second), kicks),
    ]


def _looks(families: Sequence[Family]) -> dict[str, tuple[float, ...]]:
    """Label → colour: one hue for each family, paler on the way up."""
    looks = {}
    for (_, _, rungs), colour in zip(families, COLOURS, strict=False):
        hue = np.array(to_rgb(colour))
        for rung, white in zip(rungs, np.linspace(0.0, 0.65, max(len(rungs), 2)), strict=False):
            looks[rung.label] = tuple(hue + (1 - hue) * white)
    return looks


def _draw_laws(axes: Axes, ladder: Ladder, looks: Mapping[str, tuple[float, ...]], column: int) -> None:
    """Histograms of the final states: the reference filled, lines for rungs that are not the same law or nearly so."""
    base = ladder.reference.final[ladder.reference.finite, column]
    shown = [rung for rung in ladder.rungs[:-1] if not rung.label.startswith("SDE,") and rung.label != "SVAG(1)"]
    states = [rung.ensemble.final[rung.ensemble.finite, column] for rung in shown]
    ends = np.array([np.quantile(values, [0.001, 0.999]) for values in (base, *states)])
    margin = 0.04 * float(np.ptp(ends))
    edges = np.linspace(ends.min() - margin, ends.max() + margin, BINS + 1)
    axes.stairs(_density(base, edges), edges, fill=True, color=GREY, label=ladder.reference.label)
    for rung, values in zip(shown, states, strict=True):
        axes.stairs(_density(values, edges), edges, color=looks[rung.label], linewidth=1.5, label=rung.label)
    axes.set(
        title=f"laws after {ladder.reference.updates} updates", ylabel="probability density",
        xlabel=f"parameter {ladder.reference.parameters[column]}", xlim=(edges[0], edges[-1]),
        yscale="log", ylim=(0.7 / (len(base) * (edges[1] - edges[0])), None),  # tails are where laws differ; a path
    )  # fmt: skip


def _density(values: Array, edges: Array) -> Array:
    return np.asarray(np.histogram(values, edges)[0] / (len(values) * (edges[1] - edges[0])))


def _draw_distances(
    axes: Axes,
    families: Sequence[Family],
    looks: Mapping[str, tuple[float, ...]],
    floor: Rung,
    which: tuple[int, int],
) -> None:
    chance = _distance(floor, *which)
    grey = float(chance.noise) + CHANCE * float(chance.spread)
    found = {rung.label: _distance(rung, *which) for _, _, rungs in families for rung in rungs}
    seen = [float(each.value) for each in found.values() if each.excess > CHANCE]
    low, high = 0.4 * min([grey, *seen]), 2.5 * max([grey, *seen])
    axes.axhspan(low, grey, color=GREY, alpha=0.6, linewidth=0, label="chance alone")
    for marker, label, rungs in (family for family in families if family[2]):
        places = [max(float(found[rung.label].value), low) for rung in rungs]
        axes.plot([rung.steps for rung in rungs], places, color="0.6", linewidth=0.8, zorder=1)
        axes.plot([], [], marker, color="0.4", label=label)
        for rung, place in zip(rungs, places, strict=True):
            each, colour = found[rung.label], looks[rung.label]
            axes.errorbar(
                rung.steps, place, yerr=float(each.standard_error) if place > low else None, fmt=marker, color=colour,
                markerfacecolor=colour if each.excess > CHANCE else "white", capsize=2, linewidth=1,
                clip_on=place > low,  # whole where it stands on the edge
            )  # fmt: skip
    axes.plot([], [], "o", color="0.4", markerfacecolor="white", label="no more than chance")
    axes.set(xscale="log", yscale="log", ylim=(low, high))
    ticks = sorted({rung.steps for _, _, rungs in families for rung in rungs})
    axes.set_xlim(0.8, 1.25 * max(2, *ticks))
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    plain_log_ticks(axes.yaxis)


def _distance(rung: Rung, place: int, column: int) -> Distance:
    """The distance of a panel, W1 of one marginal."""
    found = rung.distances
    each = (found.mean_distance, found.covariance_distance, found.wasserstein1, found.energy_distance)[place]
    fields = (each.value, each.standard_error, each.noise, each.spread)
    return Distance(*(float(np.ravel(field)[column if np.ndim(field) else 0]) for field in fields))
