"""Liao, Kolomvaki & Kyrillidis: SGD keeps the sharpness below the edge of stability, by a gap that its noise makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.edge import EXAMPLES, Point, R, gap_of, sde_sharpness
from validation.laws.edge_figures import balance_figure, network_figure
from validation.laws.sharpening_network import DIGITS, HIDDEN, NetworkSize, network_checks, network_runs

#: Relaxation times of S that are left out.
SETTLED = 8
#: Steps of the SDE in an update.
SUBSTEPS = 64


@dataclass(frozen=True)
class Slope:
    """Points that differ in one thing, whose gaps are on one line against `x`, the values of what is varied."""

    name: str
    x: tuple[float, ...]
    points: tuple[Point, ...]
    paths: int


@dataclass(frozen=True)
class Size:
    """Slopes, from means over `averaged` relaxation times; strong noise; the SDE; the network."""

    slopes: tuple[Slope, ...]
    averaged: int
    strong: tuple[Point, ...]
    strong_paths: int
    sde: Point
    sde_updates: int
    sde_paths: int
    network: NetworkSize


@claim(Size)
def sharpness_gap(context: Context) -> Found:
    size: Size = context.size
    shown = []
    for slope in size.slopes:
        gaps = [_gap(context, point, slope.paths) for point in slope.points]
        yield _slope_check(slope, np.array(gaps))
        exact = [point.gap() for point in slope.points]
        value, error = np.transpose(gaps)
        shown.append(Series(f"against {slope.name}", [p.gap("first") for p in slope.points], value, error, exact))
    for point in size.strong:
        yield _strong_check(context, point)
    yield from _sde_check(context)
    runs = network_runs(context, size.network)
    yield from network_checks(runs, size.network)
    network = {"rate": size.network.rate, "updates": size.network.updates}
    yield Told(
        {"n": EXAMPLES, "settled": SETTLED, "averaged": size.averaged, "digits": DIGITS, "hidden": HIDDEN} | network
    )
    ends = np.array([min(np.min(item.x) for item in shown), max(np.max(item.x) for item in shown)])
    x, y = "εβσ²/(4αB(1 − m))", "2(1 + m)/ε − S of SGD"
    lines = [Line("ΔS = εβσ²/(4αB(1 − m))", ends, ends)]
    yield Drawing("gaps", against_theory(shown, x, y, lines, ratio="measured / all orders", columns=3))
    yield Drawing("balance", balance_figure(context, size.sde, size.sde_updates))
    yield Drawing("network", network_figure(runs))


def _gap(context: Context, point: Point, paths: int) -> tuple[float, float]:
    return gap_of(point, paths, SETTLED, context.size.averaged, context.seed(point))


def _slope_check(slope: Slope, gaps: np.ndarray) -> Check:
    """The slope of a line with an intercept through the gaps, beside that of the paper's gaps and of other powers."""
    x, (value, error) = np.array(slope.x), gaps.T
    away = x - x.mean()
    taken = away / (away @ away)  # of each gap: what the slope of least squares is made of
    paper = np.array([point.gap("first") for point in slope.points])
    largest, last = np.argmax(x), paper[np.argmax(x)]
    rivals = {"no gap": 0.0} | {
        f"gap ∝ {name}": float(taken @ (last * (x / x[largest]) ** power))
        for name, power in (("its square root", 0.5), ("its square", 2.0))
    }
    found = float(taken @ value), float(np.sqrt(taken**2 @ error**2))
    return Check(f"slope of ΔS in {slope.name}", float(taken @ paper), *found, rivals)


def _strong_check(context: Context, point: Point) -> Check:
    """The sharpness itself where the noise is strong, in units of the edge."""
    gap, error = _gap(context, point, context.size.strong_paths)
    paper, exact = (1 - point.gap(order) / point.edge for order in ("first", "all"))
    config = point.config
    kappa = point.rate**2 * config.batch_noise * R**2 * point.noise / (2 * point.sharpening * (1 - point.momentum**2))
    rivals = {"no gap": 1.0, "the gap to first order": paper}
    return Check(f"S in units of the edge, κ = {kappa:.2g}", exact, 1 - gap / point.edge, error / point.edge, rivals)


def _sde_check(context: Context) -> Iterator[Check]:
    """The SDE's sharpness at the end, in units of the edge of gradient descent: it passes it."""
    point, updates = context.size.sde, context.size.sde_updates
    time = point.config.mean_loss_time_per_update
    run = sg.simulate_sde(
        point.landscape, point.config, point.start(0.5), updates, context.size.sde_paths, substeps=SUBSTEPS,
        seed=context.seed("sde"), save_every=updates,
    )  # fmt: skip
    ends = R * run.snapshots[-1, :, 1] / point.edge
    predicted = float(sde_sharpness(point, 0.5, np.array([0.0, updates * time]))[-1] / point.edge)
    error = float(ends.std(ddof=1) / len(ends) ** 0.5)
    rivals = {"an edge": 1.0}
    yield Check("S of the SDE in units of the edge", predicted, float(ends.mean()), error, rivals, dof=len(ends) - 1)
