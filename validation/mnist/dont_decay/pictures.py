"""The figure of ``dont_decay``: learning curves per epoch under the schedules, and how far apart accuracies are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from sgdsde.plotting import Figure
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from validation.mnist.dont_decay.runs import KINDS, REFERENCE, Run

#: Points of test accuracy within which the schedules are to agree; it stands in the protocol too.
MARGIN = 1.0


def curves_figure(runs: Sequence[Run]) -> Figure:
    """Training loss, and differences of test accuracy, against epochs; a row for each case, the last one fails."""
    with house_style():
        figure = bare_figure(9.4, 0.9 + 3.1 * len(runs))
        rows = figure.subplots(len(runs), 2, squeeze=False)
        styles = dict(zip(KINDS, looks(), strict=False))
        for (left, right), run in zip(rows, runs, strict=True):
            epochs = run.case.schedule.readings_at
            for place, kind in enumerate(run.found["kind"].to_numpy()):
                colour, marker = styles[kind]
                look = {"color": colour, "marker": marker, "label": kind, "capsize": 2.5, "markerfacecolor": "white"}
                loss = run.found["train_loss"].sel(kind=kind).to_numpy()
                left.errorbar(epochs, loss.mean(axis=0), loss.std(axis=0, ddof=1) / np.sqrt(len(loss)), **look)
                if kind != REFERENCE:
                    pairs = [run.difference("test_accuracy", kind, k) for k in range(len(epochs))]
                    value, error = 100 * np.array(pairs).T
                    # Beside each other: those that agree would else hide each other.
                    x = epochs + (place - 2) * 0.04 * epochs[0]
                    right.errorbar(x, value, stats.t.ppf(0.975, run.dof) * error, linestyle="none", **look)
            left.set(yscale="log", xlabel="epochs", ylabel="training loss L")
            plain_log_ticks(left.yaxis)
            right.axhspan(-MARGIN, MARGIN, color="0.92", linewidth=0)
            right.axhline(0.0, color=styles[REFERENCE][0], linewidth=1.2)
            right.set(
                xlabel="epochs", ylabel=f"test accuracy less that\nwhere {REFERENCE}, points", xlim=left.get_xlim()
            )
            left.set_title(str(run.case))
        figure.legend(*rows[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(KINDS))
        return figure
