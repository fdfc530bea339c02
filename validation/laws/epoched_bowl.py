"""Bowls in which reshuffled SGD and its SDEs spread, and their exact laws: for the claim ``reshuffling_repaired``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import sgdsde as sg
from sgdsde.statistics import Estimate
from sgdsde.theory import repeated_bridge_variance, stationary_variance
from validation.check import Check
from validation.context import Context
from validation.measure import whole

#: Where the one T of Brownian motion is fitted, and the engines that are held against numba.
FITTED_AT, ENGINES = 1.0, ("numpy", "torch")
SAME_T, FITTED_T, RENEWED = "Brownian motion", "Brownian motion, T fitted", "new bridges"
H, F, B = 1.0, 1.0, 4


class Case(NamedTuple):
    """A bowl: ``length`` is εhN/B, an epoch on the scale of the curvature without momentum, ``batches`` is N/B."""

    length: float
    batches: int
    momentum: float = 0.0
    sampling: str = "reshuffle"

    @property
    def config(self) -> sg.SGDConfig:
        return sg.SGDConfig(self.length / self.batches / H, B, B * self.batches, self.momentum, self.sampling)

    @property
    def dynamics(self) -> str:
        return "momentum_sde" if self.momentum else "sde"

    def law(self, dynamics: str, driver: str | None = None) -> float:
        """The exact stationary variance."""
        return float(stationary_variance(H, F, self.config, dynamics, driver=driver))

    def in_long_epochs(self, dynamics: str) -> float:
        """The variance over that of long epochs, TF/(2h) with T = ε/(B(1 − m))."""
        return self.law(dynamics) / (sg.drivers.temperature(self.config, "epoched") * F / (2 * H))

    def over(self, driver: str) -> float:
        """Variance of the SDE over that of SGD, by the exact laws."""
        return self.law(self.dynamics, driver) / self.law("sgd")

    def fitted(self) -> float:
        """That of Brownian motion at the T that is right at one length."""
        return self.over("brownian") / self._replace(length=FITTED_AT, batches=max(self.batches, 8)).over("brownian")

    def updates(self) -> tuple[int, int]:
        """How long a run and its burn-in are: whole epochs."""
        decay = sg.theory.relaxation_time(H, self.config, "slower") / 2
        settled = self.batches * math.ceil(8 * decay / self.batches)
        return settled + self.batches * math.ceil(2 * decay / self.batches), settled

    def __str__(self) -> str:
        return f"εhN/B = {self.length:g}, N/B = {self.batches}, m = {self.momentum:g}"


def variance(context: Context, case: Case, paths: int, **options: Any) -> Estimate:
    """Stationary variance of the SDE, over the exact one of SGD."""
    updates, settled = case.updates()
    bowl, scheme = sg.landscapes.quadratic(h=H, f=F), "baoab" if case.momentum else "heun"
    run = sg.simulate_sde(
        bowl, case.config, [0.0], updates, paths, scheme=scheme, substeps=_substeps(case), burn_in=settled,
        seed=context.seed("bowl", *case[:3]), **options,
    )  # fmt: skip
    value, error = whole(run).covariance[0, 0], run.standard_error.covariance[0, 0]
    return Estimate(float(value) / case.law("sgd"), float(error) / case.law("sgd"))


def _substeps(case: Case) -> int:
    """Heun's steps are at most 1/40 of a relaxation long, BAOAB's, in its own clock, 1/10."""
    step = case.config.learning_rate * H
    return math.ceil(math.sqrt(step) * 10 if case.momentum else step * 40)


def variance_checks(case: Case, found: Estimate) -> Iterator[Check]:
    rate, share = case.config.learning_rate * H, 1 / case.batches
    brownian, fitted = case.over("brownian"), case.fitted()
    units = {"εh": rate} | ({"(εh + B/N)": rate + share} if case.momentum else {})
    for name, unit in units.items():
        rivals = {SAME_T: (brownian - 1) / unit, FITTED_T: (fitted - 1) / unit}
        deviation = Estimate((found.value - 1) / unit, found.standard_error / unit)
        yield Check.of(f"(SDE ÷ SGD − 1) / {name}, {case}", 0.0, deviation, rivals, scale=1.0)


def engines(context: Context, case: Case) -> Iterator[Check]:
    """The same paths by every engine."""
    one, *others = (float(variance(context, case, 64, engine=engine).value) for engine in ("numba", *ENGINES))
    for engine, other in zip(ENGINES, others, strict=True):
        yield Check(f"variance of the SDE by {engine} ÷ by numba, {case}", 1.0, other / one, 0.0, rounding=1e-9)


def once(context: Context, case: Case, paths: int) -> Check:
    """SGD with one permutation for all epochs, against the law of one bridge for all."""
    updates, settled = case.updates()
    bowl, seed = sg.landscapes.quadratic(h=H, f=F), context.seed("once", *case[:3])
    run = sg.simulate_sgd(bowl, case.config, [0.0], updates, paths, burn_in=settled, seed=seed)
    # A path is on an orbit of its own, about which nothing but many paths says anything.
    squares = whole(run).path_covariance[:, 0, 0] + run.path_mean[:, 0] ** 2
    law, rate = float(repeated_bridge_variance(H, F, case.config)), case.config.learning_rate * H
    ratio = law / squares.mean()
    found = Estimate((ratio - 1) / rate, ratio * squares.std(ddof=1) / math.sqrt(paths) / squares.mean() / rate)
    new = case._replace(sampling="reshuffle")
    others = {RENEWED: new.law("sde"), SAME_T: new.law("sde", "brownian")}
    rivals = {name: (other / law - 1) / rate for name, other in others.items()}
    label = f"(one bridge ÷ SGD with one permutation for all epochs − 1) / εh, {case}"
    return Check.of(label, 0.0, found, rivals, scale=1.0)
