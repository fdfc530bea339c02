"""Where the test accuracy is best: against the batch size, the best batch size's law, and against the noise scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from sgdsde.layout import one_line
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks

if TYPE_CHECKING:
    from sgdsde.studies import BatchSizeStudy


@dataclass(frozen=True)
class AccuracyCurve:
    """Accuracy ± error against batch size at one value of a variable, its smooth curve, and its maximum's interval.

    ``noise_scale`` is g at each batch size, and ``value`` what the best batch size is thought to be a power of.
    """

    value: float
    label: str
    batch_size: ArrayLike
    noise_scale: ArrayLike
    accuracy: ArrayLike
    error: ArrayLike
    smooth_batch_size: ArrayLike
    smooth_accuracy: ArrayLike
    best: float
    interval: tuple[float, float]

    __repr__ = one_line


def best_batch_size(
    curves: Sequence[AccuracyCurve], variable: str = "learning rate ε", symbol: str = "ε", exponent: float = 1.0
) -> Figure:
    """Draw accuracies with their maxima, the maxima against the variable with its law, and all against the noise scale.

    In the last panel curves lie on one another where only g matters.

    Parameters
    ----------
    curves : sequence of AccuracyCurve
        One per value of the variable, at least one.
    variable, symbol : str
        What it is called on the axis and in the law.
    exponent : float
        α of the law B_opt ∝ variable^α, drawn through the maxima's geometric mean.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> b, a = [8, 16, 32], [0.8, 0.9, 0.8]
    >>> curve = AccuracyCurve(0.1, "ε = 0.1", b, [4, 2, 1], a, [0.01] * 3, b, a, 16, (12, 20))
    >>> [axes.get_xlabel() for axes in best_batch_size([curve]).axes]
    ["effective batch size B' = 1/c  (≈ B)", 'learning rate ε', "noise scale g = εN/(B'(1 − m))"]
    """
    with house_style():
        figure = bare_figure(12.5, 4.6)
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.35, 1, 1.35])
        for curve, (colour, marker) in zip(curves, looks(), strict=False):
            point = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            left.axvspan(*curve.interval, color=colour, alpha=0.13, linewidth=0)
            left.axvline(curve.best, color=colour, linewidth=1, linestyle="--")
            scaled = np.asarray(curve.batch_size)[0] * np.asarray(curve.noise_scale)[0]  # g B', one number for a curve
            for axes, x, smooth in (
                (left, curve.batch_size, np.asarray(curve.smooth_batch_size)),
                (right, curve.noise_scale, scaled / np.asarray(curve.smooth_batch_size)),
            ):
                axes.plot(smooth, curve.smooth_accuracy, color=colour, linewidth=1.2)
                axes.errorbar(x, curve.accuracy, curve.error, linestyle="none", capsize=2.5, label=curve.label, **point)
            around = [[curve.best - curve.interval[0]], [curve.interval[1] - curve.best]]
            middle.errorbar(curve.value, curve.best, around, linestyle="none", capsize=3, **point)
        values, tops = np.array([c.value for c in curves]), np.array([c.best for c in curves])
        fine = np.geomspace(values.min() / 1.4, values.max() * 1.4, 20)
        centre = np.exp(np.log(tops).mean())
        law = centre * (fine / np.exp(np.log(values).mean())) ** exponent
        power = "" if exponent == 1 else f"^{exponent:g}"
        middle.plot(fine, law, color="#333333", linewidth=1.2, label=f"theory: B' ∝ {symbol}{power}")
        middle.axhline(centre, color="#777777", linewidth=1, linestyle=":", label="control: no dependence")
        left.set(xscale="log", xlabel="effective batch size B' = 1/c  (≈ B)", ylabel="test accuracy (share of images)")
        middle.set(xscale="log", yscale="log", xlabel=variable, ylabel="best effective batch size")
        right.set(xscale="log", xlabel="noise scale g = εN/(B'(1 − m))", ylabel="test accuracy (share of images)")
        for axis in (left.xaxis, middle.xaxis, middle.yaxis, right.xaxis):
            plain_log_ticks(axis)
        outside_legend(left)
        outside_legend(middle, ncols=1)
        return figure


def batch_size_chart(study: BatchSizeStudy) -> Figure:
    """Draw a study of batch sizes: accuracies with their maxima, these against ε, and all against the noise scale.

    Parameters
    ----------
    study : BatchSizeStudy
        Of :func:`sgdsde.batch_size_study`.

    Returns
    -------
    matplotlib.figure.Figure
        As of :func:`best_batch_size`. Bands are intervals of the best batch size, cut at the ends of the grid; a batch
        of all examples, which has no noise, is left out.
    """
    curves = []
    for k, (rate, best) in enumerate(zip(study.learning_rates.tolist(), study.optima, strict=True)):
        noise, accuracy = study.runs.noise_scale[k].to_numpy(), study.runs.test_accuracy.isel(learning_rate=k)
        noisy = noise > 0
        product = rate * study.config.n_examples / (1 - study.config.momentum)  # g B'
        effective = product / noise[noisy]
        around = [best.place, *best.interval, *best.curve[0].tolist()]
        scales = np.array([study.noise_scale(rate, b) for b in around])
        place, low, high, *line = np.clip(product / np.maximum(scales, noise[noisy][-1]), effective[0], effective[-1])
        curves.append(
            AccuracyCurve(
                rate, f"ε = {rate:g}", effective, noise[noisy], accuracy.mean("replica").to_numpy()[noisy],
                (accuracy.std("replica", ddof=1) / np.sqrt(accuracy.sizes["replica"])).to_numpy()[noisy],
                line, 1 - best.curve[1], place, (low, high),
            )
        )  # fmt: skip
    return best_batch_size(curves)
