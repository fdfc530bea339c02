"""Checks of the claim ``mnist_sde``: what two runs share and where they differ, in means over replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sgdsde.statistics import Distance, energy_distance, wasserstein1
from validation.claim import Check
from validation.mnist.cells.dynamics import squared_deviations
from validation.mnist.sde.protocol import (
    APPROXIMATIONS,
    ISOTROPIC,
    NOISELESS,
    SDE,
    SGD,
    STRONGER,
    SVAG,
    Protocol,
    Runs,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Statistic:
    """A number of a replica at a reading: what it is called, and the run that is its rival.

    Controls are what changes the number. Without noise or with isotropic noise the norm of the weights differs by a
    thousandth, and many standard errors; the largest eigenvalue without noise is now above, now below.
    """

    label: str
    control: str


STATISTICS: dict[str, Statistic] = {
    "train_loss": Statistic("training loss", NOISELESS),
    "test_accuracy": Statistic("test accuracy", NOISELESS),
    "weight_norm": Statistic("weight norm |ω|", ISOTROPIC),
    "largest_eigenvalue": Statistic("largest eigenvalue of H", NOISELESS),
    "covariance_trace": Statistic("Tr F", NOISELESS),
    "weight_spread": Statistic("spread of weights, Tr Cov(ω)", STRONGER),
    "output_spread": Statistic("spread of outputs, E|p − Ep|", ISOTROPIC),
}


@dataclass(frozen=True)
class Difference:
    """The mean of one run less that of another, by Welch's test."""

    value: float
    standard_error: float
    dof: float


def readings(run: xr.Dataset, name: str) -> Array:
    """A statistic of `STATISTICS`, (replica, reading), of the replicas that it was measured on."""
    # The root: squares of outputs, which some replicas swing far in, would need many times more replicas.
    spread = name == "output_spread"
    values = np.sqrt(squared_deviations(run["outputs"].to_numpy())) if spread else run[name].to_numpy()
    return np.asarray(values[np.isfinite(values).all(axis=1)], dtype=np.float64)


def welch(a: Array, b: Array) -> Difference:
    """The difference of the means of two independent samples (n,) and (m,), with Satterthwaite's degrees of freedom.

    >>> welch(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0]))
    Difference(value=2.0, standard_error=0.577..., dof=2.0)
    """
    left, right = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    dof = (left + right) ** 2 / (left**2 / (len(a) - 1) + right**2 / (len(b) - 1))
    return Difference(float(a.mean() - b.mean()), float(np.sqrt(left + right)), float(dof))


def small_rate_checks(runs: Runs, protocol: Protocol) -> list[Check]:
    """Every statistic of every approximation at every reading, held against SGD's at the smallest ε."""
    return [
        _check(runs, protocol, name, (dynamics, protocol.smallest), (SGD, protocol.smallest), reading)
        for name in STATISTICS
        for dynamics in APPROXIMATIONS
        for reading in range(protocol.readings)
    ]


#: Wrong noises and what shows that they are wrong, at the end.
WRONG = (
    (STRONGER, "weight_spread"), (ISOTROPIC, "weight_spread"), (ISOTROPIC, "train_loss"), (ISOTROPIC, "output_spread"),
)  # fmt: skip


def wrong_noise_checks(runs: Runs, protocol: Protocol) -> list[Check]:
    """The wrong noises at the smallest ε, which are not SGD."""
    rate = protocol.smallest
    return [_check(runs, protocol, name, (run, rate), (SGD, rate), -1) for run, name in WRONG]


def large_rate_checks(runs: Runs, protocol: Protocol) -> list[Check]:
    """At the largest ε, at the end: SVAG is where the SDE is, and SGD is elsewhere."""
    large, reference = protocol.learning_rates[-1], (SDE, protocol.smallest)
    equal = [_check(runs, protocol, name, (SVAG, large), reference, -1) for name in ("train_loss", "weight_spread")]
    return [*equal, _check(runs, protocol, "train_loss", (SGD, large), reference, -1)]


def _check(
    runs: Runs,
    protocol: Protocol,
    name: str,
    run: tuple[str, float],
    reference: tuple[str, float],
    reading: int,
) -> Check:
    statistic = STATISTICS[name]
    measured, predicted = readings(runs[run], name)[:, reading], readings(runs[reference], name)[:, reading]
    found = welch(measured, predicted)
    # At a larger ε, what SGD does there is the rival: an SVAG that were no nearer to the SDE would show it.
    control = (statistic.control, run[1]) if run[1] == protocol.smallest else (SGD, run[1])
    return Check(
        f"{statistic.label}, {run_label(protocol, *run)} against {run_label(protocol, *reference)}, "
        f"T = {protocol.times[reading]:g}",
        float(predicted.mean()),
        float(predicted.mean()) + found.value,
        found.standard_error,
        {control[0]: float(readings(runs[control], name)[:, reading].mean())},
        dof=found.dof,
    )


def dynamics_label(protocol: Protocol, name: str, rate: float) -> str:
    """A run's name, with l for SVAG."""
    return f"SVAG({protocol.svag_steps(rate)})" if name == SVAG else name


def run_label(protocol: Protocol, name: str, rate: float) -> str:
    """The same, with ε where it is not the smallest."""
    label = dynamics_label(protocol, name, rate)
    return label if rate == protocol.smallest else f"{label} at ε = {rate:g}"


def distances_from_sde(runs: Runs, protocol: Protocol, name: str, seed: int) -> list[tuple[Distance, Distance]]:
    """For a dynamics at every ε, at the end: W1 of the training losses, and the energy distance of the outputs."""
    reference, found = runs[SDE, protocol.smallest].isel(reading=-1), []
    for rate in protocol.learning_rates:
        run = runs[name, rate].isel(reading=-1)
        loss = wasserstein1(run["train_loss"].to_numpy(), reference["train_loss"].to_numpy(), seed=seed)
        found.append((loss, energy_distance(run["outputs"].to_numpy(), reference["outputs"].to_numpy(), seed=seed)))
    return found
