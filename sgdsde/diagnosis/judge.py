"""From a case to its diagnosis: every effect of the table, all of them together, and other SDEs of the run."""

from __future__ import annotations

import math

from sgdsde.diagnosis.case import Case
from sgdsde.diagnosis.laws import WHOLE
from sgdsde.diagnosis.registry import EFFECTS, Declared, Effect
from sgdsde.diagnosis.result import Diagnosis
from sgdsde.diagnosis.words import NEGLIGIBLE, UNSTABLE, verdict_of
from sgdsde.drivers import DRIVERS

#: Equations that can be judged.
EQUATIONS = ("sde", "momentum_sde")


def judged(case: Case, limits: tuple[float, float]) -> Diagnosis:
    """The diagnosis; `limits` are what is negligible, and from what on the SDE breaks down."""
    rows = tuple(row for each in EFFECTS.values() if (row := _row(each, case, limits)) is not None)
    dead = any(row.verdict == UNSTABLE or row.unknown for row in rows)
    return Diagnosis(
        case.given, case.place.where, case.dynamics, case.driver, rows,
        error=math.nan if dead else case.error(case.sde, case.sgd, WHOLE),
        largest=math.nan if dead else _largest(case),
        sde_variance=math.nan if any(row.unknown for row in rows) else case.total(case.sde),
        sgd_variance=math.nan if dead else case.total(case.sgd),
        others={} if dead else _others(case), thresholds=limits, notes=(*_remainder(case), *case.place.notes),
    )  # fmt: skip


def _row(declared: Declared, case: Case, limits: tuple[float, float]) -> Effect | None:
    found = declared.measure(case)
    if found is None:
        return None
    verdict = UNSTABLE if found.unstable else verdict_of(found.error, limits)
    claim = declared.network_claim if case.place.network else declared.claim
    instead = "" if verdict in (NEGLIGIBLE, UNSTABLE) else found.instead or "none"
    return Effect(
        declared.name, float(found.error), found.of, verdict, instead, claim,
        found.note, found.counted, found.unknown,
    )  # fmt: skip


def _largest(case: Case) -> float:
    top, bottom = case.variances(case.sde), case.variances(case.sgd)
    if top is None or bottom is None:
        return math.nan
    errors = [float(a / b - 1) if b else math.inf * bool(a) for a, b in zip(top, bottom, strict=True) if a or b]
    return max(errors, key=abs, default=0.0)


def _others(case: Case) -> dict[str, float]:
    """The errors of the other SDEs of the run."""
    found = {}
    for equation in EQUATIONS if case.config.momentum else EQUATIONS[:1]:
        for driver in DRIVERS:
            if (equation, driver) == (case.dynamics, case.driver) or DRIVERS[driver].refuses(case.given):
                continue
            words = [f'dynamics="{equation}"'] * (equation != case.dynamics) + [f'driver="{driver}"'] * (
                driver != case.driver
            )
            found[", ".join(words)] = case.error(case.equation(equation, driver), case.sgd, WHOLE)
    return found


def _remainder(case: Case) -> tuple[str, ...]:
    config = case.given
    if not config.remainder:
        return ()
    return (f"N = {config.n_examples} is no multiple of B, and is taken as {case.config.n_examples} for the epochs",)
