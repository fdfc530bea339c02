"""Smith & Le eq. 5: over one update, SGD and the SDE have the same variance ε² c F(ω) = g F(ω) ε/N."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check
from validation.sizes import plans

N = 256
HESSIAN = np.array([[1.0, 0.5], [0.5, 3.0]])
#: Gradient noise that depends on where SGD is: F(ω) = I + ωωᵀ/2.
LOSS, COVARIANCE = "x**2/2 + x*y/2 + 3*y**2/2", [["1 + x**2/2", "x*y/2"], ["x*y/2", "1 + y**2/2"]]
POINTS = ((1.0, 2.0), (-2.0, 1.0), (3.0, -1.0))
ENTRIES = {"xx": (0, 0), "xy": (0, 1), "yy": (1, 1)}
MODELS = ("SGD", "SDE")
SUBSTEPS = 16


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]

    def plan(self, seconds: float) -> Plan:
        runs = len(POINTS) * len(self.learning_rates) * len(self.batch_sizes)
        return Plan(2 * len(ENTRIES) * runs, seconds, self)


@claim(
    title="One update of SGD has the variance of the SDE",
    statement=(
        "Over one update, the variance of SGD's step is ε² c F(ω) exactly, with F taken where the step starts. The "
        "SDE with noise scale g has the same variance to leading order in ε; at finite ε its own law (drift and F "
        "change along the way) says by how much less, and the simulated SDE follows that law."
    ),
    formula="⟨Δω Δωᵀ⟩ − ⟨Δω⟩⟨Δω⟩ᵀ  =  (ε/N)² ⟨αα⟩  =  g F(ω) ε/N,    g = ε(N/B − 1)",
    source="Smith & Le, arXiv 1710.06451, equation 5",
    plans=plans("update_variance", Size),
)
def update_variance(context: Context) -> Finding:
    size: Size = context.size
    landscape = sg.Landscape(LOSS, variables="x y", covariance=COVARIANCE)
    checks: dict[tuple[object, ...], Check] = {}
    grid = list(product(POINTS, size.learning_rates, size.batch_sizes))
    for done, (point, rate, batch) in enumerate(grid):
        context.progress(done / len(grid))
        config = sg.SGDConfig(rate, batch, N)
        start = np.array(point)
        where = f"ω = {_name(point)}, ε = {rate:g}, B = {batch}"
        seeds = {model: context.seed(model, point, rate, batch) for model in MODELS}
        ensembles = {
            "SGD": sg.simulate_sgd(landscape, config, start, 1, size.paths, seed=seeds["SGD"]),
            "SDE": sg.simulate_sde(landscape, config, start, 1, size.paths, substeps=SUBSTEPS, seed=seeds["SDE"]),
        }
        exact = sg.theory.update_covariance(landscape.covariance(start), config)
        laws = {"SGD": exact, "SDE": sde_update(start, config)}
        wrong = sg.theory.update_covariance(landscape.covariance(0 * start), config)
        for model, (name, entry) in product(MODELS, ENTRIES.items()):
            checks[model, point, rate, batch, name] = covariance_check(
                f"{model} {name}, {where}",
                ensembles[model],
                laws[model][entry],
                {"F at the minimum": wrong[entry]},
                entry=entry,
            )
    shown = size.batch_sizes[len(size.batch_sizes) // 2]
    return Finding(
        tuple(checks.values()),
        headline=checks["SGD", POINTS[0], size.learning_rates[-1], shown, "xx"].label,
        pictures=(_picture(checks, size, shown),),
        method=(
            f"{size.paths:,} independent updates from each of {len(POINTS)} points of the landscape L = {LOSS} with "
            f"F(ω) = I + ωωᵀ/2, N = {N}, m = 0, batches without replacement; all three entries of the 2 × 2 "
            f"covariance. The SDE runs {SUBSTEPS} Euler–Maruyama steps per update and is held against the exact "
            "covariance of those steps."
        ),
    )


def sde_update(start: NDArray[np.float64], config: sg.SGDConfig) -> NDArray[np.float64]:
    """Covariance of the SDE after one update from ``start``, exact for its Euler–Maruyama steps.

    The drift is linear and F quadratic in ω, so mean and covariance close: E[F] = I + E[ωωᵀ]/2.
    """
    dt = config.mean_loss_time_per_update / SUBSTEPS
    step = np.eye(2) - dt * HESSIAN
    mean, covariance = start, np.zeros((2, 2))
    for _ in range(SUBSTEPS):
        noise = config.temperature * dt * (np.eye(2) + (covariance + np.outer(mean, mean)) / 2)
        mean, covariance = step @ mean, step @ covariance @ step.T + noise
    return covariance


def _picture(checks: dict[tuple[object, ...], Check], size: Size, batch: int) -> Picture:
    """Variance along y, where the curvature is largest, relative to eq. 5."""
    fine = np.geomspace(size.learning_rates[0], size.learning_rates[-1], 60)
    series = []
    for model, point in product(MODELS, POINTS):
        units = [_equation_5(point, rate, batch) for rate in size.learning_rates]
        found = [checks[model, point, rate, batch, "yy"] for rate in size.learning_rates]
        laws = (sde_update(np.array(point), sg.SGDConfig(rate, batch, N))[1, 1] for rate in fine)
        law = [value / _equation_5(point, rate, batch) for value, rate in zip(laws, fine, strict=True)]
        series.append(
            Series(
                f"{model} from ω = {_name(point)}",
                size.learning_rates,
                [check.measured / unit for check, unit in zip(found, units, strict=True)],
                [check.standard_error / unit for check, unit in zip(found, units, strict=True)],
                [check.predicted / unit for check, unit in zip(found, units, strict=True)],
                fine,
                law if model == "SDE" else np.ones_like(fine),
            )
        )
    figure = against_theory(series, "learning rate ε", "Var(Δy) / (g F ε/N)", y_scale="linear", ratio="measured / law")
    caption = (
        f"Variance of one update along y, in units of equation 5, at B = {batch}. SGD is on 1 at every ε; the SDE "
        "leaves it in proportion to ε, along its own exact law (lines). Bars are one standard error."
    )
    return Picture("variance", caption, "SGD's points lie on 1; the SDE's fall below 1 as ε grows.", figure)


def _equation_5(point: tuple[float, float], rate: float, batch: int) -> float:
    landscape_f = 1 + point[1] ** 2 / 2
    return float(sg.theory.update_covariance(landscape_f, sg.SGDConfig(rate, batch, N)))


def _name(point: tuple[float, float]) -> str:
    return f"({point[0]:g}, {point[1]:g})".replace("-", "−")
