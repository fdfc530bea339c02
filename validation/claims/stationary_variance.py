"""Near a minimum: the SDE's variance is T F/(2h); SGD's is that times an exact factor that tends to 1 with ε."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check
from validation.sizes import plans

N, CURVATURE, NOISE = 64, 1.0, 1.0
#: Euler–Maruyama steps of the SDE are this short or shorter, in units of 1/h.
LONGEST_STEP = 0.05
MODELS = ("SGD", "SDE")


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    momenta: tuple[float, ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(2 * len(self.learning_rates) * len(self.batch_sizes) * len(self.momenta), seconds, self)


@claim(
    title="Around a minimum the SDE is right up to a known factor",
    statement=(
        "In a quadratic minimum with curvature h the SDE spreads with variance T F/(2h), where T = g/N ≈ ε/(B(1 − "
        "m)). SGD with independent batches spreads more, by the exact factor 1/(1 − εh/(2(1 + m))): 1 for small ε, "
        "2 half-way to the learning rate at which it diverges. Batch size and momentum enter through g alone."
    ),
    formula="SDE:  Var ω = T F/(2h),   T = g/N ≈ ε/(B(1 − m))\nSGD:  Var ω = T F/(2h) · 1/(1 − εh/(2(1 + m)))",
    source="Smith & Le, arXiv 1710.06451, equations 4–5 and §5; exact law from the discrete Lyapunov equation",
    plans=plans("stationary_variance", Size),
)
def stationary_variance(context: Context) -> Finding:
    size: Size = context.size
    landscape = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)
    checks: dict[tuple[object, ...], Check] = {}
    grid = list(product(size.learning_rates, size.batch_sizes, size.momenta))
    for done, (rate, batch, momentum) in enumerate(grid):
        context.progress(done / len(grid))
        config = sg.SGDConfig(rate, batch, N, momentum=momentum)
        where = f"ε = {rate:g}, B = {batch}, m = {momentum:g}"
        relaxation = sg.theory.relaxation_time(CURVATURE, config) / 2  # of the variance
        substeps = math.ceil(config.mean_loss_time_per_update / LONGEST_STEP)
        settled = math.ceil(8 * relaxation)
        sgd = sg.simulate_sgd(
            landscape,
            config,
            [0.0],
            settled + math.ceil(2 * relaxation),
            size.paths,
            seed=context.seed("SGD", rate, batch, momentum),
            burn_in=settled,
        )
        settled = math.ceil(8 / (2 * CURVATURE * config.mean_loss_time_per_update))
        sde = sg.simulate_sde(
            landscape,
            config,
            [0.0],
            settled + math.ceil(settled / 4),
            size.paths,
            substeps=substeps,
            seed=context.seed("SDE", rate, batch, momentum),
            burn_in=settled,
        )
        for model, ensemble in zip(MODELS, (sgd, sde), strict=True):
            law = _law(model, config)
            if model == "SDE":
                law /= 1 - CURVATURE * config.mean_loss_time_per_update / substeps / 2
            checks[model, rate, batch, momentum] = covariance_check(
                f"{model}, {where}", ensemble, law, {"g off by 10 %": 1.1 * law}
            )
    return Finding(
        tuple(checks.values()),
        headline=checks["SGD", size.learning_rates[1], size.batch_sizes[-1], size.momenta[0]].label,
        pictures=(_picture(checks),),
        method=(
            f"{size.paths:,} independent paths for each of {len(grid)} combinations of ε, B and m, N = {N}, h = "
            f"{CURVATURE:g}, F constant, batches drawn afresh without replacement. All start at the minimum; the "
            "variance is taken over paths and over updates after the transient has decayed by a factor e⁸. The "
            "SDE's Euler–Maruyama steps have a stationary variance of their own, T F/(2h) · 1/(1 − hδ/2); with "
            f"steps δ ≤ {LONGEST_STEP:g}/h that known bias is at most 2.5 % and is part of the prediction."
        ),
    )


def _law(model: str, config: sg.SGDConfig) -> float:
    return float(sg.theory.stationary_covariance(CURVATURE, NOISE, config, dynamics=model.lower())[0, 0])


def _picture(checks: dict[tuple[object, ...], Check]) -> Picture:
    """All combinations of ε, B and m on one line."""
    series = []
    for model in MODELS:
        rows = []
        for (name, rate, batch, momentum), check in checks.items():
            if name == model:
                config = sg.SGDConfig(rate, batch, N, momentum=momentum)  # type: ignore[arg-type]
                rows.append((config.learning_rate * CURVATURE / (2 * (1 + config.momentum)), check))
        # The integrator's known bias is taken out of the SDE's points, to show the SDE itself.
        x = np.array([x for x, _ in rows])
        truth = 1 / (1 - x) if model == "SGD" else np.ones_like(x)
        scale = truth / np.array([check.predicted for _, check in rows])
        measured = np.array([check.measured for _, check in rows]) * scale
        error = np.array([check.standard_error for _, check in rows]) * scale
        fine = np.geomspace(x.min(), x.max(), 200)
        line = 1 / (1 - fine) if model == "SGD" else np.ones_like(fine)
        series.append(Series(f"{model}, every ε, B, m", x, measured, error, truth, fine, line))
    x_name, y_name = "εh / (2(1 + m))   (1: SGD diverges)", "Var ω / (T F/(2h))"
    figure = against_theory(series, x_name, y_name, y_scale="linear")
    caption = (
        "Stationary variance in units of the SDE's. Every combination of ε, B and m falls on one curve, 1/(1 − x), "
        "because B enters only through g and m only through g and the stability limit. Bars are one standard error."
    )
    return Picture("collapse", caption, "SGD's points follow 1/(1 − x), the SDE's stay on 1.", figure)
