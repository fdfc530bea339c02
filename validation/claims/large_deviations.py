"""How rare escapes are as ε → 0 at a fixed batch size: the law of the examples decides, and not F alone.

Azizian, Iutzeler, Malick & Mertikopoulos (arXiv 2406.09241): the energy levels of SGD are "determined by the problem's
objective and the statistics of the noise", its temperature is the learning rate. The exponent of an exit time is the
least action of Cramér's functional, for which the SDE puts a quadratic one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.exits import CensoredWarning
from sgdsde.plotting import Figure, Line, Series, against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.laws import large_deviations as laws
from validation.laws.large_deviations import BEYOND, NAMES, SADDLE, START, WEAK, WELL, Array, Case
from validation.measure import exits_of, series

HEAVY, POINTS = "student_t:3", 3
SDE, KRAMERS = "the SDE", "Kramers with the F of the minimum"
#: Of signs that cannot climb: ε, paths and updates.
HELD = (0.4, 1000, 20_000)


@dataclass(frozen=True)
class Size:
    """Trials and repetitions of each splitting, cases, how many examples of heavy tails, and (ε, paths, updates)."""

    trials: int
    repetitions: int
    cases: tuple[tuple[str, int, float, float, float], ...]
    heavy: int
    jumps: tuple[tuple[float, int, int], ...]


@claim(Size)
def large_deviations(context: Context) -> Found:
    size: Size = context.size
    straight = {SDE: laws.action(), KRAMERS: laws.kramers()}
    shown: dict[Case, tuple[Series, Check]] = {}
    for case in (Case(*each) for each in size.cases):
        shown[case] = _exponent(context, case, straight)
        yield shown[case][1]
    signs = next(check for case, (_, check) in shown.items() if case.examples == "rademacher")
    yield Check(f"exponent is the SDE's, {NAMES['rademacher']}", straight[SDE], signs.measured, signs.standard_error)
    yield Check("1/S, signs below the slope", 0.0, 1 / laws.action(laws.quantiles("rademacher"), WEAK), 0.0)
    yield _held(context)
    checks, alone = _jumps(context)
    yield from checks
    yield alone
    yield Told({"n": laws.N, "points": POINTS, "held": HELD[0], "weak": float(WEAK.noise_covariance([0.0])[0, 0])})
    yield Drawing("exponents", _figure(shown, straight))
    yield Drawing("jumps", _jump_figure(size, checks))


def _exponent(context: Context, case: Case, straight: dict[str, float]) -> tuple[Series, Check]:
    """Slope of ln τ, in the SDE's time, against B(1 − m)/ε."""
    size: Size = context.size
    table = laws.quantiles(case.examples)
    predicted = laws.action(table)
    inverse = np.linspace(case.least, case.most, POINTS) / predicted
    logs, errors = np.empty(POINTS), np.empty(POINTS)
    for i, each in enumerate(inverse):
        config = case.config(float(each))
        found = sg.rare_exit_time(
            WELL, config, START, SADDLE, dynamics="sgd", examples=table, trials=size.trials,
            repetitions=size.repetitions, seed=context.seed("exit", *case, i),
        )  # fmt: skip
        logs[i], errors[i] = np.log(found.mean * config.mean_loss_time_per_update), found.standard_error / found.mean
    slope, error, _ = laws.line(inverse, logs, errors)
    check = Check(f"exponent, {case}", predicted, slope, error, straight)
    weights = errors**-2 / (errors**-2).sum()
    fine = np.linspace(inverse[0], inverse[-1], 2)
    at = {id(x): np.exp(weights @ logs + predicted * (x - weights @ inverse)) for x in (inverse, fine)}
    times = np.exp(logs)
    return Series(str(case), inverse, times, times * errors, at[id(inverse)], fine, at[id(fine)]), check


