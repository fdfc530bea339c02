"""The stationary law of v = u w: checks against its closed form, and against what other theories say."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

import sgdsde as sg
from sgdsde.landscapes import two_weights
from sgdsde.plotting import Series
from sgdsde.statistics import mean
from validation.balance.data import Array, Data, rivals
from validation.check import Check
from validation.context import Context
from validation.measure import whole

#: Data, T/T_c and the time to settle of each law.
LAWS = ((Data(0.5, 1.0), 0.08, 4.0), (Data(0.1, 2.0), 1 / 3, 20.0), (Data(0.05, 2.0), 0.5, 30.0))
#: A step of the SDE; cells of χ²; probabilities below which v is counted; cells of the picture.
STEP, CELLS, QUARTERS, DRAWN = 0.01, 200, (0.25, 0.5, 0.75), 24


def settled(context: Context, data: Data, ratio: float, span: float) -> Array:
    """v of independent paths of the SDE, all from the minimum."""
    config = data.config(ratio * data.law.critical_temperature)
    step, network = config.mean_loss_time_per_update, two_weights(*data.pairs)[0]
    run = sg.simulate_sde(
        network, config, [1.0, 1.0], math.ceil(span / step), context.size.paths, scheme="weak_taylor_2",
        substeps=math.ceil(step / STEP), seed=context.seed("law", data, ratio),
    )  # fmt: skip
    return np.asarray(whole(run).final.prod(axis=1))


def quarter_checks(name: str, data: Data, ratio: float, v: Array) -> Iterator[Check]:
    temperature = ratio * data.law.critical_temperature
    density, others = data.law.stationary(temperature), rivals(data.law, temperature)
    for share in QUARTERS:
        at = density.quantile(share)
        wrong = {name: float(below(at)) for name, below in others.items()}
        label = f"P(v < quantile {share:g}), {name}, T = {ratio:.3g} T_c, x² = 1 ± {data.spread:g}"
        yield Check.of(label, share, mean((v < at).astype(float)), wrong)


def law_checks(data: Data, ratio: float, v: Array) -> Iterator[Check]:
    yield from quarter_checks("SDE", data, ratio, v)
    temperature = ratio * data.law.critical_temperature
    edges = data.law.stationary(temperature).quantile(np.arange(1, CELLS) / CELLS)
    expected, dof = len(v) / CELLS, CELLS - 1
    chi = np.sum((np.bincount(np.searchsorted(edges, v), minlength=CELLS) - expected) ** 2) / expected / dof
    wrong = {}
    for name, below in rivals(data.law, temperature).items():
        shares = np.diff([0.0, *below(edges), 1.0])
        wrong[name] = 1 + float(np.sum((shares - 1 / CELLS) ** 2)) * CELLS * len(v) / dof
    label = f"χ²/dof of the law of v, T = {ratio:.3g} T_c, x² = 1 ± {data.spread:g}"
    yield Check(label, 1.0, chi, math.sqrt(2 / dof), wrong)


def density_of(data: Data, ratio: float, v: Array) -> Series:
    density = data.law.stationary(ratio * data.law.critical_temperature)
    low, high = density.quantile([0.003, 0.997])
    edges = np.geomspace(low, high, DRAWN + 1)
    share, width = np.histogram(v, edges)[0] / len(v), np.diff(np.log(edges))
    middle, fine = np.sqrt(edges[1:] * edges[:-1]), np.geomspace(edges[0], edges[-1], 200)
    error = np.sqrt(share * (1 - share) / len(v)) / width
    predicted = np.diff(density.below(edges)) / width
    label = f"T = {ratio:.2g} T_c, x² = 1 ± {data.spread:g}"
    return Series(label, middle, share / width, error, predicted, fine, fine * density(fine))
