"""Smith & Le: over one update, SGD and the SDE have the same variance ε² c F(ω) = g F(ω) ε/N."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check, series

N = 256
HESSIAN = np.array([[1.0, 0.5], [0.5, 3.0]])
#: Gradient noise that depends on where SGD is: F(ω) = I + ωωᵀ/2.
LOSS, COVARIANCE = "x**2/2 + x*y/2 + 3*y**2/2", [["1 + x**2/2", "x*y/2"], ["x*y/2", "1 + y**2/2"]]
POINTS = {(1.0, 2.0): "(1, 2)", (-2.0, 1.0): "(−2, 1)", (3.0, -1.0): "(3, −1)"}
ENTRIES = {"xx": (0, 0), "xy": (0, 1), "yy": (1, 1)}
SUBSTEPS = 16


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]


@claim(Size)
def update_variance(context: Context) -> Found:
    size: Size = context.size
    landscape = sg.Landscape(LOSS, variables="x y", noise_covariance=COVARIANCE)
    found: dict[tuple[object, ...], Check] = {}
    for point, rate, batch in product(POINTS, size.learning_rates, size.batch_sizes):
        config, start = sg.SGDConfig(rate, batch, N), np.array(point)
        seed = {model: context.seed(model, point, rate, batch) for model in ("SGD", "SDE")}
        sgd = sg.simulate_sgd(landscape, config, start, 1, size.paths, seed=seed["SGD"])
        sde = sg.simulate_sde(landscape, config, start, 1, size.paths, substeps=SUBSTEPS, seed=seed["SDE"])
        equation_5 = sg.theory.update_covariance(landscape.noise_covariance(start), config)
        wrong = sg.theory.update_covariance(landscape.noise_covariance(0 * start), config)
        for model, run, law in (("SGD", sgd, equation_5), ("SDE", sde, sde_update(start, config))):
            for name, entry in ENTRIES.items():
                label = f"{model} {name}, ω = {POINTS[point]}, ε = {rate:g}, B = {batch}"
                check = covariance_check(label, run, law[entry], {"F at the minimum": wrong[entry]}, entry=entry)
                found[model, point, rate, batch, name] = check
                yield check
    shown = size.batch_sizes[len(size.batch_sizes) // 2]
    yield Told({"points": len(POINTS), "loss": LOSS, "n": N, "substeps": SUBSTEPS, "b": shown})
    yield Drawing("variance", _figure(found, size.learning_rates, shown))


def sde_update(w0: NDArray[np.float64], config: sg.SGDConfig) -> NDArray[np.float64]:
    """Covariance of the SDE after one update from ``w0``, exact for its Euler–Maruyama steps.

    The drift is linear and F quadratic in ω, so mean and covariance close: E[F] = I + E[ωωᵀ]/2.
    """
    dt = config.mean_loss_time_per_update / SUBSTEPS
    step = np.eye(2) - dt * HESSIAN
    mean, covariance = w0, np.zeros((2, 2))
    for _ in range(SUBSTEPS):
        noise = config.temperature * dt * (np.eye(2) + (covariance + np.outer(mean, mean)) / 2)
        mean, covariance = step @ mean, step @ covariance @ step.T + noise
    return covariance


def _figure(found: dict[tuple[object, ...], Check], rates: tuple[float, ...], batch: int) -> sg.plotting.Figure:
    """Variance along y, where the curvature is largest, in units of equation 5."""
    fine = np.geomspace(rates[0], rates[-1], 60)
    lines = []
    for model, (point, name) in product(("SGD", "SDE"), POINTS.items()):
        checks = [found[model, point, rate, batch, "yy"] for rate in rates]
        unit = [found["SGD", point, rate, batch, "yy"].predicted for rate in rates]
        configs = [sg.SGDConfig(rate, batch, N) for rate in fine]
        own = [sg.theory.update_covariance(1 + point[1] ** 2 / 2, config) for config in configs]
        law = own if model == "SGD" else [sde_update(np.array(point), config)[1, 1] for config in configs]
        lines.append(series(f"{model} from ω = {name}", rates, checks, fine, np.divide(law, own), np.array(unit)))
    return against_theory(lines, "learning rate ε", "Var(Δy) / (g F ε/N)", y_scale="linear", ratio="measured / law")