def _held(context: Context) -> Check:
    """Share of the paths that are out, with signs shorter than the steepest slope."""
    rate, paths, updates = HELD
    config = Case("rademacher").config(1 / rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CensoredWarning)  # that none leaves is what is to be seen
        run = sg.simulate_sgd(
            WEAK, config, START, updates, paths, examples=laws.quantiles("rademacher"), stop=SADDLE,
            seed=context.seed("held"),
        )  # fmt: skip
    share = float(exits_of(run).ended.mean())
    out = 1 - np.exp(-updates / sg.theory.mean_exit_time(WEAK, config, START, stop=SADDLE))
    error = max((share * (1 - share) / paths) ** 0.5, 1 / paths)
    return Check("share of paths out, signs below the slope", 0.0, share, error, {SDE: float(out)}, scale=float(out))


def _jumps(context: Context) -> tuple[list[Check], Check]:
    """Exit times of examples from Student's t, and the power of 1/ε with which they grow."""
    size: Size = context.size
    table = laws.quantiles(HEAVY, size.heavy)
    checks: list[Check] = []
    logs: list[float] = []
    errors: list[float] = []
    exact: dict[str, list[float]] = {"one jump": [], SDE: []}
    for rate, paths, updates in size.jumps:
        config = Case(HEAVY).config(1 / rate, size.heavy)
        run = sg.simulate_sgd(
            WELL, config, START, updates, paths, examples=table, stop=BEYOND, seed=context.seed("jump", rate)
        )
        found = exits_of(run).mean_time()
        logs.append(np.log(found.mean))
        errors.append(found.standard_error / found.mean)
        times = laws.one_jump(rate, table), sg.theory.mean_exit_time(WELL, config, START, stop=BEYOND)
        for name, time in zip(exact, times, strict=True):
            exact[name].append(np.log(time))
        label = f"ln updates to the exit, {NAMES[HEAVY]}, ε = {rate:g}"
        checks.append(Check(label, exact["one jump"][-1], logs[-1], errors[-1], {SDE: exact[SDE][-1]}, scale=1.0))
    x, known = -np.log([rate for rate, *_ in size.jumps]), np.array(errors)
    slope, error, _ = laws.line(x, np.array(logs), known)
    predicted, other = (laws.line(x, np.array(exact[name]), known)[0] for name in exact)
    return checks, Check(f"power of 1/ε, {NAMES[HEAVY]}", predicted, slope, error, {SDE: other})


def _figure(shown: dict[Case, tuple[Series, Check]], straight: dict[str, float]) -> Figure:
    first = next(each for each, _ in shown.values())
    x: Array = np.asarray(first.x)
    wide = np.array([x[0], max(np.asarray(each.x)[-1] for each, _ in shown.values())])
    start = float(np.asarray(first.predicted)[0])
    lines = [
        Line(f"slope of {name.partition(' with')[0]}", wide, start * np.exp(slope * (wide - x[0])))
        for name, slope in straight.items()
    ]
    return against_theory(
        [each for each, _ in shown.values()], "B (1 − m)/ε", "mean exit time, in the SDE's time s", lines,
        x_scale="linear", ratio="measured / line", columns=3,
    )  # fmt: skip


def _jump_figure(size: Size, checks: list[Check]) -> Figure:
    rates = np.array([rate for rate, *_ in size.jumps])
    table = laws.quantiles(HEAVY, size.heavy)
    fine = np.geomspace(rates.min(), rates.max(), 12)
    line = [laws.one_jump(float(rate), table) for rate in fine]
    sde = np.geomspace(0.5 * rates.max(), rates.max(), 8)
    times = [
        sg.theory.mean_exit_time(WELL, Case(HEAVY).config(1 / float(rate), size.heavy), START, stop=BEYOND)
        for rate in sde
    ]
    return against_theory(
        [series("examples from t with 3 degrees, B = 1", rates, checks, fine, line, logs=True)], "learning rate ε",
        "mean exit time in updates", [Line("the SDE", sde, times)], ratio="measured / one jump",
    )  # fmt: skip
