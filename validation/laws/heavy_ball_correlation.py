"""Autocorrelation of heavy ball, measured and predicted: part of the claim ``momentum``.

The curvature is 1 and the learning rate ε = κ(1 − m)², so that cases of one κ are one damped oscillator (κ > ¼ rings)
in units of the decay, and differ only in how fine the updates are.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.statistics import variance
from sgdsde.statistics.autocorrelation import ensemble_autocorrelation
from validation.claim import Check, Picture
from validation.context import Context
from validation.measure import whole

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
#: How the label of a check says what is expected.
AGAINST = {"equal": "on", "different": "is not that of"}
NO_MEMORY = "1/(1 − m) forgotten"
SDES = {"momentum_sde": "the SDE with momentum", "sde": "the overdamped SDE"}

Array = NDArray[np.float64]


class Case(NamedTuple):
    """Momentum, and κ = εh/(1 − m)²: damping is critical at ¼."""

    momentum: float
    kappa: float

    @property
    def config(self) -> sg.SGDConfig:
        rate = self.kappa * (1 - self.momentum) ** 2 / CURVATURE
        return sg.SGDConfig(rate, BATCH, N, momentum=self.momentum)

    @property
    def decay(self) -> float:
        """Updates in which the autocorrelation's envelope falls by e."""
        return sg.theory.relaxation_time(CURVATURE, self.config)

    @property
    def spacing(self) -> int:
        """Updates between snapshots."""
        return max(1, math.ceil(DECAYS * self.decay / LAGS))

    @property
    def lags(self) -> range:
        """Lags measured, in snapshots."""
        return range(1, math.ceil(DECAYS * self.decay / self.spacing) + 1)

    def rho(self, model: str, lag: int) -> float:
        """Exact autocorrelation at a lag in updates."""
        late, now = (sg.theory.autocovariance(CURVATURE, NOISE, self.config, k, model)[0, 0] for k in (lag, 0))
        return float(late / now)

    def gaps(self, model: str, paths: int) -> Array:
        """Exact distance of an SDE's autocorrelation from SGD's at each lag, in standard errors of one pair."""
        lags = [lag * self.spacing for lag in self.lags]
        exact, sde = (np.array([self.rho(name, lag) for lag in lags]) for name in ("sgd", model))
        return np.asarray(np.abs(sde - exact) / (1 - exact**2) * math.sqrt(paths))

    def expected(self, model: str, paths: int) -> Literal["equal", "different"] | None:
        """What theory says that comparing SGD with an SDE will show, None where that is not worth a check."""
        gap = float(self.gaps(model, paths).max())
        return "equal" if gap < NEAR else "different" if gap > FAR else None

    def tests(self, paths: int) -> int:
        """Checks that `correlation_checks` makes."""
        extra = {"equal": len(self.lags), "different": 1, None: 0}
        return len(self.lags) + 2 + sum(extra[self.expected(model, paths)] for model in SDES)

    def __str__(self) -> str:
        return f"m = {self.momentum:g}, εh = {self.config.learning_rate * CURVATURE:.3g}"


Measured = dict[tuple[str, Case, int], Check]


