"""Figures of a grid of runs: how far SGD is from the SDE at each ε, and the runs of one width along training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy import stats

from sgdsde.plotting import Figure
from sgdsde.plotting.style import COLOURS, MARKERS, bare_figure, house_style, plain_log_ticks
from validation.mnist.sde.grid import INDEPENDENT, Key, Row
from validation.mnist.sde.grid_checks import LOG_LOSS, OTHERS, STATISTICS, found_in, label, text
from validation.mnist.sde.grid_runs import Runs
from validation.mnist.sde.runs import ISOTROPIC, NOISELESS, NOISY, SGD, STRONGER, SVAG, Array
from validation.protocol import Protocol

#: Of runs at each ε, and of wrong noises, which are drawn as lines.
MARKS = dict(zip((SGD, SVAG, NOISY), MARKERS, strict=False))
LINES = {STRONGER: "--", ISOTROPIC: ":", INDEPENDENT: "-."}
#: By what markers of two widths stand apart at one ε; the least ratio that is drawn: without noise all are 0.
APART, LEAST = 1.06, 0.3
#: How far beyond its first and last ε a panel goes.
BESIDE = 1.4


def rates_figure(runs: Runs, row: Row, protocol: Protocol) -> Figure:
    """Each statistic over that of the SDE, against ε, for every width: a column of panels for each window."""
    size = runs.size
    with house_style():
        figure = bare_figure(max(7.0, 3.9 * len(size.compared) + 0.6), 10.5)
        panels = figure.subplots(len(STATISTICS[runs.sampling]), len(size.compared), sharex=True, squeeze=False)
        for panel, (name, words) in zip(panels, STATISTICS[runs.sampling].items(), strict=True):
            for axes, window in zip(panel, size.compared, strict=True):
                for place in range(len(size.widths)):
                    _ratios(axes, runs, row, name, window, place)
                low, high = _near(runs, row, name, window, protocol)
                axes.axhspan(low, high, color="0.92", linewidth=0)
                axes.axhline(1.0, color="#333333", linewidth=1.0)
                axes.set(xscale="log", yscale="log", title=f"{_title(name, words)},\n{size.window(window)}")
                axes.set_xlim(row.learning_rates[0] / BESIDE, row.learning_rates[-1] * BESIDE)
                axes.set_ylim(bottom=max(LEAST, axes.get_ylim()[0]), top=max(1.5, axes.get_ylim()[1]))
                plain_log_ticks(axes.xaxis)
                plain_log_ticks(axes.yaxis)
            panel[0].set_ylabel("over the SDE's")
        for axes in panels[-1]:
            axes.set_xlabel(f"learning rate ε, at ε/B = 1/{row.ratio}")
        figure.legend(handles=_legend(runs, row), loc="outside lower center", ncols=3)
        return figure


def _near(runs: Runs, row: Row, name: str, window: int, protocol: Protocol) -> tuple[float, float]:
    """The ratios that are within the margin at the smallest ε."""
    hidden = next(iter(runs.size.widths))
    key = Key(SGD, hidden, row.ratio, row.learning_rates[0])
    margin = protocol.terms(text(runs, name, key, runs.sde(hidden, row), window)).margin
    return (float(np.exp(-margin)), float(np.exp(margin))) if name == LOG_LOSS else (1 - margin, 1 + margin)


def _ratios(axes: Axes, runs: Runs, row: Row, name: str, window: int, place: int) -> None:
    """The points of one width, with 95 % intervals, to which the SDE's own error adds."""
    hidden, colour = list(runs.size.widths)[place], COLOURS[place]
    sde = found_in(runs, runs.sde(hidden, row), name, window)
    for run, rates in _rates(row).items():
        found = [found_in(runs, Key(run, hidden, row.ratio, rate), name, window) for rate in rates]
        away = [each - sde for each in found]
        ratios = _over([each.value for each in found], sde.value, name)
        unit = ratios if name == LOG_LOSS else 1 / abs(sde.value)
        reach = np.array([stats.t.ppf(0.975, each.dof) * each.standard_error for each in away]) * unit
        axes.errorbar(
            np.array(rates) * APART ** (place - (len(runs.size.widths) - 1) / 2), ratios, reach, color=colour,
            marker=MARKS[run], linestyle="-" if run == SGD else "none", linewidth=1.1, markersize=4.5, capsize=2,
            markerfacecolor=colour if run == SGD else "white",
        )  # fmt: skip
    for rival, key in _beside(runs, hidden, row).items():
        (height,) = _over([float(runs.statistic(key, name)[..., window].mean())], sde.value, name)
        if height > LEAST:
            axes.axhline(float(height), color=colour, linestyle=LINES[rival], linewidth=1.0)


