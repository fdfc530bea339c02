"""The benchmarks' figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from sgdsde.plotting.style import COLOURS, bare_figure, house_style

if TYPE_CHECKING:
    from bench.compiling import Compiling
    from bench.peers import Result
    from bench.scaling import Point

_OURS, _FLOOR, _OTHERS, _PUBLISHED = COLOURS[0], COLOURS[6], COLOURS[4], "white"


def peer_bars(results: Sequence[Result], published: Mapping[str, Sequence[tuple[str, float]]]) -> Figure:
    """Path-steps per second, one panel for each problem; what is published and not measured is hollow."""
    with house_style():
        counts = [len(result.found.rounds) + len(published.get(result.problem.name, ())) for result in results]
        figure = bare_figure(9.0, 0.6 + sum(0.26 * count + 0.7 for count in counts))
        panels = figure.subplots(len(results), 1, squeeze=False, sharex=True, height_ratios=counts)[:, 0]
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
                axes.annotate(f"{rate:.1e}", (rate, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
            axes.set_xscale("log")
            axes.tick_params(labelbottom=True)
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
            axes.set_title(result.problem.title)
        low, high = panels[-1].get_xlim()
        panels[-1].set_xlim(low / 2, high * 2)
        panels[-1].set_xlabel("path-steps per second, float64, log scale")
    return figure


def scaling_panels(sweeps: Mapping[str, Sequence[Point]], compiled: Mapping[int, Compiling]) -> Figure:
    """Path-steps per second against what varies, beside the floor; below, seconds of a process with a new landscape."""
    with house_style():
        panels = len(sweeps) + bool(compiled)
        figure = bare_figure(9.0, 3.0 * -(-panels // 2))
        axes = figure.subplots(-(-panels // 2), 2, squeeze=False).ravel()
        for unused in axes[panels:]:
            unused.set_axis_off()
        for place, (name, points) in zip(axes, sweeps.items(), strict=False):
            x = [point.x for point in points]
            place.plot(x, [point.rate for point in points], "o-", color=_OURS, label="sgdsde")
            place.plot(x, [point.floor for point in points], "s--", color=_FLOOR, label="draw and add (the floor)")
            place.set_yscale("log")
            place.set_xscale("log" if max(x) > 20 else "linear")
            if max(x) <= 20:
                place.set_xticks(x)
            place.set_title(f"against {name}")
            place.set_xlabel(name)
            place.set_ylabel("path-steps per second")
        if sweeps:
            axes[0].legend()
        if compiled:
            place = axes[len(sweeps)]
            names = [str(d) for d in compiled]
            place.bar(names, [of.first for of in compiled.values()], color=_OTHERS, label="first process")
            place.bar(names, [of.second for of in compiled.values()], color=_OURS, width=0.4, label="second process")
            place.set_title("a new landscape, start to end of a process")
            place.set_xlabel("dimension")
            place.set_ylabel("seconds")
            place.legend()
    return figure
