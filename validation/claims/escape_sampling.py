"""At equal g, is the escape time equal? For three ways to draw batches, and with momentum."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

import sgdsde as sg
from sgdsde.exits import CensoredWarning
from sgdsde.plotting import Figure, Line, Series, against_theory, survival_curves
from sgdsde.statistics import Estimate
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import normal_quantiles, well_at
from validation.escape.momentum_laws import (
    END,
    NOISE,
    START,
    N,
    friction_factor,
    sde_time,
    updates_time,
    with_momentum,
)
from validation.measure import exit_time, exits_of, series

RATE, BATCH = 0.02, 8
#: ε/(1 − m) of the runs with momentum: one at which it matters little, and one at which it does.
SMALL, LARGE = 0.005, 0.02
#: The rivals: g larger by this, and the SDE's time where friction is felt.
OFF, TOO_NOISY, ALIKE = 1.1, "g larger by 10 %", "only g counts"
#: SGD's time is held against the SDE's too where by its own law it is so near.
NEAR = 0.025
#: Fractions that have left are compared after so many of the SDE's mean times.
AFTER, LONG_ENOUGH = 2.0, 45


@dataclass(frozen=True)
class Size:
    """Paths of fresh batches, with momentum, with strong momentum and reshuffled; momenta; examples in an epoch."""

    paths: int
    heavy: int
    strong: int
    reshuffled: int
    momenta: tuple[float, ...]
    examples: tuple[int, ...]


@claim(Size)
def escape_sampling(context: Context) -> Found:
    size: Size = context.size
    shown: dict[str, sg.Ensemble] = {}
    for sampling in ("without_replacement", "with_replacement"):
        name = sampling.replace("_", " ")
        config = sg.SGDConfig(RATE, BATCH, N, sampling=sampling)
        shown[f"fresh batches, {name}"] = run = _run(context, config, size.paths)
        yield from _times(name, config, run)
    fresh, strong = run, size.momenta[-1]  # the last one
    found: dict[tuple[float, float], Check] = {}
    for momentum, unit, paths in [*((m, SMALL, size.heavy) for m in size.momenta), (strong, LARGE, size.strong)]:
        config, name = with_momentum(momentum, unit), f"m = {momentum:g}, ε/(1 − m) = {unit:g}"
        felt = {} if unit == SMALL else {ALIKE: sde_time()}
        made = list(_times(name, config, _run(context, config, paths), felt))
        found[momentum, unit] = made[0]
        yield from made
    yield from _strong(strong, found[strong, LARGE])
    for examples in size.examples:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CensoredWarning)  # that none leaves is what is to be seen
            config = sg.SGDConfig(RATE, BATCH, examples, sampling="reshuffle")
            run = shown[f"reshuffled, {_epoch(examples)}"] = _run(context, config, size.reshuffled, AFTER)
        check = _fraction(examples, run, fresh)
        yield check
        told = f"{check.measured:.4f} of paths have left after {AFTER:g} mean exit times when an epoch is "
        yield Told(notes=(f"{told}{_epoch(examples)} long, {check.predicted:.4f} with fresh batches.",))
    last, exact = found[strong, LARGE], sde_time()
    ratios = {"seen": last.measured, "seen_error": last.standard_error, "own": last.predicted}
    yield Told({name: value / exact for name, value in ratios.items()})
    yield Told({"last": strong, "friction": friction_factor(strong, LARGE)})
    expected = {"SDE: exponential, exact mean": exact / RATE}
    yield Drawing("survival", survival_curves(shown, expected, until=run.updates))
    yield Drawing("momentum", _momentum_figure(found))


def _epoch(examples: int) -> str:
    return f"εN/B = {RATE * examples / BATCH:.3g}"


def _run(context: Context, config: sg.SGDConfig, paths: int, times: float = LONG_ENOUGH) -> sg.Ensemble:
    """For so many mean exit times of the SDE."""
    updates = math.ceil(times * sde_time() / config.mean_loss_time_per_update)
    seed = context.seed(config.sampling, config.momentum, config.learning_rate, config.n_examples)
    return sg.simulate_sgd(
        well_at(NOISE, config), config, START, updates, paths, examples=normal_quantiles(config.n_examples),
        stop=f"x > {END}", seed=seed,
    )  # fmt: skip


def _times(
    name: str, config: sg.SGDConfig, run: sg.Ensemble, rivals: Mapping[str, float] | None = None
) -> Iterator[Check]:
    """Against SGD's own law; and the SDE's, where that law is near it."""
    exact = sde_time()
    found, law = exit_time(run, config.mean_loss_time_per_update), updates_time(config)
    yield Check.of(f"mean exit time, {name}", law, found, {TOO_NOISY: updates_time(config, OFF), **(rivals or {})})
    if abs(law / exact - 1) < NEAR:
        yield Check.of(f"leaves when the SDE says, {name}", exact, found, {TOO_NOISY: sde_time(OFF)})


def _strong(momentum: float, check: Check) -> Iterator[Check]:
    """Where friction is felt: it is not the SDE's time, nor Kramers' factor of it, which holds for high barriers."""
    where, exact = f"m = {momentum:g}, ε/(1 − m) = {LARGE:g}", sde_time()
    found = Estimate(check.measured, check.standard_error)
    yield Check.of(f"it is the SDE's, {where}", exact, found, {})
    more = Estimate(check.measured - exact, check.standard_error)
    label = f"what momentum adds to the SDE's time is Kramers', {where}"
    yield Check.of(label, exact * (friction_factor(momentum, LARGE) - 1), more, {})


def _fraction(examples: int, run: sg.Ensemble, fresh: sg.Ensemble) -> Check:
    """The fraction of paths that left by the end of the shorter run; to none one is added, lest the error be zero."""
    left, predicted = exits_of(run).ended.mean(), (exits_of(fresh).update <= run.updates).mean()
    kept = np.clip(left, 1 / run.paths, 1 - 1 / run.paths)
    error = math.sqrt(kept * (1 - kept) / run.paths + predicted * (1 - predicted) / fresh.paths)
    return Check(f"as many have left as with fresh batches, reshuffled, {_epoch(examples)}", predicted, left, error)


def _momentum_figure(found: dict[tuple[float, float], Check]) -> Figure:
    lines: list[Series] = []
    limits: list[Line] = []
    fine = np.linspace(0, 0.96, 60)
    for unit in (SMALL, LARGE):
        own = {momentum: check for (momentum, each), check in found.items() if each == unit}
        drawn = sorted({0.0, *own} if unit == SMALL else {0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, *own})
        felt = [updates_time(with_momentum(m, unit)) / sde_time() / friction_factor(m, unit) for m in drawn]
        line = fine[fine <= drawn[-1]]  # between them, what is left of Kramers' factor is smooth
        law = PchipInterpolator(drawn, felt)(line) * [friction_factor(m, unit) for m in line]
        lines.append(series(f"ε/(1 − m) = {unit:g}", list(own), list(own.values()), line, law, sde_time()))
        factors = [friction_factor(momentum, unit) for momentum in fine]
        limits.append(Line(f"Kramers’ factor, ε/(1 − m) = {unit:g}", fine, factors))
    return against_theory(
        lines, "momentum m", "mean exit time / SDE’s", [*limits, Line("SDE: only g counts", [0, 0.96], [1, 1])],
        x_scale="linear", y_scale="linear", ratio="measured / exact", columns=2,
    )  # fmt: skip
