"""The effect of a schedule: ε(k) and B(k) that change while the velocity still knows the old ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sgdsde.diagnosis.case import Case
from sgdsde.diagnosis.laws import BOWL, Model
from sgdsde.diagnosis.registry import Size, effect
from sgdsde.theory import relaxation_time, scheduled_law
from sgdsde.theory.scheduled import schedules_of

Array = NDArray[np.float64]

#: Relaxations at the first ε and B before the schedule begins, and most updates of that.
BEFORE, MOST_BEFORE = 6, 20_000
#: Modes of which the course is followed.
FOLLOWED = 3


@effect("fast schedule", claim="schedules", network_claim="dont_decay")
def fast_schedule(case: Case) -> Size:
    """What the worst error along the schedule has beyond the worst of its ε(k) and B(k), each held for ever."""
    if case.learning_rates is None and case.batch_sizes is None:
        return Size(0.0, note="ε and B are constant")
    config = case.config
    if config.permuted:
        return Size(math.nan, note="of permuted batches there is no law under a schedule")
    rates, sizes = schedules_of(config, case.learning_rates, case.batch_sizes)
    held = 0.0
    for rate, size in sorted(set(zip(rates.tolist(), sizes.tolist(), strict=True))):
        own = replace(config, learning_rate=rate, batch_size=size)
        error = case.error(Model(case.dynamics, case.driver, own), Model("sgd", "", own), BOWL)
        if math.isnan(error):
            return Size(math.nan, unstable=True, note=f"SGD has no stationary law at ε = {rate:g}, B = {size}")
        held = max(held, abs(error))
    along, at = _along(case, rates, sizes)
    note = f"off by {100 * along:.2g} % at update {at}, and by {100 * held:.2g} % at most where ε and B stay"
    return Size(max(0.0, along - held), note=note)


def _along(case: Case, rates: Array, sizes: NDArray[np.int64]) -> tuple[float, int]:
    """The largest relative error of a variance along the schedule, and its update."""
    first = replace(case.config, learning_rate=float(rates[0]), batch_size=int(sizes[0]))
    place = case.place
    kept = np.unique(np.linspace(0, len(place.curvature) - 1, FOLLOWED).astype(int))
    worst, update = 0.0, 0
    for mode in kept:
        h = float(place.curvature[mode])
        before = min(MOST_BEFORE, math.ceil(BEFORE * relaxation_time(h, first, "slower")))
        course = [np.concatenate([np.repeat(each[:1], before), each]) for each in (rates, sizes)]
        laws = [
            scheduled_law(h, 1.0, case.config, 0.0, learning_rates=course[0], batch_sizes=course[1], dynamics=name)
            for name in ("sde", "sgd")
        ]
        sde, sgd = (law.covariance[before:, 0, 0] for law in laws)
        errors = np.abs(np.divide(sde, sgd, out=np.ones_like(sde), where=sgd > 0) - 1)
        if errors.max() > worst:
            worst, update = float(errors.max()), int(errors.argmax())
    return worst, update
