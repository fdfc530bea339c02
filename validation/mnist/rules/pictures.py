"""Accuracy and training loss along training, and against the batch size as in Smith & Le's figure 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import xarray as xr

from sgdsde.plotting import CurvePanel, Figure, curve_panels
from validation.mnist.rates import means
from validation.mnist.rules.curves import Array, Curve


def along_training(curve: Curve, runs: xr.Dataset, updates: int) -> Figure:
    """Some batch sizes, over the readings."""
    at = updates * np.arange(1, curve.readings + 1) / curve.readings
    sizes = [curve.batch_sizes[k] for k in _some(len(curve.batch_sizes), 6)]
    return _both("updates", at, {f"B = {b}": runs.sel(batch_size=b) for b in sizes})


def against_batch_size(curve: Curve, runs: xr.Dataset, updates: int) -> Figure:
    """Some readings, over the batch sizes."""
    readings = _some(curve.readings, 4)
    lines = {f"{updates * (k + 1) // curve.readings} updates": runs.isel(reading=k) for k in readings}
    return _both("effective batch size B' = 1/c  (≈ B)", curve.effective_batch_sizes, lines, "log")


def _both(name: str, x: Array, lines: Mapping[str, xr.Dataset], x_scale: Literal["linear", "log"] = "linear") -> Figure:
    """Test accuracy and training loss, means over replicas and standard errors."""
    accuracy, loss = (
        [means(label, x.tolist(), runs[quantity].transpose(..., "replica").to_numpy()) for label, runs in lines.items()]
        for quantity in ("test_accuracy", "train_loss")
    )
    return curve_panels(
        [
            CurvePanel(name, "test accuracy (share of images)", accuracy, x_scale=x_scale),
            CurvePanel(name, "training loss (nats)", loss, x_scale=x_scale, y_scale="log"),
        ],
        columns=3,
    )


def _some(n: int, most: int) -> Sequence[int]:
    """At most so many of range(n), at equal distances, first and last among them: a legend has little room."""
    return [round(each) for each in np.linspace(0, n - 1, min(n, most))]
