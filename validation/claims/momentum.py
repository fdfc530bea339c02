"""Smith & Le §5: momentum multiplies the noise scale and the clock by 1/(1 − m), and what that picture leaves out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.laws.heavy_ball_correlation import NO_MEMORY, Case, correlation_checks, correlation_picture
from validation.measure import covariance_check, whole
from validation.sizes import plans

RATE, BATCH, N = 0.1, 8, 64
CURVATURE = 0.2
#: Where the SDE with momentum is simulated as well.
RINGING = Case(0.9, 1.0)
#: Where SGD and the SDE with momentum should agree; with long memory, so that fewer paths must do.
LIMIT, FEWER = Case(0.999, 1.0), 2
CASES = (Case(0.5, 1.0), RINGING, Case(0.99, 1.0), Case(0.5, 0.05), Case(0.9, 0.05), LIMIT)


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    momenta: tuple[float, ...]
    correlated: int  # paths of each autocorrelation
    cases: tuple[Case, ...]

    def paths_of(self, case: Case) -> int:
        return self.correlated // FEWER if case == LIMIT else self.correlated

    def plan(self, seconds: float) -> Plan:
        correlations = sum(case.tests(self.paths_of(case)) for case in self.cases) + len(RINGING.lags)
        return Plan(3 * len(self.momenta) + correlations, seconds, self)


@claim(
    title="Momentum m multiplies the noise scale by 1/(1 − m)",
    statement=(
        "Heavy-ball momentum leaves each batch as noisy as it was, yet on the scale of many updates SGD diffuses as "
        "if the noise scale were larger by 1/(1 − m), because a kick lives for 1/(1 − m) updates. The same factor "
        "speeds up the clock. Measured where nothing else acts (on a slope without curvature) and around a minimum. "
        "What the factor leaves out is inertia: for εh > (1 − m)²/4 the autocorrelation around a minimum rings, as the "
        "exact law and, as m → 1, the SDE with momentum say, and does not decay as the overdamped SDE's."
    ),
    formula=(
        "g = ε(N/B − 1)/(1 − m),    time per update = ε/(N(1 − m))\n"
        "ρ(τ) → e^{−γτ/2}(cos Ωτ + γ/(2Ω) sin Ωτ),   γ = (1 − m)/√ε,   Ω² = h − γ²/4,   one update: τ = √ε"
    ),
    source="Smith & Le, arXiv 1710.06451, §5; exact autocorrelation from powers of the heavy-ball map",
    plans=plans("momentum", Size),
)
def momentum(context: Context) -> Finding:
    size: Size = context.size
    slope = sg.Landscape("x", variables="x", covariance=1.0)
    bowl = sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=1.0)
    checks: dict[tuple[str, float], Check] = {}
    for done, m in enumerate(size.momenta):
        context.progress(done / len(size.momenta) / 2)
        config = sg.SGDConfig(RATE, BATCH, N, momentum=m)
        forgotten = sg.SGDConfig(RATE, BATCH, N)
        updates = math.ceil(10 / (1 - m))
        slid = whole(
            sg.simulate_sgd(
                slope, config, [0.0], updates, size.paths, seed=context.seed("slope", m), burn_in=updates - 1
            )
        )
        gain, squared = kicks(m, updates)
        checks["slope", m] = covariance_check(
            f"g from diffusion, m = {m:g}",
            slid,
            config.noise_scale,
            {NO_MEMORY: forgotten.noise_scale},
            unit=N / (RATE * squared),
        )
        checks["clock", m] = Check(
            f"clock N·t per update, m = {m:g}",
            config.mean_loss_time_per_update,
            -float(slid.mean[0]) / gain,
            float(slid.standard_error.mean[0]) / gain,
            {NO_MEMORY: forgotten.mean_loss_time_per_update},
        )
        settled = math.ceil(8 * (1 / (1 - m) + (1 - m) / (2 * RATE * CURVATURE)))
        rolled = sg.simulate_sgd(
            bowl, config, [0.0], settled + settled // 2, size.paths, seed=context.seed("bowl", m), burn_in=settled
        )
        correction = 1 - RATE * CURVATURE / (2 * (1 + m))
        checks["bowl", m] = covariance_check(
            f"g around a minimum, m = {m:g}",
            rolled,
            config.noise_scale,
            {NO_MEMORY: forgotten.noise_scale},
            unit=2 * CURVATURE * N * correction,
        )
    correlations = correlation_checks(context, RINGING, size.correlated, simulated=True)
    for done, case in enumerate(size.cases):
        context.progress((1 + done / len(size.cases)) / 2)
        correlations |= correlation_checks(context, case, size.paths_of(case))
    return Finding(
        (*checks.values(), *correlations.values()),
        headline=checks["slope", 0.9].label,
        pictures=(_picture(checks, size), correlation_picture(correlations, RINGING.kappa)),
        method=(
            f"{size.paths:,} independent paths for each m, with ε = {RATE:g}, B = {BATCH}, N = {N}, batches without "
            "replacement, F = 1. On the slope L = ω the position after n updates is a sum of n independent kicks, "
            "each grown to (1 − mᵏ)/(1 − m) of itself after k updates; g is its variance per unit of the clock with "
            "that start-up counted exactly. Around the minimum g is the stationary variance times 2hN/F, corrected "
            f"by the exact factor 1 − εh/(2(1 + m)) of finite ε (h = {CURVATURE:g}). Autocorrelations are those of "
            f"{size.correlated:,} paths ({size.correlated // FEWER:,} for m = {LIMIT.momentum:g}), at lags up to five "
            "decay times, against the powers of SGD's own map; against the SDEs wherever their exact distance from SGD "
            "is far below (agreement) or above (rejection) the errors."
        ),
    )


def kicks(m: float, updates: int) -> tuple[float, float]:
    """Position after ``updates`` kicks: sums of the kicks' growth and of its square, in units of the clock's update.

    The growth of the k-th last kick is 1 − mᵏ. The mean position is −s Σ growth and its variance T s Σ growth² with
    s = ε/(1 − m); the second sum is returned times 1/(1 − m), so that g = Var · N/(ε · second).
    """
    growth = 1 - m ** np.arange(1, updates + 1)
    return float(growth.sum()), float((growth**2).sum() / (1 - m))


def _picture(checks: dict[tuple[str, float], Check], size: Size) -> Picture:
    m = np.array(size.momenta)
    fine = np.geomspace(1, 1 / (1 - m.max()), 50)
    series = [
        Series(
            label,
            1 / (1 - m),
            [checks[route, value].measured for value in size.momenta],
            [checks[route, value].standard_error for value in size.momenta],
            [checks[route, value].predicted for value in size.momenta],
            fine,
            RATE * (N / BATCH - 1) * fine,
        )
        for route, label in (("slope", "g from diffusion on a slope"), ("bowl", "g from the spread around a minimum"))
    ]
    caption = (
        f"The noise scale of SGD with momentum, measured in two ways (ε = {RATE:g}, B = {BATCH}, N = {N}), on ε(N/B "
        "− 1)/(1 − m). Bars are one standard error."
    )
    return Picture(
        "noise_scale",
        caption,
        "Both measurements of g rise in proportion to 1/(1 − m), on the line of theory.",
        against_theory(series, "1/(1 − m)   (updates a kick lives for)", "noise scale g   (learning-rate units)"),
    )
