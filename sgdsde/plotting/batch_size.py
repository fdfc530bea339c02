"""Where the test accuracy is best: against the batch size, and the best batch size against the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks


@dataclass(frozen=True)
class AccuracyCurve:
    """Accuracy ± error against batch size at one learning rate, its smooth curve, and the interval of its maximum."""

    learning_rate: float
    batch_size: ArrayLike
    accuracy: ArrayLike
    error: ArrayLike
    smooth_batch_size: ArrayLike
    smooth_accuracy: ArrayLike
    best: float
    interval: tuple[float, float]


def best_batch_size(curves: Sequence[AccuracyCurve], exponent: float = 1.0) -> Figure:
    """Draw accuracies with their maxima (left), and the maxima against the learning rate with the law (right).

    Parameters
    ----------
    curves : sequence of AccuracyCurve
        One per learning rate, at least one.
    exponent : float
        α of the law B_opt ∝ ε^α, drawn through the maxima's geometric mean.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> curve = AccuracyCurve(0.1, [8, 16, 32], [0.8, 0.9, 0.8], [0.01] * 3, [8, 16, 32], [0.8, 0.9, 0.8], 16, (12, 20))
    >>> [axes.get_xlabel() for axes in best_batch_size([curve]).axes]
    ["effective batch size B' = 1/c  (≈ B)", 'learning rate ε']
    """
    with house_style():
        figure = bare_figure(9.0, 4.6)
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
        for curve, (colour, marker) in zip(curves, looks(), strict=False):
            point = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            left.axvspan(*curve.interval, color=colour, alpha=0.13, linewidth=0)
            left.axvline(curve.best, color=colour, linewidth=1, linestyle="--")
            left.plot(curve.smooth_batch_size, curve.smooth_accuracy, color=colour, linewidth=1.2)
            left.errorbar(
                curve.batch_size,
                curve.accuracy,
                curve.error,
                linestyle="none",
                capsize=2.5,
                label=f"ε = {curve.learning_rate:g}",
                **point,
            )
            around = [[curve.best - curve.interval[0]], [curve.interval[1] - curve.best]]
            right.errorbar(curve.learning_rate, curve.best, around, linestyle="none", capsize=3, **point)
        rates, tops = np.array([c.learning_rate for c in curves]), np.array([c.best for c in curves])
        fine = np.geomspace(rates.min() / 1.4, rates.max() * 1.4, 20)
        middle = np.exp(np.log(tops).mean())
        law = middle * (fine / np.exp(np.log(rates).mean())) ** exponent
        right.plot(
            fine,
            law,
            color="#333333",
            linewidth=1.2,
            label=f"theory: B' ∝ ε{'' if exponent == 1 else f'^{exponent:g}'}",
        )
        right.axhline(middle, color="#777777", linewidth=1, linestyle=":", label="control: no dependence")
        left.set(xscale="log", xlabel="effective batch size B' = 1/c  (≈ B)", ylabel="test accuracy (share of images)")
        right.set(xscale="log", yscale="log", xlabel="learning rate ε", ylabel="best effective batch size")
        for axis in (left.xaxis, right.xaxis, right.yaxis):
            plain_log_ticks(axis)
        outside_legend(left)
        outside_legend(right, ncols=1)
        return figure
