"""At equal g, is the escape time equal? For three ways to draw batches, and with momentum."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

import sgdsde as sg
from sgdsde.exits import CensoredWarning
from sgdsde.plotting import Line, Series, against_theory, survival_curves
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.claims.escape_time import sgd_time
from validation.context import Context
from validation.measure import whole
from validation.sizes import plans

LOSS, START, END = "x**4/4 - x**2/2", -1.0, 1.0
#: T F/2, a third of the barrier of 1/4, whatever the batches and the momentum.
NOISE = 0.25 / 3
RATE, BATCH, N = 0.02, 8, 512
#: ε/(1 − m) of the runs with momentum: one at which it does not matter, and one at which it does.
SMALL, LARGE = 0.005, 0.02
FRESH = ("without_replacement", "with_replacement")
#: The rival: g larger by this.
OFF, TOO_NOISY = 1.1, "g larger by 10 %"
#: Fractions that have left are compared after so many of the SDE's mean times.
AFTER = 2.0
LONG_ENOUGH = 45


@dataclass(frozen=True)
class Size:
    """Paths, momenta, and examples in an epoch of the reshuffled runs."""

    paths: int
    momenta: tuple[float, ...]
    examples: tuple[int, ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(len(FRESH) + len(self.momenta) + 1 + len(self.examples), seconds, self)


@claim(
    title="At equal g fresh batches and momentum escape alike; reshuffled batches hardly escape",
    statement=(
        "Drawn with or without replacement, batches of equal g leave a minimum in the same time. With momentum they "
        "do so too, in the clock of updates × ε/(1 − m), as long as ε/(1 − m)² is small against the inverse curvature "
        "of the barrier; else they stay longer, by Kramers' factor of the friction. With one permutation an epoch the "
        "noise of an epoch cancels, and little of it is left over the time that a climb takes: at the same g almost "
        "no path escapes, unless an epoch is much longer than the relaxation in the well."
    ),
    formula="τ(m)/τ(0) = ε/(1 − m) · |h_s|/ln μ,    μ² − (1 + m + ε|h_s|)μ + m = 0, h_s the curvature of the barrier",
    source="g: Smith & Le, arXiv 1710.06451, eqs 4–6; Kramers, Physica 7 (1940) 284, for the map of heavy ball",
    plans=plans("escape_sampling", Size),
)
def escape_sampling(context: Context) -> Finding:
    size: Size = context.size
    parts = len(FRESH) + len(size.momenta) + 1 + len(size.examples)
    checks: dict[tuple[str, Any], Check] = {}
    shown: dict[str, sg.Ensemble] = {}

    def count() -> None:
        context.progress((len(checks) + 1) / parts)

    for sampling in FRESH:
        config = sg.SGDConfig(RATE, BATCH, N, sampling=sampling)
        run, wrong = _run(context, config, LONG_ENOUGH), sgd_time(config, OFF * NOISE)
        checks["fresh", sampling] = _time_check(
            f"mean exit time, {sampling.replace('_', ' ')}", sgd_time(config, NOISE), run, RATE, {TOO_NOISY: wrong}
        )
        shown[f"fresh batches, {sampling.replace('_', ' ')}"] = run
        count()
    fresh = run  # the last one
    for momentum in size.momenta:
        checks["momentum", momentum] = _momentum_check(context, momentum, SMALL)
        count()
    checks["strong", size.momenta[-1]] = _momentum_check(context, size.momenta[-1], LARGE)
    count()
    for examples in size.examples:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CensoredWarning)  # that none leaves is what is to be seen
            run = _run(context, sg.SGDConfig(RATE, BATCH, examples, sampling="reshuffle"), AFTER)
        checks["reshuffle", examples] = _fraction_check(examples, run, fresh)
        shown[f"reshuffled, εN/B = {RATE * examples / BATCH:.3g}"] = run
        count()
    return Finding(
        tuple(checks.values()),
        headline=checks["fresh", "without_replacement"].label,
        pictures=(_survival(shown), _momentum_picture(checks, size)),
        method=(
            f"L = ω⁴/4 − ω²/2, F constant, TF/2 a third of the barrier in every run; from ω = {START:g} "
            f"until ω > {END:g}; {size.paths:,} independent paths each. Fresh batches: ε = {RATE:g}, B = {BATCH}, "
            f"N = {N}, against SGD's own mean exit time, the solution of an integral equation, which is within 0.2% of "
            f"the SDE's. Momentum: ε/(1 − m) = {SMALL:g} and, for the rejection, {LARGE:g}; B = 1, with replacement. "
            f"Reshuffled: ε = {RATE:g}, B = {BATCH}; the fraction of paths that have left after {AFTER:g} of the SDE's "
            "mean exit times, against that of fresh batches. Examples are the quantiles of a normal law at (i − ½)/N, "
            "because the skewness of a drawn table would show. The SDE knows g only, and says that all are equal."
        ),
        notes=tuple(
            f"{checks['reshuffle', examples].measured:.4f} of paths have left after {AFTER:g} mean exit times when an "
            f"epoch is εN/B = {RATE * examples / BATCH:.3g} long, {checks['reshuffle', examples].predicted:.4f} with "
            "fresh batches."
            for examples in size.examples
        ),
    )


def _exact(off: float = 1.0) -> float:
    """The SDE's mean exit time, in its own clock."""
    return sg.theory.mean_exit_time(sg.Landscape(LOSS, "x", covariance=2.0), off * NOISE, START, right=END)


