"""The figure of ``epoch_budget``: the best ε against the budget, and the best accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import numpy as np

from sgdsde.plotting import Figure
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.measure import mean_and_error
from validation.mnist.epoch_budget.runs import QUANTITIES, Budget, Runs


def budget_figure(runs: Runs, paper: Mapping[str, float]) -> Figure:
    """Three panels: best ε at the small and at the large B, with the paper's powers of the budget; best accuracies."""
    size = runs.size
    epochs = np.array(size.epochs, dtype=float)
    with house_style():
        figure = bare_figure(12.0, 4.4)
        *rates, heights = figure.subplots(1, 3)
        others = list(islice(looks(), len(QUANTITIES), len(QUANTITIES) + 2))  # colours of no quantity
        for axes, point, (colour, marker) in zip(rates, (size.small, size.large), others, strict=True):
            for quantity, shift, (line, mark) in zip(QUANTITIES, (0.97, 1.03), looks(), strict=False):
                law = runs.laws[point.batch_size, quantity]
                place = np.array([best.place for best in law.optima])
                low, high = np.clip(
                    np.array([best.interval for best in law.optima]).T, *np.array(point.learning_rates)[[0, -1]]
                )
                reach = np.maximum([place - low, high - place], 0.0)
                look = {"color": line, "marker": mark, "markerfacecolor": "white", "capsize": 3, "linestyle": "none"}
                axes.errorbar(shift * epochs, place, reach, label=f"for {quantity}", **look)
                middle = np.exp(np.log(place).mean()) * (epochs / np.exp(np.log(epochs).mean())) ** paper[quantity]
                if point is size.small:
                    axes.plot(epochs, middle, "--", color=line, linewidth=1.1)
            axes.set(xscale="log", yscale="log", xlabel="epochs", ylabel=f"best ε at B = {point.batch_size}")
            best = np.array([mean_and_error(runs.best(Budget(point.batch_size, e))) for e in size.epochs])
            heights.errorbar(
                epochs, *best.T, color=colour, marker=marker, markerfacecolor="white", capsize=3,
                label=f"B = {point.batch_size}",
            )  # fmt: skip
        heights.set(xscale="log", xlabel="epochs", ylabel="best test accuracy")
        for axis in (heights.xaxis, *(each for axes in rates for each in (axes.xaxis, axes.yaxis))):
            plain_log_ticks(axis)
        for axes in (rates[0], heights):
            outside_legend(axes, ncols=2)
        return figure
