"""Where theory fails: one permutation per epoch, as practitioners run SGD, has much less noise than Brownian motion."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check, series, whole

CURVATURE = 1.0
INDEPENDENT = "batches of an epoch independent"
#: A case is worth rejecting the SDE in when it is off by more than this.
FAILURE = 0.1


class Case(NamedTuple):
    """Sizes of one simulation; ``length`` is εhN/B, an epoch on the scale of the curvature without momentum."""

    length: float
    batch: int
    examples: int
    momentum: float

    def config(self, sampling: str = "reshuffle") -> sg.SGDConfig:
        rate = self.length * self.batch / self.examples / CURVATURE
        return sg.SGDConfig(rate, self.batch, self.examples, momentum=self.momentum, sampling=sampling)

    @property
    def noise(self) -> float:
        """F when the examples' gradients have the population variance 1."""
        return self.examples / (self.examples - 1)

    def law(self, sampling: str = "reshuffle", dynamics: str = "sgd", position: str = "average") -> float:
        """The stationary variance."""
        law, config = sg.theory.stationary_covariance, self.config(sampling)
        options = {"dynamics": dynamics, "position": position, "driver": "brownian"}
        return float(law(CURVATURE, self.noise, config, **options)[0, 0])

    @property
    def over(self) -> float:
        """The exact factor by which the SDE's variance exceeds that of SGD with reshuffling."""
        return self.law(dynamics="sde") / self.law()

    def __str__(self) -> str:
        rate = self.config().learning_rate
        return f"εhN/B = {self.length:g}: ε = {rate:.3g}, B = {self.batch}, N = {self.examples}, m = {self.momentum:g}"


Checks = dict[Case, dict[str, Check]]


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    cases: tuple[Case, ...]


@claim(Size)
def reshuffling(context: Context) -> Found:
    checks: Checks = {}
    for case in context.size.cases:
        checks[case] = dict(_measure(context, case))
        yield from checks[case].values()
    yield Told({"h": CURVATURE})
    yield Drawing("epoch", _figure(checks))


def _measure(context: Context, case: Case) -> Iterator[tuple[str, Check]]:
    bowl = sg.landscapes.quadratic(h=CURVATURE, f=case.noise)
    config, epoch = case.config(), case.examples // case.batch
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
    settled = epoch * math.ceil(8 * decay / epoch)
    whole_epochs = settled + epoch * math.ceil(2 * decay / epoch)
    runs = {
        "average": (config, whole_epochs, settled),
        "end": (config, settled, settled - 1),
        "fresh": (case.config("without_replacement"), whole_epochs, settled),
    }
    average, end, fresh = (
        whole(
            sg.simulate_sgd(
                bowl, of, [0.0], updates, context.size.paths, seed=context.seed(name, *case), burn_in=burn_in
            )
        )
        for name, (of, updates, burn_in) in runs.items()
    )
    sde, independent = case.law(dynamics="sde"), case.law("without_replacement")
    variance, error = float(average.covariance[0, 0]), float(average.standard_error.covariance[0, 0])
    factor = sde / variance, sde / variance * error / variance
    yield "average", Check(f"SDE ÷ SGD, {case}", case.over, *factor, {INDEPENDENT: sde / independent})
    at_ends = case.law(position="epoch_end")
    yield "end", covariance_check(f"Var at epoch ends, {case}", end, at_ends, {INDEPENDENT: independent})
    yield "fresh", covariance_check(f"Var with fresh batches, {case}", fresh, independent, {})
    if abs(case.over - 1) > FAILURE:
        yield "sde", Check(f"the SDE's own claim, SDE ÷ SGD = 1, {case}", 1.0, *factor)


def _figure(checks: Checks) -> sg.plotting.Figure:
    """Variance in units of the SDE's, against the length of an epoch on the scale of the curvature."""
    shown = []
    for sizes in dict.fromkeys(case[1:] for case in checks):
        cases = [case for case in checks if case[1:] == sizes]
        lengths = np.array([case.length for case in cases])
        fine = [Case(float(length), *sizes) for length in np.geomspace(lengths.min(), lengths.max(), 60)]
        at = [case.length for case in fine]
        batch, examples, m = sizes
        label = f"reshuffled, B = {batch}, N = {examples}, m = {m:g}"
        found = [checks[case]["average"] for case in cases]
        factor, error, predicted = np.array([(c.measured, c.standard_error, c.predicted) for c in found]).T
        line = [1 / case.over for case in fine]
        shown.append(Series(label, lengths, 1 / factor, error / factor**2, 1 / predicted, at, line))
        if m == 0:
            fresh, sde = [checks[case]["fresh"] for case in cases], [case.law(dynamics="sde") for case in cases]
            line = [1 / (1 - case.config().learning_rate * CURVATURE / 2) for case in fine]
            shown.append(series(f"fresh batches, B = {batch}, N = {examples}", lengths, fresh, at, line, unit=sde))
    ends = [min(np.min(item.x) for item in shown), max(np.max(item.x) for item in shown)]
    x, y = "εhN/B   (an epoch on the scale of the curvature, without momentum)", "Var ω / Var of the SDE"
    return against_theory(shown, x, y, [Line("SDE", ends, [1.0, 1.0])], ratio="measured / exact law", columns=2)
