"""Figures of ``memorisation``: accuracies as random labels are learnt, and what of them depends on ε/B."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.mnist.memorisation.runs import Runs
from validation.mnist.three_factors.analysis import Array
from validation.mnist.three_factors.runs import Run
from validation.signs import mean_known


def learning_figure(runs: Runs) -> Figure:
    """Test accuracy against accuracy on the random labels along training, a panel for each share of them."""
    panels = [
        CurvePanel(
            f"accuracy on the random labels, {100 * share:g} % of all",
            "test accuracy, true labels",
            [_course(runs, share, run) for run in held.runs],
        )
        for share, held in runs.size.shares.items()
    ]
    return curve_panels(panels)


def slopes_figure(runs: Runs) -> Figure:
    """What is compared at equal accuracy, and at equal distance, against ε/B."""
    shown = (
        ("test accuracy at equal\naccuracy on random labels", "test_accuracy", "memorised"),
        ("accuracy on random labels\nat equal training accuracy", "memorised", "train_accuracy"),
        ("accuracy on random labels\nat equal Σ ε(k)", "memorised", "distance"),
    )
    shares = runs.size.shares
    panels = [
        CurvePanel("ε/B", text, [_curve(runs, share, name, against) for share in shares], x_scale="log")
        for text, name, against in shown
    ]
    return curve_panels(panels)


def _course(runs: Runs, share: float, run: Run) -> Curve:
    learnt, accuracy = (_means(runs, share, run, name) for name in ("memorised", "test_accuracy"))
    return Curve(str(run), learnt[0], *accuracy)


def _means(runs: Runs, share: float, run: Run, name: str) -> Array:
    """Mean over replicas and its standard error, (2, reading)."""
    values = runs.found[share, run][name].to_numpy()
    return np.array([values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))])


def _curve(runs: Runs, share: float, name: str, against: str) -> Curve:
    """All runs at one share of random labels; those of one ε/B lie one above the other."""
    held = runs.size.shares[share].runs
    values = [mean_known(runs.along(share, run, name, against), np.nan) for run in held]
    mean, error, _ = np.array(values).T
    return Curve(f"{100 * share:g} % random", [run.ratio for run in held], mean, error, joined=False)
