"""Bowls whose F is turned against H, and how SGD and its SDE circulate in them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import sgdsde as sg

CURVATURES, NOISES, BATCH, N = (1.0, 4.0), (2.0, 0.5), 4, 64
#: The angle at which F and H are furthest from commuting.
WIDEST = math.pi / 4


class Case(NamedTuple):
    """What goes round: the SDE or SGD at a learning rate, a momentum, a sampling, and the angle of F against H."""

    dynamics: str
    rate: float
    angle: float = WIDEST
    momentum: float = 0.0
    sampling: str = "without_replacement"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.rate, BATCH, N, self.momentum, self.sampling)

    @property
    def landscape(self) -> sg.Landscape:
        (h1, h2), (f1, f2) = CURVATURES, NOISES
        return sg.landscapes.quadratic_2d(h1=h1, h2=h2, f1=f1, f2=f2, angle=self.angle)

    def law(self, dynamics: str, lag: int) -> float:
        """The circulation from y to x, of that dynamics with fresh batches where it is the SDE's."""
        config = self.config if dynamics == "sgd" else replace(self.config, sampling="without_replacement")
        h, f = (of([0.0, 0.0]) for of in (self.landscape.hessian, self.landscape.noise_covariance))
        return float(sg.theory.circulation(h, f, config, dynamics, lag)[1, 0])

    @property
    def exact(self) -> float:
        """From an update, or a step of the SDE, to the next."""
        return self.law(self.dynamics, 1)

    def __str__(self) -> str:
        kind = "" if self.dynamics == "sde" else f", ε = {self.rate:g}, m = {self.momentum:g}"
        mixed = ", reshuffled" if self.sampling == "reshuffle" else ""
        return f"{self.dynamics.upper()}{kind}{mixed}, angle {self.angle / math.pi:g} π"
