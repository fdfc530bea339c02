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
    """Accuracy ± error against batch size at one value of a variable, the fit in its window, and the best place.

    ``noise_scale`` is g at each batch size, and ``value`` what the best batch size is thought to be a power of.
    ``interval`` is of ``best``, with 0 and ∞ where it has no end.
    """

    value: float
    label: str
    batch_size: ArrayLike
    noise_scale: ArrayLike
    accuracy: ArrayLike
    error: ArrayLike
    fit_batch_size: ArrayLike
    fit_accuracy: ArrayLike
    best: float
    interval: tuple[float, float]

    __repr__ = one_line


def best_batch_size(
    curves: Sequence[AccuracyCurve],
    variable: str = "learning rate ε",
    symbol: str = "ε",
    exponent: float = 1.0,
    measured: tuple[float, float] | None = None,
) -> Figure:
    """Draw accuracies with their maxima, the maxima against the variable with its law, and all against the noise scale.

    The best point of each curve is filled, lines are the fits in their windows, and bars above them intervals of the
    best batch size, with arrows where they have no end. In the last panel curves lie on one another where only g
    matters.

    Parameters
    ----------
    curves : sequence of AccuracyCurve
        One per value of the variable, at least one.
    variable, symbol : str
        What it is called on the axis and in the law.
    exponent : float
        α of the law B_opt ∝ variable^α, drawn through the maxima's geometric mean.
    measured : (float, float), optional
        α as it was measured, and its standard error: drawn beside.

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
        figure = bare_figure(12.5, 4.8)
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.35, 1, 1.35])
        spans = [float(np.ptp(np.asarray(curve.accuracy))) for curve in curves]
        for number, (curve, (colour, marker)) in enumerate(zip(curves, looks(), strict=False)):
            b, accuracy = np.asarray(curve.batch_size, dtype=float), np.asarray(curve.accuracy, dtype=float)
            scaled = b[0] * float(np.asarray(curve.noise_scale)[0])  # g B', one number for a curve
            point = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            for axes, of in ((left, lambda x: np.asarray(x)), (right, lambda x, s=scaled: s / np.asarray(x))):
                axes.errorbar(
                    of(b), accuracy, curve.error, linestyle="none", capsize=2.5, label=curve.label, zorder=2, **point
                )
                axes.plot(of(curve.fit_batch_size), curve.fit_accuracy, color=colour, linewidth=1.2, zorder=3)
                top = int(accuracy.argmax())
                axes.plot(of(b[top]), accuracy[top], color=colour, marker=marker, zorder=4)
            height = max(float(np.max(np.asarray(c.accuracy))) for c in curves) + max(spans) * (0.06 + 0.035 * number)
            low, high = np.clip(curve.interval, b[0], b[-1])
            left.plot([low, high], [height] * 2, color=colour, linewidth=1.4)
            left.plot(curve.best, height, color=colour, marker="|", markersize=8, markeredgewidth=1.8)
            middle.plot([curve.value] * 2, [low, high], color=colour, linewidth=1.4)
            middle.plot(curve.value, curve.best, **point)
            for end, side, way in zip(curve.interval, (low, high), (("<", "v"), (">", "^")), strict=True):
                mark = way if end != side else ("|", "_")  # an arrow where it goes on
                left.plot(side, height, color=colour, marker=mark[0], markersize=5)
                middle.plot(curve.value, side, color=colour, marker=mark[1], markersize=5)
        values, tops = np.array([c.value for c in curves]), np.array([c.best for c in curves])
        fine = np.geomspace(values.min() / 1.3, values.max() * 1.3, 20)
        centre, away = np.exp(np.log(tops).mean()), fine / np.exp(np.log(values).mean())
        power = "" if exponent == 1 else f"^{exponent:g}"
        middle.plot(
            fine, centre * away**exponent, color="#333333", linewidth=1.2, label=f"theory: B' ∝ {symbol}{power}"
        )
        if measured is not None:
            alpha, error = measured
            label = f"measured: exponent {alpha:.2f} ± {error:.2f}"
            middle.plot(fine, centre * away**alpha, color="#777777", linewidth=1.2, linestyle="--", label=label)
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
        As of :func:`best_batch_size`; a batch of all examples, which has no noise, is left out.
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
        low, high = low if best.interval[0] else 0.0, high if np.isfinite(best.interval[1]) else np.inf
        curves.append(
            AccuracyCurve(
                rate, f"ε = {rate:g}", effective, noise[noisy], accuracy.mean("replica").to_numpy()[noisy],
                (accuracy.std("replica", ddof=1) / np.sqrt(accuracy.sizes["replica"])).to_numpy()[noisy],
                line, 1 - best.curve[1], place, (low, high),
            )
        )  # fmt: skip
    law = study.law if len(curves) > 1 else None
    known = law is not None and np.isfinite(law.standard_error)
    return best_batch_size(curves, measured=(law.exponent, law.standard_error) if law is not None and known else None)
