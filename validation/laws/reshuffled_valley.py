"""A valley along which only Tr F changes, and how fast SGD and its SDEs drift in it: for ``reshuffled_drift``.

The loss of example i is hy²/2 + z_i x y: along y = 0 the mean loss is flat, and Tr F = x² + y². With independent
batches x is a martingale. Batches of one epoch have the covariance −F/N, and y remembers them, by 1 − εh in an update:
x then loses in every epoch the share (ε²/N) Σ_i (n − 1 − i)(1 − εh)^i, i < n − 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Curve, CurvePanel, Figure, Line, curve_panels
from sgdsde.statistics import Estimate, mean
from validation.measure import Array, whole

RATE, BATCH, BATCHES = 0.02, 4, 16
N = BATCH * BATCHES
VALLEY = sg.Landscape("h*y**2/2", ["x", "y"], {"h": 1.0}, noise_factor=[["y"], ["x"]], name="valley")
#: Every run ends at s = 48, after 150 epochs, and is looked at in between.
EPOCHS, LOOKS = 150, 6
#: εhN/B of the SDEs, short of which the modified loss is right, and far from it.
NEAR, FAR = 0.3, 3.0
NOTHING, SHORT, TWICE = "no drift", "the modified loss", "Tr F twice"


class Case(NamedTuple):
    """A valley: ``length`` is εhN/B, an epoch on the scale of the curvature across; batches of one ``sampling``."""

    length: float
    sampling: str = "reshuffle"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(RATE, BATCH, N, sampling=self.sampling)

    @property
    def valley(self) -> sg.Landscape:
        return VALLEY.with_parameters(h=self.length / (RATE * BATCHES))


@dataclass(frozen=True)
class Drift:
    """Looks at s, the mean of x at each, and the rate at which ln E x falls in units of εc/2, that of the flow."""

    s: Array
    x: Estimate
    rate: Estimate


def per_update(loss_of_epoch: float) -> float:
    """The rate of ln E x, in units of εc/2 a unit of s, of this share of x lost in every epoch."""
    c = 1 / BATCH - 1 / N
    return -math.log1p(-loss_of_epoch) / (BATCHES * RATE) / (RATE * c / 2)


def of_sgd(length: float) -> float:
    """The rate of reshuffled SGD, while little of x is lost in an epoch."""
    keep, left = 1 - length / BATCHES, np.arange(BATCHES - 1, 0, -1)
    return per_update(float(RATE**2 / N * (left * keep ** np.arange(BATCHES - 1)).sum()))


def of_bridges(length: float) -> float:
    """The rate of the SDE that bridges drive: (T/2) 2(a − 1 + e^(−a))/a², a = hS, with T = ε/B in the place of εc."""
    shape = 2 * (length - 1 + math.exp(-length)) / length**2
    return N / (N - BATCH) * shape


def measured(run: sg.Ensemble) -> Drift:
    """From a run with snapshots, by the means over paths at the last one."""
    x = whole(run).snapshots[..., 0]
    values = [mean(each) for each in x]
    last, s = values[-1], RATE * BATCHES * EPOCHS * np.linspace(0.0, 1.0, len(x))
    unit = s[-1] * RATE * (1 / BATCH - 1 / N) / 2
    rate = Estimate(-math.log(last.value) / unit, last.standard_error / last.value / unit)
    found = np.array([(each.value, each.standard_error) for each in values]).T
    return Drift(s, Estimate(*found), rate)


def sgd(case: Case, paths: int, seed: int) -> Drift:
    """SGD from (1, 0)."""
    return measured(sg.simulate_sgd(case.valley, case.config, [1.0, 0.0], seed=seed, paths=paths, **_length()))


def sde(case: Case, driver: str, modified: str | None, paths: int, seed: int) -> Drift:
    """The SDE, on the plain loss or that which is right for a driver."""
    valley = case.valley if modified is None else sg.modified_for(case.valley, case.config, modified)
    run = sg.simulate_sde(
        valley, case.config, [1.0, 0.0], seed=seed, paths=paths, driver=driver, scheme="euler_maruyama", substeps=16,
        **_length(),
    )  # fmt: skip
    return measured(run)


def _length() -> dict[str, Any]:
    updates = BATCHES * EPOCHS
    return {"updates": updates, "save_every": updates // LOOKS}


def figure(drifts: dict[tuple[str, float], Drift], lengths: Array) -> Figure:
    """E x against s, and its rate against the length of an epoch."""
    falls = [Curve(name, d.s, d.x.value, d.x.standard_error) for (name, at), d in drifts.items() if at == NEAR]
    c = 1 / BATCH - 1 / N
    s = np.linspace(0.0, RATE * BATCHES * EPOCHS, 50)
    rates = []
    for name in dict.fromkeys(name for name, _ in drifts):
        found = {at: d.rate for (of, at), d in drifts.items() if of == name}
        values, errors = np.array([(e.value, e.standard_error) for e in found.values()]).T
        rates.append(Curve(name, list(found), values, errors, joined=False))
    fine = np.geomspace(lengths[0], lengths[-1], 60)
    law = Line("law of reshuffled SGD", fine, [of_sgd(float(at)) for at in fine])
    flow = Line("flow of the modified loss", s, np.exp(-RATE * c / 2 * s))
    ones = Line("flow of the modified loss", fine, np.ones_like(fine))
    return curve_panels(
        [
            CurvePanel("s", f"E x along the valley, εhN/B = {NEAR:g}", falls, [flow]),
            CurvePanel("εhN/B", "rate at which ln E x falls / (εc/2)", rates, [ones, law], x_scale="log"),
        ],
        columns=3,
    )