def _over(values: Sequence[float], reference: float, name: str) -> Array:
    """Ratios to the SDE's: those of losses where their logarithms are compared."""
    ratios: Array = np.exp(np.array(values) - reference) if name == LOG_LOSS else np.array(values) / reference
    return ratios


def _title(name: str, words: str) -> str:
    return "training loss" if name == LOG_LOSS else words


def _rates(row: Row) -> dict[str, tuple[float, ...]]:
    """At which ε each run is."""
    rates = {SGD: row.learning_rates, SVAG: row.svag, NOISY: row.noisy}
    return {run: of for run, of in rates.items() if of}


def _beside(runs: Runs, hidden: int, row: Row) -> dict[str, Key]:
    """Wrong noises that can be drawn."""
    fresh = Key(INDEPENDENT, hidden, row.ratio, row.learning_rates[0])
    keys = runs.wrong(hidden, row) | {INDEPENDENT: fresh}
    return {name: key for name, key in keys.items() if name != NOISELESS and key in runs.found}


def _legend(runs: Runs, row: Row) -> list[Line2D]:
    def line(name: str, **look: Any) -> Line2D:
        return Line2D([], [], label=name, **({"color": "#333333"} | look))

    widths = [
        line(f"{hidden} hidden units", color=colour, linewidth=3)
        for hidden, colour in zip(runs.size.widths, COLOURS, strict=False)
    ]
    marks = [
        line(run, marker=MARKS[run], linestyle="-" if run == SGD else "none", markersize=5,
             markerfacecolor="#333333" if run == SGD else "white")
        for run in _rates(row)
    ]  # fmt: skip
    beside = _beside(runs, next(iter(runs.size.widths)), row)
    return [*widths, *marks, *(line(name, linestyle=LINES[name]) for name in beside)]


def runs_figure(runs: Runs, row: Row, hidden: int) -> Figure:
    """Training loss, and the spread of weights, along training, for one width."""
    rates = row.learning_rates
    keys = [
        runs.quiet(hidden), runs.sde(hidden, row), Key(SGD, hidden, row.ratio, rates[0]),
        Key(SGD, hidden, row.ratio, rates[-1]), *_beside(runs, hidden, row).values(),
    ]  # fmt: skip
    with house_style():
        figure = bare_figure(10.5, 4.6)
        panels = figure.subplots(1, 2)
        for place, key in enumerate(dict.fromkeys(keys)):
            words = label(runs.size, key) if key.run == SGD else key.run
            look: Any = {"color": COLOURS[place], "linestyle": "-" if place % 2 else "--", "linewidth": 1.3}
            for axes, name in zip(panels, ("train_loss", "weight_spread"), strict=True):
                values = runs.of(key, name).mean(axis=(0, 1))
                if values.any():
                    times = runs.size.time * (np.arange(len(values)) + 1) / len(values)
                    axes.plot(times, values, label=words, **look)
        for axes, title in zip(panels, ("training loss", OTHERS["weight_spread"]), strict=True):
            axes.set(yscale="log", xlabel="time s = εk", title=title)
            plain_log_ticks(axes.yaxis)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return figure
