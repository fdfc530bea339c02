"""The benchmarks' figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.trajectory_costs import DELTA
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, looks, plain_log_ticks

if TYPE_CHECKING:
    from bench.compiling import Compiling
    from bench.peers import Result
    from bench.scaling import Point
    from bench.trajectory_costs import Comparison

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


def trajectory_panels(comparisons: Sequence[Comparison]) -> Figure:
    """Milliseconds to the estimate against B, one panel for each comparison; in the last, the bias of the SDE."""
    with house_style():
        rows = -(-(len(comparisons) + 1) // 3)
        figure = bare_figure(14.0, 3.6 * rows + 0.8)
        panels = figure.subplots(rows, 3, squeeze=False).ravel()
        for axes, comparison in zip(panels, comparisons, strict=False):
            _prices(axes, comparison)
        _biases(panels[len(comparisons)], comparisons)
        for unused in panels[len(comparisons) + 1 :]:
            unused.set_axis_off()
        lines: dict[str, Line2D] = {}
        for axes in panels[: len(comparisons)]:
            lines |= {str(line.get_label()): line for line in axes.get_lines() if line.get_label()[0] != "_"}
        legend = figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=5)
        for line in legend.get_lines():
            line.set_alpha(1)
        figure.suptitle(
            "Rings: B from which SGD without replacement is the dearer simulator. Pale: the bias is beyond 1 %.",
            fontsize=11,
        )
    return figure


def _prices(axes: Axes, comparison: Comparison) -> None:
    """SGD's price by sampling, the SDE's by scheme; rings where SGD without repeats becomes the dearer."""
    sampling = next(iter(comparison.sgd))
    for (name, costs), (colour, marker) in zip(comparison.sgd.items(), looks(), strict=False):
        price = [cost.milliseconds for cost in costs.values()]
        axes.plot(list(costs), price, color=colour, marker=marker, label=f"SGD {name}")
    for name, by_sampling in comparison.sde.items():
        scheme, step = name.removeprefix("SDE ").split(", ")
        colour, dashes, up = _SCHEMES[scheme]
        costs = by_sampling[sampling]
        batches, price = list(costs), [cost.milliseconds for cost in costs.values()]
        alpha = 0.45 if abs(costs[batches[0]].bias) > DELTA else 1.0
        axes.plot(batches, price, color=colour, linestyle=dashes, label=f"SDE {scheme}", alpha=alpha)
        if step != "1 update a step":
            axes.annotate(
                step, (batches[-1], price[-1]), (4, 0), textcoords="offset points", fontsize=7, color=colour,
                va="bottom" if up else "top",
            )  # fmt: skip
        batch = comparison.crossover(sampling, name).batch
        if 0 < batch < math.inf:
            height = math.exp(np.interp(math.log(batch), np.log(batches), np.log(price)))
            axes.plot(batch, height, "o", markersize=11, markerfacecolor="none", markeredgecolor=colour)
    axes.set_yscale("log")
    _batch_axis(axes, comparison.title)
    axes.set_ylabel("ms to 1 % error")


def _biases(axes: Axes, comparisons: Sequence[Comparison]) -> None:
    """The stationary covariance of the SDE itself against SGD's: reshuffled, and with fresh batches (pale)."""
    found = [(c, name) for c in comparisons for name in c.sde if "exact_ou" in name]
    for (comparison, name), (colour, marker) in zip(found, looks(), strict=False):
        for sampling, style in (("reshuffle", {"marker": marker}), ("without_replacement", {"alpha": 0.4})):
            costs = comparison.sde[name][sampling]
            bias = [100 * abs(cost.bias) for cost in costs.values()]
            label = comparison.title if "marker" in style else None
            axes.plot(list(costs), bias, color=colour, label=label, **style)
    axes.axhline(1, color="#222222", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    _batch_axis(axes, "bias of the SDE: marked, of reshuffled SGD; pale, of fresh batches")
    axes.set_ylabel("|bias| of the covariance, %")
    legend = axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.02, 0.5))
    legend.set_in_layout(False)  # it lies over a panel that is not used


def _batch_axis(axes: Axes, title: str) -> None:
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_title(title, fontsize=9.5)
    axes.set_xlabel("batch size B")


#: Scheme → colour, dashes, and whether its step is noted above the line.
_SCHEMES = {
    "euler_maruyama": (COLOURS[6], "-", True),
    "weak_euler": (COLOURS[6], "--", False),
    "leimkuhler_matthews": (COLOURS[3], "-", True),
    "exact_ou": (COLOURS[3], "--", False),
    "baoab": (COLOURS[5], "-", True),
    "weak_taylor_2": (COLOURS[5], "--", False),
}
