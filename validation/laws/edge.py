"""A loss that sharpens until oscillations flatten it: L = ½ r y x² − a y."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.theory import edge_sharpness

Array = NDArray[np.float64]

#: r: the sharpness is S = ∂²L/∂x² = r y, so that α = r a and β = r².
R = 1.0
EXAMPLES = 256
#: Where paths start, in units of the edge of gradient descent: so little below it that it is stable.
BELOW = 0.998


@dataclass(frozen=True)
class Point:
    """SGD at (ε, B, m), where the loss sharpens by α per unit of time and σ² is the noise of one example along x."""

    rate: float
    sharpening: float
    noise: float
    batch: int = 1
    momentum: float = 0.0

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.rate, self.batch, EXAMPLES, self.momentum, sampling="with_replacement")

    @property
    def landscape(self) -> sg.Landscape:
        numbers = {"r": R, "a": self.sharpening / R, "sigma": math.sqrt(self.noise)}
        return sg.Landscape("r*y*x**2/2 - a*y", "x y", numbers, noise_factor=[["sigma"], ["0"]])

    @property
    def edge(self) -> float:
        """2(1 + m)/ε, where gradient descent stays."""
        return 2 * (1 + self.momentum) / self.rate

    def gap(self, order: str = "all") -> float:
        """ΔS by the law of all orders in the noise, or the paper's first."""
        return self.edge - edge_sharpness(self.sharpening, R**2, self.noise, self.config, order)

    @property
    def relaxation(self) -> int:
        """Updates in which a deviation of S and of E x² from their law decays by e.

        E x² answers S at the rate 2kΔS, k = ε/(1 − m), and S answers E x²: λ² + 2kΔS λ + 2k²α = 0 to first order in
        ΔS. At ΔS² < 2α both swing about their law.
        """
        gap, kick = self.gap(), self.config.mean_loss_time_per_update
        restored = gap - math.sqrt(max(gap**2 - 2 * self.sharpening, 0.0))
        return math.ceil(1 / (kick * restored))

    def start(self, share: float = 1.0) -> list[float]:
        """At a share of the edge of gradient descent, with E x² = 2α/β."""
        return [math.sqrt(2 * self.sharpening) / R, share * self.edge / R]


def gap_of(point: Point, paths: int, settled: int, averaged: int, seed: int) -> tuple[float, float]:
    """2(1 + m)/ε less the mean sharpness of SGD, and its standard error; lengths are in relaxation times."""
    updates = (settled + averaged) * point.relaxation
    run = sg.simulate_sgd(
        point.landscape, point.config, point.start(BELOW), updates, paths, burn_in=settled * point.relaxation, seed=seed
    )
    if run.diverged:
        raise RuntimeError(f"{run.diverged} paths diverged at {point}")
    return point.edge - R * float(run.mean[1]), R * float(run.standard_error.mean[1])


def sde_sharpness(point: Point, share: float, times: Array) -> Array:
    """S of the SDE at times s from `share` of the edge on, of dS/ds = α − βTσ²/(4S), which only rises."""
    from scipy.integrate import solve_ivp

    pull = R**2 * point.config.temperature * point.noise / 4
    solved = solve_ivp(
        lambda s, sharpness: point.sharpening - pull / sharpness, (0.0, float(times[-1])), [share * point.edge],
        t_eval=times, rtol=1e-9,
    )  # fmt: skip
    return np.asarray(solved.y[0])
