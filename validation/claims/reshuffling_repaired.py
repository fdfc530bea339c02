"""Perko; Kühn & Rosenow: a Brownian bridge in every epoch drives the SDE of reshuffled SGD, and no one T mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import Estimate
from sgdsde.theory import stationary_variance
from validation.claim import Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import epoched_wells as wells
from validation.laws import epoched_bowl as bowl
from validation.laws.epoched_bowl import Case
from validation.measure import Array

#: εhN/B, and N/B and the largest εh, of the exact laws.
LENGTHS, BATCHES, LARGEST = np.geomspace(0.01, 100.0, 81), 2 ** np.arange(1, 12), 0.3
#: εhN/B at which the variance of short epochs is that of long ones, without momentum.
CROSSOVER = 3.0


@dataclass(frozen=True)
class Size:
    """Bowls, each with its paths; with one permutation for all epochs; and the paths of exits and of shares of time."""

    cases: tuple[Case, ...]
    paths: tuple[int, ...]
    once: tuple[Case, ...]
    once_paths: int
    exits: int
    shared: int
    epochs: int


@claim(Size)
def reshuffling_repaired(context: Context) -> Found:
    size: Size = context.size
    found = {}
    for case, paths in zip(size.cases, size.paths, strict=True):
        found[case] = bowl.variance(context, case, paths)
        yield from bowl.variance_checks(case, found[case])
    yield from bowl.engines(context, size.cases[0])
    for case in size.once:
        yield bowl.once(context, case, size.once_paths)
    for well in wells.WELLS:
        yield wells.exit_check(context, well, size.exits)
    share, histograms = wells.shares(context, size.shared, size.epochs)
    yield share
    facts = {"fitted": bowl.FITTED_AT, "epoch": wells.EPOCH, "settled": size.epochs // 4, "largest": LARGEST}
    yield Told(facts, tuple(_laws()))
    yield Drawing("variance", _variance_figure(found))
    yield Drawing("wells", wells.figure(histograms))


def _laws() -> Iterator[str]:
    """How far the exact laws are from one another over the whole range."""
    for momentum, unit in ((0.0, "εh"), (0.9, "(εh + B/N)")):
        found = [_deviations(int(batches), momentum) for batches in BATCHES]
        rates, shares, away = np.concatenate(found, axis=1)
        beyond, most = (away > 3 * rates).mean(), (away / (rates + (momentum > 0) * shares)).max()
        yield (
            f"By the exact laws of {len(rates)} bowls, εhN/B from 0.01 to 100, N/B from {BATCHES[0]} to {BATCHES[-1]}, "
            f"εh up to {LARGEST:g}, m = {momentum:g}, the variance of the SDE is at most {most:.2f} {unit} away from "
            f"SGD's, relatively; more than 3 εh in {beyond:.0%} of them."
        )


def _deviations(batches: int, momentum: float) -> Array:
    """(3, lengths): εh, B/N and |SDE ÷ SGD − 1| of bowls of one config."""
    case = Case(LARGEST * batches, batches, momentum)
    h = bowl.H * LENGTHS[case.length >= LENGTHS] / case.length
    sde, sgd = (stationary_variance(h, bowl.F, case.config, name) for name in (case.dynamics, "sgd"))
    return np.array([LARGEST * h, np.full(len(h), 1 / batches), np.abs(sde / sgd - 1)])


def _variance_figure(found: dict[Case, Estimate]) -> Figure:
    """Variance in units of ε/(B(1 − m)) F/(2h)."""
    shown = []
    for momentum in dict.fromkeys(case.momentum for case in found):
        cases = [case for case in found if case.momentum == momentum]
        x, law = [case.length for case in cases], np.array([case.in_long_epochs("sgd") for case in cases])
        value, error = np.array([(found[case].value, found[case].standard_error) for case in cases]).T
        least = 32 if momentum else 4096
        fine = [Case(float(length), max(least, int(8 * length)), momentum) for length in LENGTHS]
        line = [case.in_long_epochs("sgd") for case in fine]
        shown.append(Series(f"SDE, m = {momentum:g}", x, law * value, law * error, law, LENGTHS, line))
    fitted = Case(bowl.FITTED_AT, 4096).in_long_epochs("sgd")
    ends, short = [LENGTHS[0], LENGTHS[-1]], LENGTHS[LENGTHS < CROSSOVER]
    lines = [
        Line("Brownian motion", ends, [1.0, 1.0]),
        Line("Brownian motion, T fitted at 1", ends, [fitted, fitted]),
        Line("short epochs: ε²FN/(6B²)", short, short / CROSSOVER),
    ]
    x_text, y_text = "εhN/B   (an epoch on the scale of the curvature)", "Var ω / that of long epochs, TF/(2h)"
    return against_theory(shown, x_text, y_text, lines, ratio="SDE / SGD's exact law", columns=3)
