"""Pictures of sharpness_gap: S along training beside what balances it, and the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line
from sgdsde.plotting.curve_panels import Curve, CurvePanel, curve_panels
from validation.context import Context
from validation.laws.edge import Point, R, sde_sharpness
from validation.laws.sharpening_network import DIGITS, Run

#: Batch sizes, paths and points in time of the picture, of the SDE's paths, and the share of the edge where all start.
BATCHES, PATHS, READINGS, SDE_PATHS, SHARE = (1, 4), 128, 24, 16, 0.5
#: Share of the noise that stands for gradient descent: without any x is 0 to rounding when the edge is passed.
HARDLY = 1e-4
#: Steps of the SDE in an update.
SUBSTEPS = 64


def balance_figure(context: Context, point: Point, updates: int) -> sg.plotting.Figure:
    """S against updates, of SGD with hardly any noise and more, and of the SDE; and E x², which keeps S at 2α/β."""
    every = updates // READINGS
    options: dict[str, Any] = {"save_every": every, "seed": context.seed("balance")}
    curves = []
    for batch in (None, *BATCHES):
        at = replace(point, noise=point.noise if batch else HARDLY * point.noise, batch=batch or 1)
        label = f"SGD, B = {batch}" if batch else "hardly any noise"
        run = sg.simulate_sgd(at.landscape, at.config, at.start(SHARE), updates, PATHS, **options)
        curves.append(_curve(label, run, at))
    run = sg.simulate_sde(
        point.landscape, point.config, point.start(SHARE), updates, SDE_PATHS, substeps=SUBSTEPS, **options
    )
    curves.append(_curve("SDE, B = 1", run, point))
    steps = np.linspace(0.0, updates, 60)
    law = sde_sharpness(point, SHARE, steps * point.config.mean_loss_time_per_update) / point.edge
    kept = [1 - replace(point, batch=batch).gap() / point.edge for batch in BATCHES]
    named = [Line(f"law of SGD, B = {batch}", [0, updates], [s, s]) for batch, s in zip(BATCHES, kept, strict=True)]
    lines = [Line("law of the SDE", steps, law), *named]
    along = CurvePanel("updates", "S in units of 2/ε", curves, lines, level=1.0, y_range=(0.4, 2.0))
    return curve_panels([along, _balance_panel(point)], columns=3)


def _curve(label: str, run: sg.Ensemble, point: Point) -> Curve:
    sharpness = R * run.snapshots[:, :, 1] / point.edge
    return Curve(label, run.saved_updates, sharpness.mean(axis=1), sharpness.std(axis=1) / run.paths**0.5)


def _balance_panel(point: Point) -> CurvePanel:
    """The stationary E x² at a constant S in units of 2α/β; arrows of S need none: S falls above 1 and rises below."""
    shares, wide = np.linspace(0.02, 0.995, 200), np.linspace(0.02, 2.0, 100)
    balance, lines = 2 * point.sharpening / R**2, []
    for batch in BATCHES:
        at = replace(point, batch=batch)
        lines.append(Line(f"E x² of SGD, B = {batch}", shares, _variance(at, shares, "sgd") / balance))
    lines.append(Line("E x² of the SDE, B = 1", wide, _variance(point, wide, "sde") / balance))
    kept = [1 - replace(point, batch=batch).gap() / point.edge for batch in BATCHES]
    curves = [Curve(f"SGD, B = {batch}", [s], [1.0], filled=True) for batch, s in zip(BATCHES, kept, strict=True)]
    title = "S falls above 1, rises below"
    return CurvePanel(
        "S in units of 2/ε", "E x² in units of 2α/β", curves, lines, level=1.0, title=title, y_range=(0, 2.5)
    )


def _variance(point: Point, shares: np.ndarray, dynamics: str) -> np.ndarray:
    return sg.theory.stationary_variance(shares * point.edge, point.noise, point.config, dynamics)


def network_figure(runs: list[Run]) -> sg.plotting.Figure:
    """λ_max and batch sharpness along training, in units of 2/ε."""
    panels = []
    for name, y in (("sharpness", "λ_max in units of 2/ε"), ("of_batches", "batch sharpness in units of 2/ε")):
        curves = []
        for run in runs:
            values = getattr(run, name)
            error = values.std(axis=0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
            label = "gradient descent" if run.batch == DIGITS else f"{run.dynamics.upper()}, B = {run.batch}"
            curves.append(Curve(label, run.step, values.mean(axis=0), error))
        panels.append(CurvePanel("updates", y, curves, level=1.0))
    return curve_panels(panels, columns=4)
