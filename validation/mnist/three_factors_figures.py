"""Figures of ``three_factors``: sharpness against ε/B, two cycles, and random labels being learnt."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import CurvePanel, Figure, Line, curve_panels
from sgdsde.plotting.style import house_style
from validation.mnist.descents import course, geometric, learning_figure
from validation.mnist.three_factors import Runs, present


def sharpness_figure(runs: Runs) -> Figure:
    """λ_max and tr H against ε/B; beside it what scaling ε and B together does to tr H."""
    size, curves, lines = runs.size, [], []
    ratios = np.array([run.ratio for run in size.scan])
    for name, text in (("trace", "tr H"), ("largest", "λ_max")):
        logs = [runs.at_loss(run, name) for run in size.scan]
        slope = float(np.nanmean(runs.slopes(name)))
        centre = float(np.mean([present(each).mean() for each in logs]))
        curves.append(geometric(text, ratios, logs, joined=False))
        line = np.exp(centre + slope * (np.log(ratios) - np.log(ratios).mean()))
        lines.append(Line(f"{text} ∝ $(ε/B)^{{{slope:.2f}}}$", ratios, line))
    scaled = {"ε and B scaled together": size.kept, "ε alone": {2: size.alone}}
    changes = [
        geometric(label, kept, [runs.at_loss(run, "trace") for run in kept.values()], joined=False)
        for label, kept in scaled.items()
    ]
    one, largest = runs.at_loss(size.scaled[1], "trace"), max(size.scaled)
    height = float(np.exp(present(one).mean()))
    figure = curve_panels(
        [
            CurvePanel("ε/B", "sharpness at equal training loss", curves, lines, x_scale="log", y_scale="log"),
            CurvePanel("factor of ε (and B)", "tr H at equal training loss", changes, level=height, x_scale="log"),
        ]
    )
    with house_style():
        right = figure.axes[1]
        for kept in scaled.values():
            for factor, run in kept.items():
                log = runs.at_loss(run, "trace")
                if factor > 1:
                    words = f"{100 * np.expm1(present(log - one).mean()):+.0f} %"
                    place = factor, np.exp(present(log).mean())
                    right.annotate(words, place, (8, 0), textcoords="offset points", va="center")
        right.axvspan(largest / 1.1, largest * 1.1, color="#000000", alpha=0.1, linewidth=0)
        right.text(largest, right.get_ylim()[0], " does not train ", rotation=90, ha="center", va="bottom")
    return figure


def cycle_figure(runs: Runs) -> Figure:
    """Training loss and test accuracy against epochs: both cycles, and the largest ε/B throughout."""
    size = runs.size
    shown = {"cycle of ε": size.cycles[0], "cycle of B": size.cycles[1], "largest ε/B": size.hottest}
    found = {label: runs.found[run, 0.0] for label, run in shown.items()}
    losses = [
        geometric(label, run["epochs"].to_numpy().ravel(), np.log(run["train_loss"].to_numpy().T))
        for label, run in found.items()
    ]
    accuracies = [course(label, run, "epochs", "test_accuracy") for label, run in found.items()]
    return curve_panels(
        [
            CurvePanel("epochs", "training loss", losses, level=size.level, y_scale="log"),
            CurvePanel("epochs", "test accuracy", accuracies),
        ]
    )


def memory_figure(runs: Runs) -> Figure:
    """Test accuracy against accuracy on random labels along training, a panel for each share of them."""
    return learning_figure(
        {
            share: {f"ε/B = {run.ratio:g}": runs.found[run, share] for run in held}
            for share, held in runs.size.memories.items()
        }
    )