def correlation_checks(context: Context, case: Case, paths: int, *, simulated: bool = False) -> Measured:
    """Autocorrelation of SGD at every lag against its exact law and the SDEs, and Var ω and Var v.

    ``simulated`` puts a simulation of the SDE with momentum in SGD's place, against its own law.
    """
    config, bowl = case.config, sg.Landscape("h*x**2/2", "x", parameters={"h": CURVATURE}, covariance=NOISE)
    settled = case.spacing * math.ceil(5 * case.decay / case.spacing)  # variances settle twice as fast: by e¹⁰
    updates = settled + case.spacing * (len(case.lags) + ORIGINS - 1)
    seed = context.seed("correlation", simulated, *case)
    if simulated:
        run = sg.simulate_sde(
            bowl, config, [0.0], updates, paths, scheme="baoab", seed=seed, save_every=case.spacing,
            substeps=math.ceil(math.sqrt(config.learning_rate * CURVATURE) / LONGEST_STEP), burn_in=settled,
        )  # fmt: skip
    else:
        run = sg.simulate_sgd(bowl, config, [0.0], updates, paths, seed=seed, burn_in=settled, save_every=case.spacing)
    rho, error = ensemble_autocorrelation(whole(run).snapshots[settled // case.spacing :])
    own, name = ("momentum_sde", "simulated SDE with momentum") if simulated else ("sgd", "SGD")

    def check(lag: int, model: str, against: str) -> Check:
        updates = lag * case.spacing
        label = f"autocorrelation of {name}{against}, {case}, lag {updates}"
        rivals = {NO_MEMORY: (1 - config.learning_rate * CURVATURE) ** updates}
        return Check(label, case.rho(model, updates), rho[lag, 0], error[lag, 0], rivals, scale=1.0)

    found: Measured = {(own, case, lag): check(lag, own, "") for lag in case.lags}
    if simulated:
        return found
    for model, title in SDES.items():
        expected = case.expected(model, paths)
        worst = case.lags[int(case.gaps(model, paths).argmax())]
        lags = {"equal": case.lags, "different": [worst], None: []}[expected]
        if expected:
            against = f" {AGAINST[expected]} {title}"
            found |= {(f"SGD on {model}", case, lag): check(lag, model, against) for lag in lags}
    return found | _spread(case, run)


def _spread(case: Case, run: sg.Ensemble) -> Measured:
    """Variances of position and velocity, against the exact stationary law."""
    config, forgotten = case.config, sg.SGDConfig(case.config.learning_rate, BATCH, N)
    law, velocity = sg.theory.stationary_covariance, sg.theory.stationary_velocity_covariance
    speed = variance(config.learning_rate * run.auxiliary["momentum_buffer"][:, 0])
    return {
        ("Var ω", case, 0): Check(
            f"Var ω, {case}",
            law(CURVATURE, NOISE, config, "sgd")[0, 0],
            run.covariance[0, 0],
            run.standard_error.covariance[0, 0],
            {NO_MEMORY: law(CURVATURE, NOISE, forgotten, "sgd")[0, 0]},
        ),
        ("Var v", case, 0): Check(
            f"Var v, {case}",
            velocity(CURVATURE, NOISE, config)[0, 0],
            float(speed.value),
            float(speed.standard_error),
            {NO_MEMORY: velocity(CURVATURE, NOISE, forgotten)[0, 0]},
        ),
    }


def correlation_picture(checks: Measured, kappa: float) -> Picture:
    """The cases of one κ on the clock on which they are one oscillator; 1 − ρ, because ρ itself passes through 0."""
    titles = {"sgd": "SGD", "momentum_sde": "simulated SDE with momentum"}
    shown = dict.fromkeys((model, case) for model, case, _ in checks if model in titles and case.kappa == kappa)
    series = []
    for model, case in shown:
        found = [check for key, check in checks.items() if key[:2] == (model, case)]
        fine = np.unique(np.linspace(0, case.lags[-1] * case.spacing, 150).astype(int))
        series.append(
            Series(
                f"{titles[model]}, m = {case.momentum:g}",
                np.array(case.lags) * case.spacing * (1 - case.momentum),
                [1 - check.measured for check in found],
                [check.standard_error for check in found],
                [1 - check.predicted for check in found],
                fine * (1 - case.momentum),
                [1 - case.rho(model, int(lag)) for lag in fine],
            )
        )
    clock = np.linspace(0, max(float(np.max(item.x)) for item in series), 200)
    figure = against_theory(
        series,
        "lag in updates × (1 − m)",
        "1 − autocorrelation of ω",
        [Line("overdamped SDE, 1 − exp(−hs)", clock, 1 - np.exp(-kappa * clock))],
        x_scale="linear",
        y_scale="linear",
        ratio="measured / exact",
        columns=2,
    )
    caption = (
        f"Half the mean squared distance that ω moves within a lag, in units of its variance, at εh = {kappa:g}·(1 − "
        "m)², where the SDE with momentum is one damped oscillator for all m. Solid lines: the exact law of each m, "
        "which tends to the oscillator as m → 1. The overdamped SDE knows nothing of the ringing. Bars are one "
        "standard error."
    )
    alt = "Measured points lie on ringing curves that overshoot 1; the overdamped SDE's dashed curve does not."
    return Picture("correlation", caption, alt, figure)
