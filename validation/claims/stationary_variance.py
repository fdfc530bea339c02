"""Near a minimum: the SDE's variance is T F/(2h); SGD's is that times an exact factor that tends to 1 with ε."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Series, against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check

N, CURVATURE, NOISE = 64, 1.0, 1.0
#: Euler–Maruyama steps of the SDE are this short or shorter, in units of 1/h.
LONGEST_STEP = 0.05


@dataclass(frozen=True)
class Size:
    """Sample size and grid."""

    paths: int
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    momenta: tuple[float, ...]


@claim(Size)
def stationary_variance(context: Context) -> Found:
    size: Size = context.size
    bowl = sg.landscapes.quadratic(h=CURVATURE, f=NOISE)
    found: dict[str, list[tuple[float, Check]]] = {"SGD": [], "SDE": []}
    for case in product(size.learning_rates, size.batch_sizes, size.momenta):
        rate, batch, momentum = case
        config = sg.SGDConfig(rate, batch, N, momentum)
        where = f"ε = {rate:g}, B = {batch}, m = {momentum:g}"
        step = config.mean_loss_time_per_update
        substeps = math.ceil(step / LONGEST_STEP)
        law = {name: _law(name, config) for name in found}
        law["SDE"] /= 1 - CURVATURE * step / substeps / 2
        relaxation = sg.theory.relaxation_time(CURVATURE, config) / 2  # of the variance
        start = math.ceil(8 * relaxation)
        last = start + math.ceil(2 * relaxation)
        sgd = sg.simulate_sgd(bowl, config, [0.0], last, size.paths, seed=context.seed("SGD", *case), burn_in=start)
        start = math.ceil(8 / (2 * CURVATURE * step))
        last = start + math.ceil(start / 4)
        sde = sg.simulate_sde(
            bowl, config, [0.0], last, size.paths, substeps=substeps, seed=context.seed("SDE", *case), burn_in=start
        )
        for name, ensemble in (("SGD", sgd), ("SDE", sde)):
            check = covariance_check(f"{name}, {where}", ensemble, law[name], {"g off by 10 %": 1.1 * law[name]})
            found[name].append((rate * CURVATURE / (2 * (1 + momentum)), check))
            yield check
    yield Told({"n": N, "h": CURVATURE, "longest": LONGEST_STEP, "cases": len(found["SGD"])})
    yield Drawing("collapse", _figure(found))


def _law(model: str, config: sg.SGDConfig) -> float:
    return float(sg.theory.stationary_covariance(CURVATURE, NOISE, config, dynamics=model.lower())[0, 0])


def _figure(found: dict[str, list[tuple[float, Check]]]) -> sg.plotting.Figure:
    """All combinations of ε, B and m on one line; the integrator's known bias is taken out of the SDE's points."""
    lines = []
    for name, points in found.items():
        x = np.array([x for x, _ in points])
        unit = np.array([check.predicted for _, check in points])
        fine = np.geomspace(x.min(), x.max(), 200)
        truth, line = (1 / (1 - each) if name == "SGD" else np.ones_like(each) for each in (x, fine))
        measured = truth * [check.measured for _, check in points] / unit
        error = truth * [check.standard_error for _, check in points] / unit
        lines.append(Series(f"{name}, every ε, B, m", x, measured, error, truth, fine, line))
    return against_theory(lines, "εh / (2(1 + m))   (1: SGD diverges)", "Var ω / (T F/(2h))", y_scale="linear")
