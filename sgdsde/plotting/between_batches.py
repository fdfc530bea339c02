"""How the noise of one batch correlates with that of the batches after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from sgdsde.plotting.against_theory import Series
from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend


def between_batches(series: Sequence[Series], updates_per_epoch: int) -> Figure:
    """Draw the covariance of batch 1's noise with that of batch 1 + j, against the separation j.

    Parameters
    ----------
    series : sequence of Series
        x is the separation j = 1, 2, …; covariances are in units of N F.
    updates_per_epoch : int
        N/B; a line marks where the second epoch begins.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = between_batches([Series("reshuffled", [1, 2], [-1, 0], [0.1, 0.1], [-1, 0])], 2)
    >>> figure.axes[0].get_xlabel()
    'updates between the two batches, j'
    """
    with house_style():
        figure = bare_figure(8.0, 4.0)
        axes = figure.subplots()
        axes.axvline(updates_per_epoch - 0.5, color="#666666", linestyle="--", label="next epoch begins")
        shifts = np.linspace(-0.08, 0.08, len(series)) if len(series) > 1 else [0.0]
        for (colour, marker), item, shift in zip(looks(), series, shifts, strict=False):
            x = np.asarray(item.x, dtype=float)
            axes.hlines(item.predicted, x - 0.45, x + 0.45, color=colour, linewidth=1.3)
            axes.errorbar(
                x + shift,
                item.measured,
                item.error,
                color=colour,
                marker=marker,
                linestyle="none",
                capsize=2.5,
                markerfacecolor="white",
                markeredgewidth=1.4,
                label=item.label,
            )
        axes.set(xlabel="updates between the two batches, j", ylabel="⟨α₁ α₁₊ⱼ⟩ / (N F)")
        outside_legend(axes)
        return figure
