"""Schedules of ε that fall and of B that grow, on two landscapes, and SGD's exact laws: for the claim ``schedules``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from validation.measure import Array

BATCH, N, CURVATURE, NOISE = 4, 64, 1.0, 1.0
SIGNS = np.tile([-1.0, 1.0], N // 2)[:, None]
#: Where paths start, and T F/2 at ω = ±1 of the double well, a fifth of the barrier, before the schedule changes it.
START, WELL_START, TEMPERATURE, REACH = 1.0, 0.1, 0.05, 2.2
#: s = Σ ε/(1 − m) until the first step, in which everything but the passage between the wells settles.
SPAN = 6.4
#: Snapshots of a run.
SNAPSHOTS = 8

#: Shape → ε(k) from the largest ε and the updates that SPAN takes at it.
SHAPES: dict[str, Callable[[float, int], Array]] = {
    "steps": lambda rate, every: sg.schedules.step_decay(rate, 0.5, every, 3 * every),
    "cosine": lambda rate, every: sg.schedules.cosine(rate, 2 * every, rate / 8),
    "triangle": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every),
    "square": lambda rate, every: sg.schedules.cyclic(rate / 4, rate, every // 2, 2 * every, "square"),
}


@dataclass(frozen=True)
class Case:
    """A schedule on a landscape; ``pace`` is ε/(1 − m), the largest step in s."""

    shape: str
    pace: float
    momentum: float = 0.0
    landscape: str = "quadratic"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.pace * (1 - self.momentum), BATCH, N, self.momentum, "with_replacement")

    @property
    def scene(self) -> tuple[sg.Landscape, float]:
        """Landscape and start."""
        if self.landscape == "quadratic":
            return sg.landscapes.quadratic(h=CURVATURE, f=NOISE), START
        noise = 2 * TEMPERATURE / self.config.temperature / 1.5
        return sg.landscapes.double_well(noise_covariance="f*(1 + x**2/2)", f=noise), WELL_START

    @cached_property
    def runs(self) -> dict[str, Run]:
        rates = SHAPES[self.shape](self.pace, 4 * round(SPAN / self.pace / 4)) * (1 - self.momentum)
        sizes = sg.schedules.batch_sizes_at_equal_time(rates, self.config)
        falls = Run(self, rates, np.full(len(rates), BATCH))
        return {"ε falls": falls, "B grows": Run(self, np.full(len(sizes), self.config.learning_rate), sizes)}

    def ratio(self, *unchanged: str) -> float:
        """Exact variance at the end where ε falls over that where B grows; one run may be left as it begins."""
        falls, grows = (run.unchanged if name in unchanged else run for name, run in self.runs.items())
        return float(falls.law()[-1, 1] / grows.law()[-1, 1])

    def __str__(self) -> str:
        return f"{self.landscape}, {self.shape}, ε/(1 − m) = {self.pace:g}, m = {self.momentum:g}"


@dataclass(frozen=True)
class Run:
    """ε(k) and B(k) of a case."""

    case: Case
    rates: Array
    sizes: NDArray[np.int64]

    @property
    def unchanged(self) -> Run:
        """As many updates at the first ε and B."""
        config = self.case.config
        return Run(self.case, np.full_like(self.rates, config.learning_rate), np.full_like(self.sizes, BATCH))

    def law(self, dynamics: str = "sgd") -> Array:
        """Exact mean and variance, (updates + 1, 2)."""
        schedules: dict[str, Any] = {"learning_rates": self.rates, "batch_sizes": self.sizes}
        config, (landscape, start) = self.case.config, self.case.scene
        if self.case.landscape == "quadratic":
            found = sg.theory.scheduled_law(CURVATURE, NOISE, config, start, dynamics=dynamics, **schedules)
        else:
            found = sg.theory.scheduled_moments(landscape, config, start, examples=SIGNS, reach=REACH, **schedules)
        return np.stack([found.mean[:, 0], found.covariance[:, 0, 0]], axis=1)

    def at(self, snapshot: int) -> int:
        """Updates of a snapshot: the last is the end, which a whole number of intervals need not reach."""
        return len(self.rates) if snapshot == SNAPSHOTS else snapshot * (len(self.rates) // SNAPSHOTS)
