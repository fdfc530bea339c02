"""Smith & Le: momentum multiplies the noise scale and the clock by 1/(1 − m), and what that picture leaves out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws.heavy_ball import NO_MEMORY, Case, Measured, correlation_figure, correlations
from validation.measure import covariance_check, series

RATE, BATCH, N, CURVATURE = 0.1, 8, 64, 0.2
#: Where the SDE with momentum is simulated as well.
RINGING = Case(0.9, 1.0)
#: Where SGD and the SDE with momentum should agree; with long memory, so that fewer paths must do.
LIMIT, FEWER = Case(0.999, 1.0), 2


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    momenta: tuple[float, ...]
    correlated: int  # paths of each autocorrelation
    cases: tuple[Case, ...]


@claim(Size)
def momentum(context: Context) -> Found:
    size: Size = context.size
    slope, bowl = sg.Landscape("x", variables="x"), sg.landscapes.quadratic(h=CURVATURE)
    found: dict[str, list[Check]] = {"diffusion on a slope": [], "the spread around a minimum": []}
    for m in size.momenta:
        config, forgotten = sg.SGDConfig(RATE, BATCH, N, m), sg.SGDConfig(RATE, BATCH, N)
        rivals = {NO_MEMORY: forgotten.noise_scale}
        last = math.ceil(10 / (1 - m))
        slid = sg.simulate_sgd(slope, config, [0.0], last, size.paths, seed=context.seed("slope", m), burn_in=last - 1)
        gain, squared = kicks(m, last)
        unit = N / (RATE * squared)
        g = covariance_check(f"g from diffusion, m = {m:g}", slid, config.noise_scale, rivals, unit=unit)
        found["diffusion on a slope"].append(g)
        yield g
        yield Check(
            f"clock N·t per update, m = {m:g}",
            config.mean_loss_time_per_update,
            -float(slid.mean[0]) / gain,
            float(slid.standard_error.mean[0]) / gain,
            {NO_MEMORY: forgotten.mean_loss_time_per_update},
        )
        start = math.ceil(8 * (1 / (1 - m) + (1 - m) / (2 * RATE * CURVATURE)))
        rolled = sg.simulate_sgd(
            bowl, config, [0.0], start + start // 2, size.paths, seed=context.seed("bowl", m), burn_in=start
        )
        unit = 2 * CURVATURE * N * (1 - RATE * CURVATURE / (2 * (1 + m)))
        g = covariance_check(f"g around a minimum, m = {m:g}", rolled, config.noise_scale, rivals, unit=unit)
        found["the spread around a minimum"].append(g)
        yield g
    memory: Measured = {}
    for case in size.cases:
        memory |= yield from correlations(context, case, size.correlated // (FEWER if case == LIMIT else 1))
    memory |= yield from correlations(context, RINGING, size.correlated, simulated=True)
    facts = {"rate": RATE, "b": BATCH, "n": N, "h": CURVATURE, "kappa": RINGING.kappa, "limit": LIMIT.momentum}
    yield Told(facts | {"fewer": size.correlated // FEWER})
    lives = 1 / (1 - np.array(size.momenta))
    fine = np.geomspace(1, lives.max(), 50)
    points = [series(f"g from {way}", lives, own, fine, RATE * (N / BATCH - 1) * fine) for way, own in found.items()]
    x, y = "1/(1 − m)   (updates a kick lives for)", "noise scale g   (learning-rate units)"
    yield Drawing("noise_scale", against_theory(points, x, y))
    yield Drawing("correlation", correlation_figure(memory, RINGING.kappa))


def kicks(m: float, updates: int) -> tuple[float, float]:
    """Position after ``updates`` kicks: sums of the kicks' growth and of its square, in units of the clock's update.

    The growth of the k-th last kick is 1 − mᵏ. The mean position is −s Σ growth and its variance T s Σ growth² with
    s = ε/(1 − m); the second sum is returned times 1/(1 − m), so that g = Var · N/(ε · second).
    """
    growth = 1 - m ** np.arange(1, updates + 1)
    return float(growth.sum()), float((growth**2).sum() / (1 - m))
