"""Figures of the claim ``three_factors``: sharpness against ε/B, two cycles, and random labels being learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sgdsde.plotting import Figure
from sgdsde.plotting.style import COLOURS, bare_figure, house_style, looks, outside_legend, plain_log_ticks
from validation.measure import mean_and_error
from validation.mnist.three_factors.analysis import Array, present
from validation.mnist.three_factors.runs import Runs


def sharpness_figure(runs: Runs) -> Figure:
    """λ_max and tr H against ε/B; beside it what scaling ε and B together does to tr H."""
    size = runs.size
    with house_style():
        figure = bare_figure(9.0, 4.4)
        left, right = figure.subplots(1, 2)
        ratios = np.array([run.ratio for run in size.scan])
        for (name, text), look in zip((("trace", "tr H"), ("largest", "λ_max")), looks(), strict=False):
            logs = [present(runs.at_loss(run, name)) for run in size.scan]
            slope, centre = float(np.nanmean(runs.slopes(name))), float(np.mean([each.mean() for each in logs]))
            line = np.exp(centre + slope * (np.log(ratios) - np.log(ratios).mean()))
            left.plot(ratios, line, "--", color=look[0], linewidth=1.0)
            _points(left, ratios, logs, look, f"{text} ∝ $(ε/B)^{{{slope:.2f}}}$")
        left.set(xscale="log", yscale="log", xlabel="ε/B", ylabel="sharpness at equal training loss")
        one, largest = runs.at_loss(size.scaled[1], "trace"), max(size.scaled)
        for label, kept, look in (
            ("ε and B scaled together", size.kept, (COLOURS[0], "o")), ("ε alone", {2: size.alone}, (COLOURS[1], "s")),
        ):  # fmt: skip
            logs = [runs.at_loss(run, "trace") for run in kept.values()]
            _points(right, list(kept), [present(each) for each in logs], look, label)
            for factor, each in zip(kept, logs, strict=True):
                change = 100 * np.expm1(present(each - one).mean())
                if factor > 1:
                    height = np.exp(present(each).mean())
                    right.annotate(
                        f"{change:+.0f} %", (factor, height), (8, 0), textcoords="offset points", va="center"
                    )
        right.axhline(np.exp(present(one).mean()), color="#333333", linewidth=1.0)
        right.axvspan(largest / 1.1, largest * 1.1, color="#000000", alpha=0.1, linewidth=0)
        right.text(largest, right.get_ylim()[0], " does not train ", rotation=90, ha="center", va="bottom")
        right.set(xscale="log", xlabel="factor of ε (and B)", ylabel="tr H at equal training loss")
        for axes in (left, right):
            plain_log_ticks(axes.xaxis)
            outside_legend(axes, ncols=2)
        plain_log_ticks(left.yaxis)
        return figure


def cycle_figure(runs: Runs) -> Figure:
    """Training loss and test accuracy against epochs: both cycles, and the largest ε/B throughout."""
    size = runs.size
    shown = {"cycle of ε": size.cycles[0], "cycle of B": size.cycles[1], "largest ε/B": size.hottest}
    with house_style():
        figure = bare_figure(9.0, 4.2)
        left, right = figure.subplots(1, 2)
        for (label, run), look in zip(shown.items(), looks(), strict=False):
            found = runs.found[run, 0.0]
            x = found["epochs"].to_numpy().ravel()
            _points(left, x, list(np.log(found["train_loss"].to_numpy().T)), look, label, "-")
            _means(right, x, found["test_accuracy"].to_numpy(), look, label)
        left.set(yscale="log", xlabel="epochs", ylabel="training loss")
        left.axhline(size.level, color="#333333", linewidth=1.0, linestyle=":")
        right.set(xlabel="epochs", ylabel="test accuracy")
        outside_legend(left, ncols=3)
        return figure


def memory_figure(runs: Runs) -> Figure:
    """Test accuracy against accuracy on random labels along training, a panel for each share of them."""
    memories = runs.size.memories
    with house_style():
        figure = bare_figure(4.5 * max(2, len(memories)), 4.2)
        panels = figure.subplots(1, len(memories), squeeze=False)[0]
        for axes, (share, settings) in zip(panels, memories.items(), strict=True):
            for run, look in zip(settings, looks(), strict=False):
                found = runs.found[run, share]
                x = found["memorised"].mean("replica").to_numpy()
                _means(axes, x, found["test_accuracy"].to_numpy(), look, f"ε/B = {run.ratio:g}")
            axes.set(
                xlabel=f"accuracy on the random labels, {100 * share:g} % of all", ylabel="test accuracy, true labels"
            )
            outside_legend(axes, ncols=2)
        return figure


def _points(
    axes: Axes, x: Sequence[float], logs: list[Array], look: tuple[str, str], label: str, line: str = "none"
) -> None:
    """Geometric means over replicas with their standard errors."""
    means, errors = np.array([mean_and_error(each) for each in logs]).T
    reach = np.exp(means) * np.array([1 - np.exp(-errors), np.exp(errors) - 1])
    axes.errorbar(
        x, np.exp(means), reach, color=look[0], marker=look[1], linestyle=line, markerfacecolor="white", capsize=2.5,
        label=label,
    )  # fmt: skip


def _means(axes: Axes, x: Array, values: Array, look: tuple[str, str], label: str) -> None:
    """Means over replicas with their standard errors, of (replica, reading)."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    axes.errorbar(x, values.mean(axis=0), error, color=look[0], marker=look[1], capsize=2.5, label=label)
