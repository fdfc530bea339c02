"""The benchmarks' figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from sgdsde.plotting.style import COLOURS, bare_figure, house_style

if TYPE_CHECKING:
    from bench.peers import Result

_OURS, _FLOOR, _OTHERS, _PUBLISHED = COLOURS[0], COLOURS[6], COLOURS[4], "white"


def peer_bars(results: Sequence[Result], published: Mapping[str, Sequence[tuple[str, float]]]) -> Figure:
    """Path-steps per second, one panel for each problem; what is published and not measured is hollow."""
    with house_style():
        counts = [len(result.found.rounds) + len(published.get(result.problem.name, ())) for result in results]
        figure = bare_figure(9.0, 0.6 + sum(0.26 * count + 0.7 for count in counts))
        panels = figure.subplots(len(results), 1, squeeze=False, height_ratios=counts)[:, 0]
        for axes, result in zip(panels, results, strict=True):
            names = list(result.found.rounds)
            others = published.get(result.problem.name, ())
            rates = [*(result.found.median(name) for name in names), *(rate for _, rate in others)]
            colours = [_OURS if "sgdsde" in n else _FLOOR if "floor" in n else _OTHERS for n in names]
            places = range(len(rates))
            axes.barh(places, rates, color=[*colours, *[_PUBLISHED] * len(others)], edgecolor="#555555", linewidth=0.6)
            labels = [*names, *(f"{name} (published)" for name, _ in others)]
            axes.set_yticks(places, labels, fontsize=9)
            for place, rate in zip(places, rates, strict=True):
                axes.annotate(f"{rate:.2g}", (rate, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
            axes.set_xscale("log")
            axes.set_xlim(min(rates) / 2, max(rates) * 4)
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
            axes.set_title(result.problem.title)
        panels[-1].set_xlabel("path-steps per second, float64, log scale")
    return figure
