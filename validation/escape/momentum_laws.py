"""Exact exit times at one noise scale, with momentum or without, for the claim ``escape_sampling``."""

from __future__ import annotations

import functools

import sgdsde as sg
from sgdsde.theory import mean_exit_time, relaxation_time, sgd_exit_time
from validation.escape import well_at

START, END = -1.0, 1.0
#: T F/2, a third of the barrier of 1/4, whatever the batches and the momentum.
NOISE = 0.25 / 3
N = 512


def with_momentum(momentum: float, unit: float) -> sg.SGDConfig:
    """Single examples with an update of time ε/(1 − m) = `unit`."""
    return sg.SGDConfig(unit * (1 - momentum), 1, N, momentum=momentum, sampling="with_replacement")


def sde_time(off: float = 1.0) -> float:
    """The SDE's mean exit time, in its own clock."""
    return mean_exit_time(sg.landscapes.double_well(f=2.0), off * NOISE, START, right=END)


@functools.cache
def updates_time(config: sg.SGDConfig, off: float = 1.0) -> float:
    """The same of SGD's updates with fresh batches, taken as normal."""
    return config.mean_loss_time_per_update * sgd_exit_time(well_at(off * NOISE, config), config, START, right=END)


def friction_factor(momentum: float, unit: float) -> float:
    """Kramers' τ(m)/τ(SDE), from the growth of heavy ball's map at a barrier of curvature −1: ε/(1 − m)/ln μ.

    >>> round(friction_factor(0.0, 1e-4), 4), round(friction_factor(0.9, 0.02), 3)
    (1.0, 1.163)
    """
    config = with_momentum(momentum, unit)
    return relaxation_time(-1.0, config) / relaxation_time(-1.0, config, "sde")
