"""Figures of the claim ``mnist_sde``: all runs side by side, and how far each dynamics is from the SDE as ε grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy import stats

from sgdsde.plotting import Figure
from sgdsde.plotting.style import COLOURS, MARKERS, bare_figure, house_style, plain_log_ticks
from sgdsde.statistics import Distance, grouped_mean
from validation.mnist.sde.checks import STATISTICS
from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, NOISY, SDE, SGD, STRONGER, SVAG, Array, Key, Runs

LOOKS = dict(
    zip((SGD, SVAG, NOISY, SDE, STRONGER, ISOTROPIC, NOISELESS), zip(COLOURS, MARKERS, strict=True), strict=True)
)
WRONG = (STRONGER, ISOTROPIC, NOISELESS)


def runs_figure(runs: Runs) -> Figure:
    """Every statistic along the run at the smallest ε, one panel each."""
    times, rate = np.array(runs.size.times), runs.size.smallest
    with house_style():
        figure = bare_figure(11.0, 6.6)
        panels = figure.subplots(2, 3, sharex=True)
        for axes, (name, statistic) in zip(panels.flat, STATISTICS.items(), strict=True):
            for place, run in enumerate(LOOKS):
                if run == NOISELESS and name in ("excess", "weight_spread", "output_spread"):
                    continue  # 0 by definition
                # Beside each other: those that agree would else hide each other.
                x = times + (place - 3) * 0.08 * times[0]
                _draw(axes, x, run, _intervals(runs, (run, rate), name), runs.size.label(run, rate), "none")
            axes.set(title=statistic.label, xticks=times)
        for axes in panels[1]:
            axes.set_xlabel("time T = εk")
        figure.legend(*panels[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return figure


def rates_figure(runs: Runs, distances: Mapping[str, Sequence[tuple[Distance, Distance]]]) -> Figure:
    """Means at the end against ε with the SDE's as a band, and distances of laws from the SDE's."""
    rates, size = np.array(runs.size.learning_rates), runs.size
    with house_style():
        figure = bare_figure(10.5, 7.0)
        panels = figure.subplots(2, 2).flatten()
        for axes, name in zip(panels[:2], ("excess", "weight_spread"), strict=True):
            centre, reach = _intervals(runs, (SDE, size.smallest), name)[:, -1]
            axes.axhspan(centre - reach, centre + reach, color=LOOKS[SDE][0], alpha=0.25, linewidth=0, label=SDE)
            for place, run in enumerate(distances):
                ends = np.array([_intervals(runs, (run, rate), name)[:, -1] for rate in rates]).T
                _draw(axes, rates * 1.06 ** (place - 1), run, ends, run)
            axes.set_title(f"{STATISTICS[name].label}, at the end")
        titles = ("W1 of training losses from the SDE's", "energy distance of outputs from the SDE's")
        for kind, (axes, title) in enumerate(zip(panels[2:], titles, strict=True)):
            for place, (run, found) in enumerate(distances.items()):
                each = np.array([(float(d[kind].value), 1.96 * float(d[kind].standard_error)) for d in found]).T
                _draw(axes, rates * 1.06 ** (place - 1), run, each, run)
            noise = [[float(d[kind].noise + 4 * d[kind].spread) for d in found] for found in distances.values()]
            axes.fill_between(rates, np.max(noise, axis=0), color="0.9", linewidth=0, label="chance")
            axes.set(title=title, xlabel="learning rate ε, at the same noise scale g")
        for axes in panels:
            axes.set_xscale("log")
            plain_log_ticks(axes.xaxis)
        named = {text: mark for axes in panels for mark, text in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=5)
        return figure


def _draw(axes: Axes, x: Array, run: str, points: Array, label: str, line: str = "-") -> None:
    """Values and half widths of intervals, (2, points), in the look of the run: hollow where its noise is wrong."""
    colour, marker = LOOKS[run]
    axes.errorbar(
        x, *points, color=colour, marker=marker, linestyle=line, linewidth=1.1, capsize=2, markersize=4.5, label=label,
        markerfacecolor="none" if run in WRONG else colour,
    )  # fmt: skip


def _intervals(runs: Runs, key: Key, name: str) -> Array:
    """Means and half of their 95 % intervals, (2, readings); a single run has no width."""
    values = runs.statistic(key, name)
    if values.shape[1] < 2:
        return np.array([values.mean(axis=(0, 1)), np.zeros(values.shape[2])])
    each = [grouped_mean(values[..., k]) for k in range(values.shape[2])]
    return np.array([(m.value, stats.t.ppf(0.975, m.dof) * m.standard_error) for m in each]).T
