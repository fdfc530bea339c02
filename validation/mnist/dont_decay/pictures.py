"""The picture of ``dont_decay``: learning curves per epoch under the schedules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sgdsde.plotting.style import bare_figure, house_style, looks
from validation.claim import Picture
from validation.mnist.dont_decay.protocol import KINDS, Run


def curves_picture(runs: Sequence[Run]) -> Picture:
    """Training loss and test accuracy against epochs, a row for each case; the last is the one that fails."""
    with house_style():
        figure = bare_figure(9.4, 0.9 + 3.1 * len(runs))
        rows = figure.subplots(len(runs), 2, squeeze=False)
        styles = dict(zip(KINDS, looks(), strict=False))
        for row, run in zip(rows, runs, strict=True):
            epochs = run.case.schedule.readings_at
            for kind in run.found["kind"].to_numpy():
                colour, marker = styles[kind]
                for axes, quantity in zip(row, ("train_loss", "test_accuracy"), strict=True):
                    values = run.found[quantity].sel(kind=kind).transpose("replica", "reading").to_numpy()
                    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
                    axes.errorbar(
                        epochs, values.mean(axis=0), error, color=colour, marker=marker, label=kind, capsize=2.5,
                        markerfacecolor="white", markeredgewidth=1.4, linewidth=1.2,
                        linestyle="--" if kind == "B grows" else "-",
                    )  # fmt: skip
            left, right = row
            left.set(yscale="log", xlabel="epochs", ylabel="training loss L")
            left.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            left.yaxis.set_minor_formatter(NullFormatter())
            right.set(xlabel="epochs", ylabel="test accuracy")
            right.text(0.98, 0.04, str(run.case), transform=right.transAxes, ha="right", fontsize=9.5, color="#444444")
        figure.legend(*rows[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(KINDS))
    caption = (
        "Training loss (left) and test accuracy (right) per epoch when ε falls by the factor a at each drop, when B "
        "grows by it, when both do by turns, and when neither changes. In the bottom row momentum remembers more "
        "updates than the run whose batch grows has between drops. Means over replicas; bars are one standard error, "
        "most of it common to all schedules."
    )
    alt = "The schedules' curves lie on each other and apart from the control's, but in the bottom row."
    return Picture("curves", caption, alt, figure)
