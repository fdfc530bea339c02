"""Figures of ``exchange_breaks``: how far three quantities are at each factor, and where they break."""

from __future__ import annotations

import numpy as np

from sgdsde.plotting import Curve, CurvePanel, Figure, curve_panels
from validation.measure import mean_and_error
from validation.mnist.exchange.breaking import broken_at
from validation.mnist.exchange.runs import EARLY, LATE, QUANTITIES, Runs

#: In margins, how far the axes reach.
REACH = 6.0


def apart_figure(runs: Runs) -> Figure:
    """A panel for each quantity, with its margin, against the factor."""
    return curve_panels([_apart(runs, text, name) for text, name in QUANTITIES.items()])


def _apart(runs: Runs, text: str, name: str) -> CurvePanel:
    margin = runs.size.margins[name]
    curves = [_curve(runs, name, n) for n in runs.size.n_examples]
    return CurvePanel(
        "factor of ε and B", f"{text}, less that at factor 1", curves, band=(-margin, margin), x_scale="log",
        y_range=(-REACH * margin, REACH * margin),
    )  # fmt: skip


def breaking_figure(runs: Runs) -> Figure:
    """The factors at which quantities leave their margins against N, late and early in training."""
    panels = [
        CurvePanel(
            "N", "factor that breaks", [_broken(runs, text, name, when) for text, name in QUANTITIES.items()],
            title=when, x_scale="log", y_scale="log",
        )
        for when in (LATE, EARLY)
    ]  # fmt: skip
    return curve_panels(panels)


def _curve(runs: Runs, name: str, n: int) -> Curve:
    mean, error = np.array([mean_and_error(each) for each in runs.apart(name, n).T]).T
    return Curve(f"N = {n}", runs.size.factors, mean, error)


def _broken(runs: Runs, text: str, name: str, when: str) -> Curve:
    size = runs.size
    found = [broken_at(size.factors, runs.apart(name, n, when), size.margins[name]) for n in size.n_examples]
    values, errors = np.array([(each.value, each.standard_error) for each in found]).T
    return Curve(text, size.n_examples, values, errors)
