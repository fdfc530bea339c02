"""Pictures of the claim ``three_factors``: sharpness against ε/B, two cycles, and random labels being learnt."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from sgdsde.plotting.style import bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.claim import Picture
from validation.measure import mean_and_error
from validation.mnist.three_factors.analysis import Array, present
from validation.mnist.three_factors.checks import Found


def pictures(found: Found) -> tuple[Picture, ...]:
    """All of them."""
    return sharpness_picture(found), cycle_picture(found), memory_picture(found)


def sharpness_picture(found: Found) -> Picture:
    """λ_max and tr H against ε/B; beside it what scaling ε and B together does to tr H."""
    plan = found.protocol
    with house_style():
        figure = bare_figure(9.0, 4.4)
        left, right = figure.subplots(1, 2)
        ratios = np.array([run.ratio for run in plan.scan])
        for (name, label), (colour, marker) in zip((("trace", "tr H"), ("largest", "λ_max")), looks(), strict=False):
            logs = [present(found.at_loss(run, name)) for run in plan.scan]
            _points(left, ratios, logs, colour, marker, label)
            slope, centre = float(np.nanmean(found.slopes(name))), float(np.mean([each.mean() for each in logs]))
            line = np.exp(centre + slope * (np.log(ratios) - np.log(ratios).mean()))
            left.plot(ratios, line, "--", color=colour, linewidth=1.0, label=f"(ε/B)^{slope:.2f}".replace("-", "−"))
        left.set(xscale="log", yscale="log", xlabel="ε/B", ylabel="sharpness at equal training loss")
        largest = max(plan.scaled)
        kept = {f: run for f, run in plan.scaled.items() if f != largest}
        colour, marker = next(looks())
        logs = [present(found.at_loss(run, "trace")) for run in kept.values()]
        _points(right, np.array(list(kept)), logs, colour, marker, "ε and B scaled together")
        alone = [present(found.at_loss(plan.alone, "trace"))]
        _points(right, np.array([2.0]), alone, "#D55E00", "s", "ε alone")
        right.axhline(np.exp(logs[0].mean()), color="#333333", linewidth=1.0)
        right.axvspan(largest / 1.2, largest * 1.2, color="#000000", alpha=0.1, linewidth=0)
        right.text(largest, right.get_ylim()[0], " does not train ", rotation=90, ha="center", va="bottom")
        right.set(xscale="log", xlabel="factor of ε (and B)", ylabel="tr H")
        for axes in (left, right):
            plain_log_ticks(axes.xaxis)
            outside_legend(axes, ncols=2)
        plain_log_ticks(left.yaxis)
    caption = (
        "Left: trace and largest eigenvalue of the Hessian against ε/B at one ε, with fitted powers. Right: ε and B "
        "times the same factor; the line is the value without. Means and standard errors over replicas, most of which "
        "is common to all points."
    )
    alt = "Sharpness falls with ε/B; it stays where ε and B double together and falls where ε doubles alone."
    return Picture("sharpness", caption, alt, figure)


def cycle_picture(found: Found) -> Picture:
    """Training loss and test accuracy against epochs: both cycles, and the largest ε/B throughout."""
    plan = found.protocol
    shown = {"cycle of ε": plan.cycles[0], "cycle of B": plan.cycles[1], "largest ε/B": plan.hottest}
    with house_style():
        figure = bare_figure(9.0, 4.2)
        left, right = figure.subplots(1, 2)
        for (label, run), (colour, marker) in zip(shown.items(), looks(), strict=False):
            runs = found.runs[run]
            x = runs["epochs"].to_numpy()
            _points(left, x, list(np.log(runs["train_loss"].to_numpy().T)), colour, marker, label, "-")
            accuracy = runs["test_accuracy"].to_numpy()
            error = accuracy.std(axis=0, ddof=1) / np.sqrt(len(accuracy))
            right.errorbar(x, accuracy.mean(axis=0), error, color=colour, marker=marker, capsize=2.5, label=label)
        left.set(yscale="log", xlabel="epochs", ylabel="training loss")
        left.axhline(plan.level, color="#333333", linewidth=1.0, linestyle=":")
        right.set(xlabel="epochs", ylabel="test accuracy")
        outside_legend(left, ncols=3)
    caption = (
        "Cycles of ε at constant B and of B at constant ε with the same ε/B after the same examples, read at the ends "
        "of periods; beside them a run at their largest ε/B. Left: geometric means; dotted: where they are compared."
    )
    return Picture("cycles", caption, "The two cycles follow each other; the constant run goes another way.", figure)


def memory_picture(found: Found) -> Picture:
    """Test accuracy against accuracy on random labels along training, a panel for each share of them."""
    with house_style():
        figure = bare_figure(4.5 * max(2, len(found.memories)), 4.2)
        panels = figure.subplots(1, len(found.memories), squeeze=False)[0]
        for axes, (share, runs) in zip(panels, found.memories.items(), strict=True):
            for (run, along), (colour, marker) in zip(runs.items(), looks(), strict=False):
                accuracy = along["test_accuracy"].to_numpy()
                error = accuracy.std(axis=0, ddof=1) / np.sqrt(len(accuracy))
                x = along["memorised"].mean("replica").to_numpy()
                label = f"ε/B = {run.ratio:g}"
                axes.errorbar(x, accuracy.mean(axis=0), error, color=colour, marker=marker, capsize=2.5, label=label)
            axes.set(
                xlabel=f"accuracy on the random labels, {100 * share:g} % of all", ylabel="test accuracy, true labels"
            )
            outside_legend(axes, ncols=2)
    caption = (
        "Test accuracy against accuracy on the randomly labelled training images, along training from left to right; "
        "means and standard errors over replicas."
    )
    alt = "Test accuracy as random labels are learnt, at a low and a high ratio of learning rate to batch size."
    return Picture("random-labels", caption, alt, figure)


def _points(axes: Axes, x: Array, logs: list[Array], colour: str, marker: str, label: str, line: str = "none") -> None:
    """Geometric means over replicas with their standard errors."""
    means, errors = np.array([mean_and_error(each) for each in logs]).T
    reach = np.exp(means) * np.array([1 - np.exp(-errors), np.exp(errors) - 1])
    axes.errorbar(
        x, np.exp(means), reach, color=colour, marker=marker, linestyle=line, markerfacecolor="white",
        markeredgewidth=1.4, capsize=2.5, label=label,
    )  # fmt: skip
