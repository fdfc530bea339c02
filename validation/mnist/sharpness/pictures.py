"""The figure of ``sharpness_at_equal_loss``: sharpness and test accuracy against ε/B, by ε and by B."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Curve, CurvePanel, Figure, Line, curve_panels
from validation.mnist.sharpness.runs import Runs
from validation.mnist.three_factors.analysis import Array
from validation.mnist.three_factors.runs import Run
from validation.signs import mean_known


def sharpness_figure(runs: Runs) -> Figure:
    """tr H, λ_max and test accuracy at equal training loss against ε/B."""
    size = runs.size
    texts = {"trace": "tr H at equal training loss", "largest": "λ_max at equal training loss",
             "test_accuracy": "test accuracy at equal training loss"}  # fmt: skip
    panels = []
    for name, text in texts.items():
        log = name != "test_accuracy"
        curves = [_curve(runs, f"{varied} varied", scan, name) for varied, scan in size.scans().items()]
        if name == "trace":
            curves.append(_curve(runs, f"B varied, N = {size.many_examples}", size.many, name, size.many_examples))
        lines = [_inverse(runs)] if name == "trace" else []
        panels.append(CurvePanel("ε/B", text, curves, lines, x_scale="log", y_scale="log" if log else "linear"))
    return curve_panels(panels)


def _curve(runs: Runs, label: str, scan: tuple[Run, ...], name: str, n: int | None = None) -> Curve:
    """Geometric means of what is positive."""
    values = [mean_known(each, np.nan) for each in runs.values(scan, name, n or runs.size.n_examples)]
    mean, error, _ = np.array(values).T
    if name != "test_accuracy":
        mean, error = np.exp(mean), np.exp(mean) * error
    return Curve(label, [run.ratio for run in scan], mean, error)


def _inverse(runs: Runs) -> Line:
    """∝ B/ε through the last point."""
    scan = runs.size.batches
    ratios: Array = np.array([run.ratio for run in scan])
    last = np.exp(mean_known(runs.values(scan[-1:], "trace", runs.size.n_examples)[0])[0])
    shown = ratios[-3:]
    return Line("∝ B/ε", shown, last * ratios[-1] / shown)
