"""Runs of two weights in series on one set of data: how they become equal, how they spread, how they shrink to 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.landscapes import two_weights
from sgdsde.plotting import Curve
from sgdsde.statistics import mean
from validation.balance.data import STRATONOVICH, Data, N
from validation.balance.law import STEP
from validation.check import Check
from validation.context import Context
from validation.measure import covariance_check, whole

NOISY = Data(0.2, 4.0)
#: T/T_c and batch size where balance is followed, for how long, at how many times, and from where.
COLD, BATCH, LASTS, POINTS, APART = 0.02, 4, 8.0, 8, (math.sqrt(2.0), math.sqrt(0.5))
#: T/T_c where ln v is followed from next to nothing.
RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5)
FRESH, RESHUFFLED, ISOTROPIC = "SGD, fresh batches", "SGD, reshuffled", "SDE, isotropic noise"
#: Sampling, of SGD.
RULES = {"SDE": "", FRESH: "without_replacement", RESHUFFLED: "reshuffle", ISOTROPIC: ""}
FIRST, BALANCED = "Itô's term forgotten", "the law of balance"


def updates(ratio: float, span: float) -> int:
    """How many of single examples of the noisy data make a time of the SDE."""
    return math.ceil(span / NOISY.config(ratio * NOISY.law.critical_temperature).learning_rate)


def followed(
    context: Context, name: str, ratio: float, w0: Any, updates: int, batch: int = BATCH, **more: Any
) -> sg.Ensemble:
    """One of the `RULES` on the noisy data, at T = ratio·T_c."""
    (network, table), rule = two_weights(*NOISY.pairs), RULES[name]
    config = NOISY.config(ratio * NOISY.law.critical_temperature, batch, rule or "without_replacement")
    seed, paths = context.seed(name, ratio, updates, batch), more.pop("paths", context.size.others)
    if rule:
        return whole(sg.simulate_sgd(network, config, w0, updates, paths, examples=table, seed=seed, **more))
    if name == ISOTROPIC:
        level = 4 * float(NOISY.law.noise(1.0))  # the trace of F at u = w = 1
        network = sg.Landscape(network.text, network.variables, network.parameters, noise_covariance=level)
    substeps = math.ceil(config.mean_loss_time_per_update / STEP)
    more |= {"scheme": "weak_taylor_2", "substeps": substeps, "seed": seed}
    return whole(sg.simulate_sde(network, config, w0, updates, paths, **more))


def exact_check(context: Context) -> Check:
    start = np.random.default_rng(0).uniform(0.5, 2.0, (1000, 2))
    run = followed(context, FRESH, COLD, start, 1, paths=len(start))
    kick = (run.final - start) / start[:, ::-1]  # −2ε ξ̄, of u over w and of w over u
    before, after = -np.diff(start**2)[:, 0], -np.diff(run.final**2)[:, 0]
    worst = float(np.abs(after - (1 - kick.prod(axis=1)) * before).max())
    return Check("u² − w² → (1 − 4ε²ξ̄²)(u² − w²), largest error of an update", 0.0, worst, 0.0, rounding=1e-13)


def spread_check(context: Context, name: str, rival: str) -> Check:
    """Var u of balanced weights near the minimum."""
    network = two_weights(*NOISY.pairs)[0]
    law = {}
    for each in (name, rival):
        config = NOISY.config(COLD * NOISY.law.critical_temperature, BATCH, RULES[each])
        h, f = network.hessian([1.0, 1.0]), network.noise_covariance([1.0, 1.0])
        law[each] = float(sg.theory.stationary_covariance(h, f, config, "sgd")[0, 0])
    epoch = N // BATCH
    settled = epoch * math.ceil(3 / config.mean_loss_time_per_update / epoch)
    run = followed(context, name, COLD, [1.0, 1.0], settled + 10 * epoch, burn_in=settled)
    return covariance_check(f"Var u, {name}", run, law[name], {f"as of {rival}": law[rival]})


def balance_check(context: Context, name: str, less: float) -> tuple[Check, Curve]:
    """How fast unequal weights become equal; `less` is what reshuffling leaves of the variance."""
    law, epoch = NOISY.law, N // BATCH
    temperature = COLD * law.critical_temperature
    step = NOISY.config(temperature, BATCH).mean_loss_time_per_update
    every = epoch * round(LASTS / step / epoch / POINTS)
    run = followed(context, name, COLD, APART, every * POINTS, save_every=every)
    w = run.snapshots
    left = (w[..., 0] ** 2 - w[..., 1] ** 2) / (APART[0] ** 2 - APART[1] ** 2)
    times = every * step * np.arange(POINTS + 1)
    kept = math.exp(-4 * temperature * float(law.noise(1.0)) * times[-1])
    wrong = {FIRST: 1.0, "half the rate": kept**0.5}
    if name == RESHUFFLED:
        wrong["as much less as the variance"] = kept**less
    predicted, others = (1.0, {BALANCED: kept}) if name == ISOTROPIC else (kept, wrong)
    curve = Curve(name, times, left.mean(axis=1), left.std(axis=1) / math.sqrt(run.paths), joined=False)
    return Check.of(f"what is left of u² − w², {name}", predicted, mean(left[-1]), others), curve


def exact_growth(ratio: float) -> float:
    """E ln(1 + 2ε x y)² of SGD with single examples, in a time of the SDE and in units of β2."""
    (x, y), law = NOISY.pairs, NOISY.law
    rate = NOISY.config(ratio * law.critical_temperature).learning_rate
    return float(np.mean(np.log((1 + 2 * rate * x * y) ** 2))) / (rate * law.product)


def growth_check(context: Context, name: str, ratio: float) -> Check:
    """E d(ln v)/ds in units of β2, where v is next to nothing, over an epoch of single examples."""
    law, start = NOISY.law, 1e-20
    temperature = ratio * law.critical_temperature
    rate = NOISY.config(temperature).learning_rate
    run = followed(context, name, ratio, [math.sqrt(start)] * 2, N, batch=1)
    grown = np.log(run.final.prod(axis=1) / start) / (N * rate * law.product)
    predicted = law.growth(temperature) / law.product if name == "SDE" else exact_growth(ratio)
    found = mean(grown)
    error = 0.0 if name == RESHUFFLED else found.standard_error  # the product of all examples, in any order
    label = f"growth of ln v near 0, {name}, T = {ratio:g} T_c"
    return Check(label, predicted, float(found.value), float(error), {STRATONOVICH: 4.0}, rounding=1e-10, scale=4.0)


def critical(growth: list[Check]) -> Check:
    """Where a line through the growth is zero."""
    ratios, found = np.array(RATIOS), np.array([check.measured for check in growth])
    weights = np.array([check.standard_error for check in growth]) ** -2.0
    design = np.column_stack([np.ones_like(ratios), ratios])
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    a, b = covariance @ design.T @ (weights * found)
    slope = np.array([-1 / b, a / b**2])
    others = {"T_c = β2/(2α3)": 0.5, "T_c = 2β2/α3": 2.0, "where the mode leaves, T_c/3": 1 / 3}
    return Check("T_c/(β2/α3), SDE", 1.0, -a / b, math.sqrt(slope @ covariance @ slope), others)
