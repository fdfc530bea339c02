"""Mori et al.: noise that follows the loss makes power laws of it, where Arrhenius has exponentials."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import mean
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import normal_quantiles
from validation.laws import loss_noise as laws
from validation.laws.loss_noise import ARRHENIUS, BOWL, ESCAPES, MINIMUM, WELLS, Array, Law
from validation.measure import exit_time, whole

#: Dimensions and a = 1/(Th) of stationary laws; the share of paths in the tails that are counted.
LAWS, TAIL, DRAWN = ((1, 2.0), (1, 4.0), (2, 2.0), (2, 4.0)), 0.05, np.geomspace(1.25, 40.0, 12)
#: Steps of the SDE, of laws and of escapes, and the time to settle, in units of 1/h.
STEP, STRIDE, SETTLES = 0.02, 0.02, 12.0
#: L at the edge over L at the minimum of the SDE's escapes; of SGD's, at B = 1, ε h and that ratio.
EDGES, ENDS, RATE, RISE, N = (2.0, 4.0, 8.0, 16.0), (2.0, 16.0), 0.2, 3.0, 64


@dataclass(frozen=True)
class Size:
    """Paths of stationary laws, and of each escape."""

    paths: int
    escaping: int


@claim(Size)
def noise_follows_loss(context: Context) -> Found:
    tails, escapes = [], {}
    for dimension, a in LAWS:
        excess = _settled(context, dimension, a)
        yield from _law_checks(dimension, a, excess)
        tails.append(_tail(dimension, a, excess))
    for where in (BOWL, WELLS):
        found = {ratio: _escape(context, where, ratio) for ratio in EDGES}
        escapes[where] = list(found.values())
        yield from escapes[where]
        yield from _slope_checks(where, found)
    yield _sgd_check(context)
    yield laws.moment_check()
    yield Told({"step": STEP, "stride": STRIDE, "settles": SETTLES, "a": ESCAPES, "rate": RATE, "n": N})
    yield Drawing("law", _law_figure(tails))
    yield Drawing("escape", _escape_figure(escapes))


def _settled(context: Context, dimension: int, a: float) -> Array:
    """L/L₀ of independent paths of the SDE, from the minimum."""
    run = sg.integrate(
        laws.bowl(dimension), [0.0] * dimension, SETTLES, round(SETTLES / STEP), context.size.paths, temperature=1 / a,
        scheme="weak_taylor_2", seed=context.seed("law", dimension, a),
    )  # fmt: skip
    return np.asarray(1 + (whole(run).final ** 2).sum(axis=1) / 2)


def _law_checks(dimension: int, a: float, excess: Array) -> Iterator[Check]:
    law, wrong = Law(dimension, a), laws.others(dimension, a)
    where = f"n = {dimension}, B/(εh) = {a:g}"
    logs = {name: other.log_mean for name, other in wrong.items()}
    yield Check.of(f"E ln(L/L₀), {where}", law.log_mean, mean(np.log(excess)), logs)
    level = law.level(TAIL)
    far = {name: float(other.beyond(level)) for name, other in wrong.items()}
    seen = mean((excess > level).astype(float))
    yield Check.of(f"P(L > {level:.4g} L₀), {where}", TAIL, seen, far)


def _tail(dimension: int, a: float, excess: Array) -> Series:
    law = Law(dimension, a)
    seen = np.array([(excess > level).mean() for level in DRAWN])
    kept = seen * len(excess) > 9
    error = np.sqrt(seen * (1 - seen) / len(excess))
    fine = np.geomspace(DRAWN[0], DRAWN[kept][-1], 100)
    label = f"n = {dimension}, B/(εh) = {a:g}"
    return Series(label, DRAWN[kept], seen[kept], error[kept], law.beyond(DRAWN[kept]), fine, law.beyond(fine))


def _escape(context: Context, where: str, ratio: float) -> Check:
    landscape, start, stop, curvature = laws.place(where, ratio)
    exact = laws.exact_time(where, ratio)
    step = STRIDE / curvature
    steps = round(60 * exact / step)
    run = sg.integrate(
        landscape, [start], steps * step, steps, context.size.escaping, temperature=1 / (ESCAPES * curvature),
        scheme="taylor_15", stop=stop, seed=context.seed(where, ratio),
    )  # fmt: skip
    label = f"mean time {where}, L_s/L₀ = {ratio:g}"
    return Check.of(label, exact, exit_time(run, step), {ARRHENIUS: laws.arrhenius(where, ratio)})


def _slope_checks(where: str, found: dict[float, Check]) -> Iterator[Check]:
    """d ln τ/d ln L_s, between the two ratios ENDS: exact, and as the paper has it for high barriers."""
    low, high = (found[ratio] for ratio in ENDS)
    span = math.log(ENDS[1] / ENDS[0])
    predicted = math.log(high.predicted / low.predicted) / span
    measured = math.log(high.measured / low.measured) / span
    error = math.hypot(high.standard_error / high.measured, low.standard_error / low.measured) / span
    steep = math.log(laws.arrhenius(where, ENDS[1]) / laws.arrhenius(where, ENDS[0])) / span
    rivals = {ARRHENIUS: steep, "exponent B/(εh) + 1": ESCAPES + 1, "exponent B/(εh)": ESCAPES}
    yield Check(f"exponent of L_s/L₀, {where}", predicted, measured, error, rivals)
    if where == WELLS:
        yield Check(f"the paper's exponent of L_s/L₀, {where}", ESCAPES + 0.5, measured, error, rivals)


def _sgd_check(context: Context) -> Check:
    """SGD at B = 1 out of the bowl, in updates, by the integral equation of its own examples."""
    config, table = sg.SGDConfig(RATE, 1, N), normal_quantiles(N)
    edge = math.sqrt(2 * (RISE - 1))
    stop = f"x > {edge!r} or x < {-edge!r}"
    table = sg.whitened.whitened_examples(table, N, 1)
    exact = sg.theory.sgd_exit_time(laws.bowl(1), config, 0.0, stop=stop, examples=table)
    run = sg.simulate_sgd(
        laws.bowl(1), config, [0.0], round(60 * exact), context.size.escaping, stop=stop, examples=table,
        seed=context.seed("SGD"),
    )  # fmt: skip
    plain = sg.theory.sgd_exit_time(laws.bowl(1, repr(2.0)), config, 0.0, stop=stop, examples=table)
    label = f"mean updates of SGD {BOWL}, L_s/L₀ = {RISE:g}"
    return Check.of(label, exact, exit_time(run), {MINIMUM: plain})


def _law_figure(tails: list[Series]) -> Figure:
    fine = np.geomspace(DRAWN[0], 8.0, 60)
    lines = [Line("F as at the minimum, n = 2, B/(εh) = 2", fine, laws.others(2, 2.0)[MINIMUM].beyond(fine))]
    return against_theory(tails, "ℓ/L₀", "P(L > ℓ)", lines, columns=3)


def _escape_figure(escapes: dict[str, list[Check]]) -> Figure:
    shown, lines = [], []
    fine = np.geomspace(EDGES[0], EDGES[-1], 25)
    for where, checks in escapes.items():
        h = laws.place(where, 2.0)[3]
        found = [(check.measured, check.standard_error, check.predicted) for check in checks]
        value, error, exact = h * np.array(found).T
        law = [h * laws.exact_time(where, float(ratio)) for ratio in fine]
        shown.append(Series(where, EDGES, value, error, exact, fine, law))
        near = fine[fine < 6.0]
        lines.append(Line(f"Arrhenius, {where}", near, [h * laws.arrhenius(where, float(ratio)) for ratio in near]))
    return against_theory(shown, "L at the edge or saddle, over L₀", "h × mean time", lines, columns=2)
