"""Chaudhari & Soatto: SGD is not at rest in its stationary state, where F does not commute with H it goes round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Panel, Series, current_arrows, stacked
from sgdsde.statistics import Estimate, circulation
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.currents import BATCH, CURVATURES, WIDEST, Case, N
from validation.measure import whole

#: Angles of the picture, by π/8.
EIGHTHS = (0, 1, 2, 3, 4)
#: ε of the SDE, whose steps are its updates, and of SGD where the angle changes.
STEP, RATE = 0.02, 0.2
#: Relaxation times of the flattest direction that are left out, and over which paths are followed at least.
SETTLES, LASTS = 9.0, 40.0
REST, BACK, SDE = "detailed balance", "the other way round", "the SDE"
FRESH, TURNED, ROUNDING = "as with fresh batches", "F turned against H", 1e-9
Array = NDArray[np.float64]
ARROWS = (Case("sgd", RATE, 0.0), Case("sgd", RATE))


@dataclass(frozen=True)
class Size:
    """Paths, and learning rates of SGD with fresh and with reshuffled batches, and with momentum 0.9."""

    paths: int
    rates: tuple[float, ...]
    reshuffled: tuple[float, ...]
    momentum: tuple[float, ...]

    @property
    def cases(self) -> list[Case]:
        turned = [(math.pi * k / 8, name) for name in ("sde", "sgd") for k in EIGHTHS]
        found = [Case(name, STEP if name == "sde" else RATE, angle) for angle, name in turned]
        found += [Case("sgd", rate) for rate in self.rates]
        found += [Case("sgd", rate, sampling="reshuffle") for rate in self.reshuffled]
        found += [Case("sgd", rate, momentum=0.9) for rate in self.momentum]
        return list(dict.fromkeys(found))


@claim(Size)
def currents(context: Context) -> Found:
    found: dict[Case, Check] = {}
    states: dict[str, Array] = {}
    laws: dict[str, Array] = {}
    velocities: dict[str, Array] = {}
    time = ARROWS[0].config.mean_loss_time_per_update
    for case in context.size.cases:
        run, settled = _run(context, case)
        found[case] = _check(case, circulation(run.snapshots[settled:], time=case.config.mean_loss_time_per_update))
        yield found[case]
        if case in ARROWS:
            title = "F commutes with H" if case.angle == 0 else "F turned by π/4 against H"
            states[title], laws[title] = run.snapshots[settled:], run.covariance
            velocities[title] = np.array([[0, 1], [-1, 0]]) * case.exact / 2 @ np.linalg.inv(run.covariance)
    yield Told({"step": STEP, "rate": RATE, "batch": BATCH, "n": N, "settles": SETTLES, "lasts": LASTS})
    yield Drawing("angle", _against_angle(found))
    yield Drawing("rate", _against_rate(found))
    yield Drawing("arrows", current_arrows(states, time, laws, velocities))


def _run(context: Context, case: Case) -> tuple[sg.Ensemble, int]:
    """Saved after every update; and after how many, of whole epochs, the start is forgotten."""
    time, epoch = case.config.mean_loss_time_per_update, N // BATCH
    settled, lasts = (epoch * math.ceil(span / time / epoch / min(CURVATURES)) for span in (SETTLES, LASTS))
    common = {"updates": settled + lasts, "paths": context.size.paths, "save_every": 1, "burn_in": settled}
    start, seed = [0.0, 0.0], context.seed(*case)
    if case.dynamics == "sde":
        run = sg.simulate_sde(case.landscape, case.config, start, scheme="exact_ou", substeps=1, seed=seed, **common)
    else:
        run = sg.simulate_sgd(case.landscape, case.config, start, seed=seed, **common)
    return whole(run), settled


def _check(case: Case, measured: Estimate) -> Check:
    exact, widest = case.exact, case._replace(angle=WIDEST).exact
    rivals = {REST: 0.0, BACK: -exact}
    if case.dynamics == "sgd":
        rivals[SDE] = case.law("sde", 1)
    if case.sampling == "reshuffle":
        rivals[FRESH] = case._replace(sampling="without_replacement").exact
    if abs(exact) < ROUNDING * widest:
        exact, rivals = 0.0, {TURNED: widest}
    value, error = (float(np.asarray(each)[1, 0]) for each in (measured.value, measured.standard_error))
    return Check(str(case), exact, value, error, rivals, scale=exact or widest)


def _series(label: str, x: Sequence[float], checks: Sequence[Check], unit: float, fine: Array, line: Array) -> Series:
    measured, error, predicted = (
        np.array([getattr(check, name) for check in checks]) / unit
        for name in ("measured", "standard_error", "predicted")
    )
    return Series(label, x, measured, error, predicted, fine, line / unit)


def _against_angle(found: dict[Case, Check]) -> Figure:
    """Circulation by the angle between the axes of F and those of H, in units of T."""
    shown, angles = [], np.linspace(EIGHTHS[0], EIGHTHS[-1], 100)
    for name, kind in (("SDE", Case("sde", STEP)), (f"SGD, ε = {RATE:g}", Case("sgd", RATE))):
        cases = [kind._replace(angle=math.pi * k / 8) for k in EIGHTHS]
        line = np.array([kind._replace(angle=math.pi * k / 8).exact for k in angles])
        checks = [found[case] for case in cases]
        shown.append(_series(name, EIGHTHS, checks, kind.config.temperature, angles, line))
    panel = Panel(
        "E[ω₂ dω₁ − ω₁ dω₂]/ds, in units of T", shown, [Line("detailed balance", EIGHTHS, [0] * len(EIGHTHS))]
    )
    return stacked([panel], "angle between the axes of F and of H, in units of π/8", x_scale="linear")


def _against_rate(found: dict[Case, Check]) -> Figure:
    """Circulation of SGD over that of the SDE of fresh batches at the same ε, B and m."""
    shown = []
    for name, m, sampling in (
        ("fresh batches", 0.0, "without_replacement"),
        ("reshuffled", 0.0, "reshuffle"),
        ("fresh batches, m = 0.9", 0.9, "without_replacement"),
    ):
        cases = [case for case in found if case[2:] == (WIDEST, m, sampling) and case.dynamics == "sgd"]
        cases.sort(key=lambda case: case.config.mean_loss_time_per_update)
        fine = [cases[0]._replace(rate=rate) for rate in np.geomspace(cases[0].rate, cases[-1].rate, 40)]
        unit = np.array([case.law("sde", 0) for case in cases])
        line = np.array([case.exact / case.law("sde", 0) for case in fine])
        times = [case.config.mean_loss_time_per_update for case in cases]
        held = [(found[case].measured, found[case].standard_error, found[case].predicted) for case in cases]
        value, error, exact = np.array(held).T / unit
        at = [case.config.mean_loss_time_per_update for case in fine]
        shown.append(Series(name, times, value, error, exact, at, line))
    panel = Panel("circulation of SGD / (HS − SH)", shown, [Line("SDE", [at[0], 0.5], [1.0, 1.0])])
    return stacked([panel], "time of an update ε/(1 − m)")
