"""The figure of ``weight_decay``: accuracy against the batch size at every λ, and the gap against λ."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Figure
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.measure import mean_and_error
from validation.mnist.weight_decay.runs import Runs


def decay_figure(runs: Runs) -> Figure:
    """Two panels; errors on the left are without what all points of a replica have in common."""
    size = runs.size
    with house_style():
        figure = bare_figure(10.0, 4.4)
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
        for decay, (colour, marker) in zip(runs.found, looks(), strict=False):
            accuracy = runs.accuracy(decay)
            own = (accuracy - accuracy.mean(axis=0)).std(axis=1, ddof=1) / np.sqrt(accuracy.shape[1])
            mean, best = accuracy.mean(axis=1), size.batch_sizes.index(runs.best(decay))
            look = {"color": colour, "marker": marker, "markerfacecolor": "white", "capsize": 2.5}
            left.errorbar(size.batch_sizes, mean, own, label=f"λ = {decay:g}", **look)
            left.plot(size.batch_sizes[best], mean[best], color=colour, marker=marker, zorder=4)
        left.set(xscale="log", xlabel="batch size B", ylabel="test accuracy (share of images)")
        gaps = np.array([mean_and_error(runs.gaps(decay)) for decay in runs.found])
        names = [f"{decay:g}" for decay in runs.found]
        right.errorbar(names, gaps[:, 0], gaps[:, 1], color=COLOURS[0], marker="o", linestyle="none", capsize=3)
        right.axhline(0.0, color="#333333", linewidth=1.0)
        right.set(xlabel="weight decay λ", ylabel=f"accuracy at the best B less that at B = {size.batch_sizes[-1]}")
        plain_log_ticks(left.xaxis)
        outside_legend(left, ncols=4)
        return figure
