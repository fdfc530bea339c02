"""Smith & Le's figures 3 and 4: accuracy along training for several batch sizes, and against the batch size."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.claim import Picture
from validation.mnist.rules.curves import Measured


def pictures(found: Measured) -> tuple[Picture, ...]:
    """The pictures of the last curve."""
    return (
        Picture(
            "along_training",
            "Test accuracy (left) and training loss (right) along training at several batch sizes; means and standard "
            "errors over replicas.",
            "Test accuracy along training: an intermediate batch size ends highest.",
            _along(found),
        ),
        Picture(
            "against_batch_size",
            "Test accuracy against the batch size after several numbers of updates, with the smooth curve at the end "
            "and its maximum's 95 % interval (left), and training loss (right).",
            "Test accuracy has its maximum at an intermediate batch size; training loss is low there and above.",
            _against(found),
        ),
    )


def _along(found: Measured) -> Figure:
    curve, runs = found.curves[-1], found.runs[-1]
    updates = found.protocol.updates(curve) * np.arange(1, curve.readings + 1) / curve.readings
    with house_style():
        figure = bare_figure(10.5, 4.4)
        panels = figure.subplots(1, 2)
        for point, (colour, marker) in zip(_some(len(curve.batch_sizes), 6), looks(), strict=False):
            b = curve.batch_sizes[point]
            look = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            for axes, name in zip(panels, ("test_accuracy", "train_loss"), strict=True):
                values = runs[name].sel(batch_size=b).to_numpy()
                error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
                axes.errorbar(updates, values.mean(axis=0), error, capsize=2.5, label=f"B = {b}", **look)
        panels[0].set(xlabel="updates", ylabel="test accuracy (share of images)")
        panels[1].set(xlabel="updates", ylabel="training loss (nats)", yscale="log")
        outside_legend(panels[0])
        return figure


def _against(found: Measured) -> Figure:
    curve, runs, last = found.curves[-1], found.runs[-1], len(found.curves) - 1
    effective, updates = curve.effective_batch_sizes, found.protocol.updates(curve)
    with house_style():
        figure = bare_figure(10.5, 4.4)
        left, right = figure.subplots(1, 2)
        for reading, (colour, marker) in zip(_some(curve.readings, 4), looks(), strict=False):
            look = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            for axes, name in ((left, "test_accuracy"), (right, "train_loss")):
                values = runs[name].isel(reading=reading).to_numpy()
                error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
                label = f"{updates * (reading + 1) // curve.readings} updates"
                line = "none" if axes is left and reading == curve.readings - 1 else ":"
                axes.errorbar(effective, values.mean(axis=1), error, capsize=2.5, label=label, linestyle=line, **look)
        left.plot(*found.optima.smooth[last], color=colour, linewidth=1.2)
        left.axvspan(*found.optima.interval[last], color=colour, alpha=0.13, linewidth=0)
        left.set(xscale="log", xlabel="effective batch size B' = 1/c  (≈ B)", ylabel="test accuracy (share of images)")
        right.set(
            xscale="log", yscale="log", xlabel="effective batch size B' = 1/c  (≈ B)", ylabel="training loss (nats)"
        )
        plain_log_ticks(left.xaxis)
        plain_log_ticks(right.xaxis)
        outside_legend(left)
        return figure


def _some(n: int, most: int) -> list[int]:
    """At most so many of range(n), at equal distances, first and last among them: a legend has little room."""
    return [round(each) for each in np.linspace(0, n - 1, min(n, most))]
