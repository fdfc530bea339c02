"""Ziyin, Li & Ueda: noise balances two weights in series, gives their product a law, and ends it above T_c."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from sgdsde.plotting import Curve, CurvePanel, Figure, Line, against_theory, curve_panels
from validation.balance import law, weights
from validation.balance.data import N
from validation.balance.weights import FRESH, ISOTROPIC, NOISY, RATIOS, RESHUFFLED, RULES
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context

#: T/T_c where SGD's own law is held against the SDE's, and for how long it settles.
COOL, SETTLES = 0.15, 8.0


@dataclass(frozen=True)
class Size:
    """Paths of stationary laws, and of the rest."""

    paths: int
    others: int


@claim(Size)
def balance(context: Context) -> Found:
    densities, curves, spread, growth = [], [], {}, {}
    for data, ratio, span in law.LAWS:
        v = law.settled(context, data, ratio, span)
        yield from law.law_checks(data, ratio, v)
        densities.append(law.density_of(data, ratio, v))
    updates = weights.updates(COOL, SETTLES)
    run = weights.followed(context, FRESH, COOL, [1.0, 1.0], updates, batch=1, paths=context.size.paths)
    yield from law.quarter_checks("SGD", NOISY, COOL, run.final.prod(axis=1))
    yield weights.exact_check(context)
    for name, rival in ((FRESH, RESHUFFLED), (RESHUFFLED, FRESH)):
        spread[name] = weights.spread_check(context, name, rival)
        yield spread[name]
    for name in RULES:
        check, curve = weights.balance_check(context, name, spread[RESHUFFLED].predicted / spread[FRESH].predicted)
        yield check
        curves.append(curve)
    for name in (name for name in RULES if name != ISOTROPIC):
        growth[name] = [weights.growth_check(context, name, ratio) for ratio in RATIOS]
        yield from growth[name]
    yield weights.critical(growth["SDE"])
    last = float(brentq(lambda ratio: weights.exact_growth(ratio), RATIOS[0], RATIOS[-1]))
    told = {"n": N, "step": law.STEP, "cells": law.CELLS, "cold": weights.COLD, "batch": weights.BATCH, "cool": COOL}
    yield Told(
        told
        | {"lasts": weights.LASTS, "last": last, "rate": NOISY.config(NOISY.law.critical_temperature).learning_rate}
    )
    yield Drawing("law", against_theory(densities, "v = u w", "probability density of ln v", columns=3))
    yield Drawing("balance", _figure(curves, growth))


def _figure(curves: list[Curve], growth: dict[str, list[Check]]) -> Figure:
    held, fine = NOISY.law, np.linspace(0.0, weights.LASTS, 100)
    falls = np.exp(-4 * weights.COLD * held.critical_temperature * float(held.noise(1.0)) * fine)
    left = CurvePanel("time s", "E(u² − w²), of its start", curves, [Line("law of balance", fine, falls)])
    grows = [
        Curve(
            name, RATIOS, [check.measured for check in found], [check.standard_error for check in found], joined=False
        )
        for name, found in growth.items()
    ]
    ends = np.array([RATIOS[0], RATIOS[-1]])
    many = np.linspace(ends[0], ends[1], 100)
    exact = Line("SGD, exact at this ε", many, [weights.exact_growth(ratio) for ratio in many])
    lines = [Line("4(1 − T/T_c)", ends, 4 * (1 - ends)), exact]
    right = CurvePanel("T/T_c", "E d(ln v)/ds near v = 0, over E xy", grows, lines, level=0.0)
    return curve_panels([left, right], columns=4)
