"""The figures of ``gradient_normality``: excess kurtosis against B at every stage, and the distance from normal."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Figure, Series, against_theory_panels
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from validation.measure import mean_and_error
from validation.mnist.cells.normality.gradients import KINDS
from validation.mnist.normality.runs import VECTORS, Runs


def kurtosis_figure(runs: Runs) -> Figure:
    """Kurtosis of batches, a mean over networks, and κ/B + 3; a panel for each stage."""
    batches = np.array(runs.size.batch_sizes)
    fine = np.geomspace(float(batches[0]), float(batches[-1]), 40)
    panels = {}
    for stage in runs.size.stages:
        shown = []
        for kind in KINDS:
            exact = runs.found["kurtosis"].sel(kind=kind, stage=stage).mean("replica").to_numpy()
            ratios = np.array([mean_and_error(runs.ratios(kind, stage, int(b))[0]) for b in batches]).T
            line = 3 + runs.excess(kind, stage).mean() / fine
            shown.append(Series(kind, batches, exact * ratios[0], exact * ratios[1], exact, fine, line))
        panels[stage] = shown
    return against_theory_panels(panels, "batch size B", "kurtosis   (normal: 3)", ratio="measured / exact")


#: Distances are drawn on a linear scale up to here, and on a logarithmic one beyond.
LINEAR = 0.02


def distance_figure(runs: Runs) -> Figure:
    """Distances from normal vectors, a panel for each kind of directions and a line for each stage."""
    with house_style():
        figure = bare_figure(9.0, 4.4)
        panels = figure.subplots(1, len(VECTORS), sharey=True)
        for axes, kind in zip(panels, VECTORS, strict=True):
            for stage, (colour, marker) in zip(runs.size.stages, looks(), strict=False):
                found = np.array([mean_and_error(runs.distances(kind, stage, b)) for b in runs.size.batch_sizes]).T
                look = {"color": colour, "marker": marker, "markerfacecolor": "white", "capsize": 3}
                axes.errorbar(runs.size.batch_sizes, *found, label=stage, **look)
            axes.axhline(0.0, color="#333333", linewidth=1.0)
            axes.set_yscale("symlog", linthresh=LINEAR)
            axes.set(xscale="log", xlabel="batch size B", title=kind)
            plain_log_ticks(axes.xaxis)
        panels[0].set_ylabel("energy distance from normal vectors")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(runs.size.stages))
        return figure
