"""SGD in a double well whose temperature is held fixed, against the SDE: part of the claim ``large_learning_rate``."""

from __future__ import annotations

import math

import numpy as np
from scipy.integrate import quad

import sgdsde as sg
from sgdsde.statistics import mean
from validation.claim import Check
from validation.context import Context
from validation.measure import whole

BATCH, N = 8, 64
#: T F/2 in the double well, a fifth of the barrier, whatever ε: there the SDE has one law for all ε.
TEMPERATURE = 0.05
#: Time to settle in a well and to average, between snapshots, and the longest step of the SDE; curvature there is 2.
SETTLING, BETWEEN, LONGEST_STEP = 5.0, 0.5, 0.02


def double_well_checks(context: Context, rates: tuple[float, ...], paths: int) -> dict[tuple[str, float], Check]:
    """Mean loss above the minimum in a double well: SGD at each ε, and a simulation of the SDE at the first."""
    density = [
        quad(lambda w, k=power: _loss(w) ** k * math.exp(-_loss(w) / TEMPERATURE), -np.inf, np.inf, epsabs=0)[0]
        for power in (0, 1)
    ]
    law = density[1] / density[0]
    start = np.where(np.arange(paths) % 2, 1.0, -1.0)[:, None]
    found: dict[tuple[str, float], Check] = {}
    for rate, model in [(rate, "SGD") for rate in rates] + [(rates[0], "SDE")]:
        config = sg.SGDConfig(rate, BATCH, N)
        well = sg.Landscape(
            "x**4/4 - x**2/2", variables="x", parameters={"f": 2 * TEMPERATURE / config.temperature}, covariance="f"
        )
        every, seed = math.ceil(BETWEEN / rate), context.seed("well", model, rate)
        first = math.ceil(SETTLING / (every * rate))
        updates = 3 * first * every
        if model == "SGD":
            run = sg.simulate_sgd(well, config, start, updates, paths, seed=seed, save_every=every)
        else:
            run = sg.simulate_sde(
                well, config, start, updates, paths, scheme="leimkuhler_matthews",
                substeps=math.ceil(rate / LONGEST_STEP), seed=seed, save_every=every,
            )  # fmt: skip
        loss = mean(_loss(whole(run).snapshots[first:, :, 0]).mean(axis=0))
        found["well" if model == "SGD" else "simulated SDE", rate] = Check(
            f"mean loss of {model} in a double well{' is the SDE’s' if model == 'SGD' else ''}, ε = {rate:g}",
            law, float(loss.value), float(loss.standard_error),
            {} if model == "SGD" else {"a bowl's factor 1/(1 − ε)": law / (1 - rate)},
        )  # fmt: skip
    return found


def _loss(w: np.ndarray) -> np.ndarray:
    """The loss of the double well above its minimum."""
    return (w**2 - 1) ** 2 / 4
