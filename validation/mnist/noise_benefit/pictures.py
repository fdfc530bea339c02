"""The figure of ``noise_benefit``: test accuracy against ε at every B, and the best ε and accuracy against B."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Figure
from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from validation.measure import mean_and_error
from validation.mnist.noise_benefit.runs import Runs


def epochs_figure(runs: Runs) -> Figure:
    """Three panels: curves in ε, best ε, best accuracy."""
    with house_style():
        figure = bare_figure(11.0, 4.4)
        curves, rates, heights = figure.subplots(1, 3, width_ratios=[1.4, 1, 1])
        look = looks()
        for (_, points, law), power, dashes in zip(runs.parts(), (1, 0), ("--", ":"), strict=True):
            for point, best in zip(points, law.optima, strict=True):
                colour, marker = next(look)
                style = {"color": colour, "marker": marker, "markerfacecolor": "white", "capsize": 3}
                values = [mean_and_error(row) for row in runs.found[point]["test_accuracy"].to_numpy()]
                # Lines from point to point: a smooth curve would claim to know a cliff that lies between two.
                mean, error = np.array(values).T
                curves.errorbar(point.learning_rates, mean, error, label=f"B = {point.batch_size}", **style)
                low, high = np.clip(best.interval, point.learning_rates[0], point.learning_rates[-1])
                rates.errorbar(
                    point.batch_size, best.place, [[best.place - low], [high - best.place]], linestyle="none", **style
                )
                heights.errorbar(point.batch_size, *mean_and_error(runs.best(point)), **style)
            b = np.array([float(point.batch_size) for point in points])
            middle = np.exp(np.mean([np.log(best.place) for best in law.optima]) - power * np.log(b).mean())
            label = "the paper's ε ∝ B" if power else "the paper's constant ε"
            rates.plot(b, middle * b**power, dashes, color="#666666", label=label)
        curves.set(xscale="log", xlabel="learning rate ε", ylabel=f"test accuracy after {runs.size.epochs} epochs")
        rates.set(xscale="log", yscale="log", xlabel="batch size B", ylabel="best ε, with its 95 % interval")
        heights.set(xscale="log", xlabel="batch size B", ylabel="best test accuracy")
        for axis in (curves.xaxis, rates.xaxis, rates.yaxis, heights.xaxis):
            plain_log_ticks(axis)
        figure.legend(loc="outside upper left", ncols=len(runs.size.small) + len(runs.size.large) + 2)
        return figure
