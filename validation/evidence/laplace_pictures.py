"""Pictures of the claim ``laplace_evidence``: Laplace's error, and the evidence ratio with and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend
from validation.claim import Picture

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """ln evidence of one task at each λ, (L,): measured ± error, Laplace's, and of the null model."""

    regularization: Array
    measured: Array
    error: Array
    laplace: Array
    null: float

    @property
    def laplace_error(self) -> Array:
        """What Laplace adds to ln evidence, in nats."""
        return self.laplace - self.measured

    @property
    def ratio(self) -> Array:
        """E, measured: negative for the model."""
        return self.null - self.measured

    @property
    def laplace_ratio(self) -> Array:
        """Laplace's E."""
        return self.null - self.laplace


def error_picture(curves: Mapping[str, Curve]) -> Picture:
    """Laplace's error against λ: two labellings of a number of weights after each other, of one colour."""
    with house_style():
        figure = bare_figure(8.4, 5.2)
        axes = figure.subplots()
        axes.axhline(0.0, color="#333333", linewidth=1.0)
        axes.axhspan(-0.1, 0.1, color="#000000", alpha=0.07, linewidth=0)
        pairs = list(curves.items())
        for k, (colour, marker) in zip(range(0, len(pairs), 2), looks(), strict=False):
            for (label, curve), dashes, filled in zip(pairs[k : k + 2], ("-", "--"), ("white", colour), strict=False):
                axes.errorbar(
                    curve.regularization, curve.laplace_error, curve.error, color=colour, marker=marker, linewidth=1.0,
                    linestyle=dashes, markerfacecolor=filled, markeredgewidth=1.4, capsize=2.5, label=label,
                )  # fmt: skip
        axes.set(xscale="log", xlabel="penalty λ", ylabel="ln evidence, Laplace − measured   (nats)")
        axes.set_yscale("symlog", linthresh=0.1, linscale=0.6)
        axes.set_yticks([-100, -10, -1, -0.1, 0, 0.1, 1], ["−100", "−10", "−1", "−0.1", "0", "0.1", "1"])
        outside_legend(axes, ncols=4)
    caption = (
        "What Laplace's method errs by in ln evidence, for each number of weights and labelling; linear inside the "
        "grey band of ±0.1 nat, logarithmic outside. Bars are one standard error of the measurement."
    )
    alt = "Errors are below a tenth of a nat at strong penalties and grow to tens of nats where λ is weak and P large."
    return Picture("error", caption, alt, figure)


def ratio_picture(curves: Mapping[str, Curve]) -> Picture:
    """E against λ, measured and by Laplace."""
    with house_style():
        figure = bare_figure(8.0, 5.0)
        axes = figure.subplots()
        axes.axhline(0.0, color="#333333", linewidth=1.0)
        for (label, curve), (colour, marker) in zip(curves.items(), looks(), strict=False):
            axes.plot(curve.regularization, curve.laplace_ratio, "--", color=colour, label=f"{label}, Laplace")
            axes.errorbar(
                curve.regularization, curve.ratio, curve.error, color=colour, marker=marker, linestyle="none",
                markerfacecolor="white", markeredgewidth=1.4, capsize=2.5, label=f"{label}, measured",
            )  # fmt: skip
        axes.set(xscale="log", xlabel="penalty λ", ylabel="log evidence ratio E   (nats; below 0: for the model)")
        outside_legend(axes, ncols=2)
    caption = (
        "Smith & Le's E for the most weights: dashed by Laplace's method, points measured. Below 0 the evidence is for "
        "the model, above 0 for the null model. Bars are one standard error."
    )
    alt = "Laplace's E rises steeply at weak λ and changes sign; the measured E levels off."
    return Picture("ratio", caption, alt, figure)
