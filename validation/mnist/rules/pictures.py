"""Accuracy and training loss along training, and against the batch size as in Smith & Le's figure 4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.mnist.rules.curves import Array, Curve


def along_training(curve: Curve, runs: xr.Dataset, updates: int) -> Figure:
    """Some batch sizes, over the readings."""
    at = updates * np.arange(1, curve.readings + 1) / curve.readings
    sizes = [curve.batch_sizes[k] for k in _some(len(curve.batch_sizes), 6)]
    return _both("updates", at, [(f"B = {b}", runs.sel(batch_size=b)) for b in sizes])


def against_batch_size(curve: Curve, runs: xr.Dataset, updates: int) -> Figure:
    """Some readings, over the batch sizes."""
    readings = _some(curve.readings, 4)
    lines = [(f"{updates * (k + 1) // curve.readings} updates", runs.isel(reading=k)) for k in readings]
    return _both("effective batch size B' = 1/c  (≈ B)", curve.effective_batch_sizes, lines, x_scale="log")


def _both(name: str, x: Array, lines: Iterable[tuple[str, xr.Dataset]], x_scale: str = "linear") -> Figure:
    """Test accuracy and training loss, means over replicas and standard errors."""
    with house_style():
        figure = bare_figure(10.5, 4.4)
        left, right = figure.subplots(1, 2)
        for (label, runs), (colour, marker) in zip(lines, looks(), strict=False):
            look = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            for axes, quantity in ((left, runs.test_accuracy), (right, runs.train_loss)):
                error = quantity.std("replica", ddof=1) / np.sqrt(quantity.sizes["replica"])
                axes.errorbar(x, quantity.mean("replica"), error, capsize=2.5, label=label, **look)
        left.set(xscale=x_scale, xlabel=name, ylabel="test accuracy (share of images)")
        right.set(xscale=x_scale, yscale="log", xlabel=name, ylabel="training loss (nats)")
        for axis in (right.yaxis, *((left.xaxis, right.xaxis) if x_scale == "log" else ())):
            plain_log_ticks(axis)
        outside_legend(left)
        return figure


def _some(n: int, most: int) -> Sequence[int]:
    """At most so many of range(n), at equal distances, first and last among them: a legend has little room."""
    return [round(each) for each in np.linspace(0, n - 1, min(n, most))]
