"""Autocorrelation of heavy ball, measured and predicted: part of the claim ``momentum``.

The curvature is 1 and the learning rate ε = κ(1 − m)², so that cases of one κ are one damped oscillator (κ > ¼ rings)
in units of the decay, and differ only in how fine the updates are.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.statistics import ensemble_autocorrelation, variance
from validation.claim import Check
from validation.context import Context
from validation.measure import Array, covariance_check, whole

BATCH, N, CURVATURE, NOISE = 4, 64, 1.0, 1.0
#: Lags measured, evenly up to this many decay times.
LAGS, DECAYS = 16, 5
#: Snapshots beyond the longest lag: pairs that far apart are averaged over as many origins.
ORIGINS = 8
#: An SDE agrees with SGD where their exact laws are nearer than this at every lag, and fails where they are further
#: apart at one, in standard errors of one pair of snapshots; averaging over pairs makes them up to 6 times smaller.
NEAR, FAR = 0.1, 10.0
#: The SDE with momentum is simulated with steps of at most this long, in units of 1/√h: ρ is off by about 1/2000.
LONGEST_STEP = 0.1
NO_MEMORY = "1/(1 − m) forgotten"
SDES = {"momentum_sde": "the SDE with momentum", "sde": "the overdamped SDE"}


class Case(NamedTuple):
    """Momentum, and κ = εh/(1 − m)²: damping is critical at ¼."""

    momentum: float
    kappa: float

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.kappa * (1 - self.momentum) ** 2 / CURVATURE, BATCH, N, self.momentum)

    @property
    def longest(self) -> float:
        """The longest lag, in updates."""
        return DECAYS * sg.theory.relaxation_time(CURVATURE, self.config)

    @property
    def lags(self) -> list[int]:
        """Lags measured, in updates: multiples of the first."""
        every = max(1, math.ceil(self.longest / LAGS))
        return [k * every for k in range(1, math.ceil(self.longest / every) + 1)]

    def rho(self, model: str, lags: Sequence[int]) -> Array:
        """Exact autocorrelation."""
        return sg.theory.autocorrelation(CURVATURE, NOISE, self.config, lags, model)[:, 0]

    def __str__(self) -> str:
        return f"m = {self.momentum:g}, εh = {self.config.learning_rate * CURVATURE:.3g}"


#: Checks of SGD ("sgd") or of the simulated SDE with momentum against its own law, one for each lag.
Measured = dict[tuple[str, Case], list[Check]]


def correlations(
    context: Context, case: Case, paths: int, *, simulated: bool = False
) -> Generator[Check, None, Measured]:
    """Autocorrelation of SGD at every lag against its exact law and the SDEs, and Var ω and Var v.

    Against an SDE where theory says what will be seen: it agrees with SGD at all lags, or is far off at one.
    ``simulated`` puts a simulation of the SDE with momentum in SGD's place, against its own law.
    """
    config, bowl = case.config, sg.landscapes.quadratic(h=CURVATURE, f=NOISE)
    every = case.lags[0]
    settled = every * math.ceil(case.longest / every)  # variances settle twice as fast: by e¹⁰
    last = settled + every * (len(case.lags) + ORIGINS - 1)
    seed = context.seed("correlation", simulated, *case)
    if simulated:
        substeps = math.ceil(math.sqrt(config.learning_rate * CURVATURE) / LONGEST_STEP)
        run = sg.simulate_sde(
            bowl, config, [0.0], last, paths, scheme="baoab", substeps=substeps,
            seed=seed, burn_in=settled, save_every=every,
        )  # fmt: skip
    else:
        run = sg.simulate_sgd(bowl, config, [0.0], last, paths, seed=seed, burn_in=settled, save_every=every)
    own, name = ("momentum_sde", "simulated SDE with momentum") if simulated else ("sgd", "SGD")
    rho, error = (each[1:, 0] for each in ensemble_autocorrelation(whole(run).snapshots[settled // every :]))
    law, forgotten = case.rho(own, case.lags), 1 - config.learning_rate * CURVATURE

    def at(k: int, against: str, predicted: float) -> Check:
        label = f"autocorrelation of {name}{against}, {case}, lag {case.lags[k]}"
        return Check(label, predicted, rho[k], error[k], {NO_MEMORY: forgotten ** case.lags[k]}, scale=1.0)

    checks = [at(k, "", law[k]) for k in range(len(law))]
    yield from checks
    if simulated:
        return {(own, case): checks}
    for model, title in SDES.items():
        sde = case.rho(model, case.lags)
        gaps = np.abs(sde - law) / (1 - law**2) * math.sqrt(paths)
        if gaps.max() < NEAR:
            yield from (at(k, f" on {title}", sde[k]) for k in range(len(law)))
        elif gaps.max() > FAR:
            yield at(int(gaps.argmax()), f" is not that of {title}", sde[gaps.argmax()])
    memoryless = replace(config, momentum=0.0)
    position, velocity = sg.theory.stationary_covariance, sg.theory.stationary_velocity_covariance
    exact, rival = (float(position(CURVATURE, NOISE, each, "sgd")[0, 0]) for each in (config, memoryless))
    yield covariance_check(f"Var ω, {case}", run, exact, {NO_MEMORY: rival})
    exact, rival = (float(velocity(CURVATURE, NOISE, each)[0, 0]) for each in (config, memoryless))
    speed = variance(config.learning_rate * run.auxiliary["momentum_buffer"][:, 0])
    yield Check.of(f"Var v, {case}", exact, speed, {NO_MEMORY: rival})
    return {(own, case): checks}


def correlation_figure(measured: Measured, kappa: float) -> sg.plotting.Figure:
    """The cases of one κ on the clock on which they are one oscillator; 1 − ρ, because ρ itself passes through 0."""
    titles, points = {"sgd": "SGD", "momentum_sde": "simulated SDE with momentum"}, []
    for (model, case), checks in measured.items():
        if case.kappa == kappa:
            fine, per_update = np.unique(np.linspace(0, case.lags[-1], 150).astype(int)), 1 - case.momentum
            rho, error, law = (
                np.array([getattr(check, of) for check in checks]) for of in ("measured", "standard_error", "predicted")
            )
            line = fine * per_update, 1 - case.rho(model, [int(lag) for lag in fine])
            name, x = f"{titles[model]}, m = {case.momentum:g}", np.array(case.lags) * per_update
            points.append(Series(name, x, 1 - rho, error, 1 - law, *line))
    clock = np.linspace(0, max(float(np.max(item.x)) for item in points), 200)
    return against_theory(
        points, "lag in updates × (1 − m)", "1 − autocorrelation of ω",
        [Line("overdamped SDE, 1 − exp(−hs)", clock, 1 - np.exp(-kappa * clock))],
        x_scale="linear", y_scale="linear", ratio="measured / exact", columns=2,
    )  # fmt: skip
