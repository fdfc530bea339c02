"""The measurements of ``evidence_picks_minimum``: what is run, what is exact there, and the log ratios of its paths."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.statistics import mean
from sgdsde.theory import mean_exit_time
from validation.claim import Check
from validation.escape.occupancy import BETWEEN, LOSS, NOISE, SETTLED, SHARP, SNAPSHOTS, WIDE, Measured, simulated
from validation.evidence.wells import (
    ACROSS,
    DEPTH,
    config_for,
    evidence_preference,
    hottest,
    middle,
    noise_preference,
    update_preference,
    wells,
)


class Case(NamedTuple):
    """A run: D, P, the share of F that follows the curvature, and SGD's batch size, 0 for the SDE."""

    temperature: float
    dimension: int = 1
    aligned: float = 0.0
    batch: int = 0

    @property
    def model(self) -> str:
        """In words.

        >>> Case(0.3, 4).model, Case(0.25, aligned=0.1, batch=2).model
        ('SDE, isotropic, P = 4', 'SGD, 10 % of F follows H, B = 2')
        """
        name = "SGD" if self.batch else "SDE"
        kind = f", isotropic, P = {self.dimension}"
        if self.aligned:
            kind = ", F ∝ H" if self.aligned == 1 else f", {100 * self.aligned:g} % of F follows H"
        return name + kind + (f", B = {self.batch}" if self.batch else "")

    @property
    def label(self) -> str:
        return f"ln(p_B/p_A), {self.model}, D = {self.temperature:g}"

    @property
    def exact(self) -> float:
        """ln(p_B/p_A): the evidence where F is σ² I, else the stationary law of the SDE or of SGD's updates."""
        if self.batch:
            return update_preference(self.temperature, self.aligned, self.batch)
        if self.aligned:
            return noise_preference(self.temperature, self.aligned)
        return evidence_preference(self.temperature, self.dimension)

    @property
    def rivals(self) -> dict[str, float]:
        """The evidence, depth alone, or the evidence at twice the temperature."""
        if self.aligned:
            return {"the evidence": evidence_preference(self.temperature)}
        if self.dimension > 1:
            return {"depth alone": -DEPTH / self.temperature}
        return {"twice the temperature": evidence_preference(2 * self.temperature)}

    def at(self, temperature: float) -> Case:
        """The same at another temperature."""
        return self._replace(temperature=temperature)


Checks = dict[Case, Check]
#: Longest step where F is not constant: in one three times as long log ratios are off by 0.02.
SHORT = 0.01


def measured_preference(case: Case, paths: int, seed: int) -> Measured:
    """ln(p_B/p_A) from snapshots of paths of which half start in each minimum; paths are the sample.

    The schemes of the SDE have a stationary law of second order in the step.
    """
    config = config_for(case.temperature, case.batch)
    if case.batch:
        model, landscape = "SGD", wells(aligned=case.aligned)
    elif case.aligned:
        model, landscape = "weak_taylor_2", wells(aligned=case.aligned)
        config = config_for(case.temperature, max(1, int(SHORT * config.batch_size / config.learning_rate)))
    else:
        model, landscape = "leimkuhler_matthews", wells(case.dimension)
    ridge = middle()
    out, back = (
        mean_exit_time(_along(case, landscape), config, start, stop=stop)
        for start, stop in ((SHARP, f"x > {ridge!r}"), (WIDE, f"x < {ridge!r}"))
    )
    every = math.ceil(BETWEEN / (0.5 / out + 0.5 / back))  # from the maximum half of the paths go back
    first = math.ceil(SETTLED / BETWEEN)
    start = np.zeros((paths, case.dimension))
    start[:, 0] = np.where(np.arange(paths) % 2, SHARP, WIDE)
    run = simulated(model, landscape, config, start, (first + SNAPSHOTS - 1) * every, seed, save_every=every)
    found = mean((run.snapshots[first:, :, 0] < ridge).mean(axis=0))
    sharp, error = float(found.value), float(found.standard_error)
    return Measured(math.log((1 - sharp) / sharp), error / (sharp * (1 - sharp)))


def against_evidence(case: Case, check: Check) -> Check:
    """That paths do not choose by the evidence, even if it is taken at the temperature of the noise at A."""
    predicted = evidence_preference(hottest(case.temperature, case.aligned))
    label = f"{check.label}, as the evidence at A's own temperature has it"
    return Check(label, predicted, check.measured, check.standard_error, scale=1.0)


def _along(case: Case, landscape: sg.Landscape) -> sg.Landscape:
    """One dimension with the same marginal law of x: V + (P − 1)(D/2) ln k. It only says how long to wait."""
    if case.dimension == 1:
        return landscape
    parameters = {"depth": DEPTH, "noise": NOISE, "warm": (case.dimension - 1) * case.temperature / 2}
    return sg.Landscape(f"{LOSS} + warm*log{ACROSS}", "x", parameters, covariance="noise")