def _run(context: Context, config: sg.SGDConfig, times: float) -> sg.Ensemble:
    """For so many mean exit times of the SDE."""
    landscape = sg.Landscape(LOSS, "x", {"f": 2 * NOISE / config.temperature}, covariance="f")
    updates = math.ceil(times * _exact() / config.mean_loss_time_per_update)
    seed = context.seed(config.sampling, config.momentum, config.learning_rate, config.n_examples)
    table = ndtri((np.arange(config.n_examples) + 0.5) / config.n_examples)[:, None]
    return whole(
        sg.simulate_sgd(
            landscape, config, START, updates, context.size.paths, examples=table, stop=f"x > {END}", seed=seed
        )
    )


def _time_check(label: str, predicted: float, run: sg.Ensemble, unit: float, rivals: Mapping[str, float]) -> Check:
    assert run.exits is not None
    found = run.exits.mean_time(method="sample_mean")
    return Check(label, predicted, unit * found.mean, unit * found.standard_error, rivals)


def friction_factor(momentum: float, rate: float, curvature: float = 1.0) -> float:
    """τ(m)/τ(SDE) from the growth of heavy ball's map at a barrier: ε/(1 − m)·|h_s|/ln μ.

    >>> round(friction_factor(0.0, 1e-4), 4), round(friction_factor(0.9, 0.002), 3)
    (1.0, 1.163)
    """
    config = sg.SGDConfig(rate, 1, N, momentum)
    return sg.theory.relaxation_time(-curvature, config) / sg.theory.relaxation_time(-curvature, config, "sde")


def _momentum_check(context: Context, momentum: float, unit: float) -> Check:
    """At the smaller unit against Kramers' factor; at the larger the overdamped time is rejected."""
    config = sg.SGDConfig(unit * (1 - momentum), 1, N, momentum=momentum, sampling="with_replacement")
    run, exact = _run(context, config, LONG_ENOUGH), _exact()
    where = f"m = {momentum:g}, ε/(1 − m) = {unit:g}"
    if unit == LARGE:
        return _time_check(f"it is the SDE's, {where}", exact, run, unit, {})
    factor = friction_factor(momentum, config.learning_rate)
    return _time_check(f"mean exit time, {where}", exact * factor, run, unit, {TOO_NOISY: _exact(OFF) * factor})


def _fraction_check(examples: int, run: sg.Ensemble, fresh: sg.Ensemble) -> Check:
    """The fraction of paths that left by the end of the shorter run; to none one is added, lest the error be zero."""
    assert run.exits is not None
    assert fresh.exits is not None
    left, predicted = run.exits.ended.mean(), (fresh.exits.update <= run.updates).mean()
    kept = np.clip(left, 1 / run.paths, 1 - 1 / run.paths)
    error = math.sqrt((kept * (1 - kept) + predicted * (1 - predicted)) / run.paths)
    label = f"as many have left as with fresh batches, reshuffled, εN/B = {RATE * examples / BATCH:.3g}"
    return Check(label, predicted, left, error)


def _survival(shown: dict[str, sg.Ensemble]) -> Picture:
    figure = survival_curves(shown, {"SDE: exponential, exact mean": _exact() / RATE})
    caption = (
        f"Paths that are still inside against updates, at one ε = {RATE:g}, one B = {BATCH} and one g. Fresh batches "
        "follow the SDE; reshuffled ones leave later the shorter their epoch εN/B is. Bands hold 95% at each time."
    )
    alt = "Two falling straight lines for fresh batches lie on the SDE's; reshuffled batches stay near the top."
    return Picture("survival", caption, alt, figure)


def _momentum_picture(checks: dict[tuple[str, Any], Check], size: Size) -> Picture:
    exact = _exact()
    fine = np.linspace(0, 0.96, 60)
    series = []
    for kind, unit, momenta in (("momentum", SMALL, size.momenta), ("strong", LARGE, size.momenta[-1:])):
        found = [checks[kind, momentum] for momentum in momenta]
        law = [friction_factor(momentum, unit * (1 - momentum)) for momentum in fine]
        series.append(
            Series(
                f"ε/(1 − m) = {unit:g}",
                momenta,
                [check.measured / exact for check in found],
                [check.standard_error / exact for check in found],
                [friction_factor(momentum, unit * (1 - momentum)) for momentum in momenta],
                fine,
                law,
            )
        )
    figure = against_theory(
        series, "momentum m", "mean exit time / SDE's", [Line("SDE: only g counts", [0, 0.96], [1, 1])],
        x_scale="linear", y_scale="linear", ratio="measured / Kramers’ factor",
    )  # fmt: skip
    caption = (
        "Mean exit time with momentum, in the clock updates × ε/(1 − m) and in units of the SDE's, at one g. Lines are "
        "Kramers' factor of the friction for the map of heavy ball, which holds for high barriers: this one is three "
        "times the noise. Bars are one standard error."
    )
    alt = "At the small step all points are within five per cent of one; at the large step the time grows with m."
    return Picture("momentum", caption, alt, figure)
