"""The picture of ``noise_benefit``: test accuracy against ε at every B, and the best ε and accuracy against B."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting.style import bare_figure, house_style, looks, plain_log_ticks
from validation.claim import Picture
from validation.mnist.noise_benefit.protocol import Measured


def epochs_picture(found: Measured) -> Picture:
    """Three panels: curves in ε, best ε, best accuracy."""
    protocol = found.protocol
    points = [*protocol.small, *protocol.large]
    sizes = np.array([point.batch_size for point in points])
    best, interval = (
        np.concatenate([getattr(part, name) for part in (found.small, found.large)]) for name in ("place", "interval")
    )
    with house_style():
        figure = bare_figure(11.0, 4.4)
        curves, rates, heights = figure.subplots(1, 3, width_ratios=[1.4, 1, 1])
        smooth = [*found.small.smooth, *found.large.smooth]
        for point, (x, y), (low, high), top, (colour, marker) in zip(
            points, smooth, interval, best, looks(), strict=False
        ):
            values = found.runs[point]["test_accuracy"].to_numpy()
            error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            look = {"color": colour, "marker": marker, "markerfacecolor": "white", "markeredgewidth": 1.4}
            curves.plot(x, y, color=colour, linewidth=1.2)
            curves.errorbar(
                point.learning_rates, values.mean(axis=1), error, linestyle="none", capsize=2.5,
                label=f"B = {point.batch_size}", **look,
            )  # fmt: skip
            rates.errorbar(point.batch_size, top, [[top - low], [high - top]], linestyle="none", capsize=3, **look)
            accuracy = found.best(found.runs[point])
            heights.errorbar(
                point.batch_size, accuracy.mean(), accuracy.std(ddof=1) / np.sqrt(len(accuracy)), capsize=3, **look
            )
        small, large = (sizes[: len(protocol.small)], sizes[len(protocol.small) :])
        for of, part, power, dashes in ((small, found.small, 1, "--"), (large, found.large, 0, ":")):
            middle = np.exp(np.log(part.place).mean() - power * np.log(of).mean())
            rates.plot(
                of,
                middle * of.astype(float) ** power,
                dashes,
                color="#666666",
                label="ε ∝ B" if power else "ε constant",
            )
        curves.set(xscale="log", xlabel="learning rate ε", ylabel=f"test accuracy after {protocol.epochs} epochs")
        rates.set(xscale="log", yscale="log", xlabel="batch size B", ylabel="best ε")
        heights.set(xscale="log", xlabel="batch size B", ylabel="best test accuracy")
        for axis in (curves.xaxis, rates.xaxis, rates.yaxis, heights.xaxis):
            plain_log_ticks(axis)
        figure.legend(loc="outside upper left", ncols=len(points) + 2)
    caption = (
        f"Test accuracy after {protocol.epochs} epochs against ε, with the smooth curves (left); the best ε with its "
        "95 % interval, and the two laws (middle); the accuracy at the best ε of the grid (right). Means over replicas "
        "and one standard error, most of it common to all points."
    )
    alt = "The best ε rises nearly in proportion to small B and hardly at large B, where the accuracy falls."
    return Picture("epochs", caption, alt, figure)
