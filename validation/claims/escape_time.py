"""How long SGD stays in a minimum: against the SDE's exact exit time, SGD's own, and Kramers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, against_theory
from sgdsde.statistics import Estimate
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import exit_laws as laws
from validation.escape import well_at
from validation.escape.exit_laws import END, HOTTEST, LARGE, SMALL, WELL, N
from validation.measure import exit_time, exits_of, series

#: The rival: g too large by this much.
OFF, TOO_NOISY = 1.1, "g larger by 10 %"
#: Runs end after so many mean times, when no path is left; steps of the SDE in a mean time, at least.
LONG_ENOUGH, STEPS = 45, 1500
Checks = dict[tuple[str, int], Check]


@dataclass(frozen=True)
class Size:
    """Batch sizes at the small learning rate, those used at the large one as well, paths, and steps in an update."""

    batches: tuple[int, ...]
    large: tuple[int, ...]
    least: int
    most: int
    total_time: float
    substeps: int = 1

    def paths(self, batch: int) -> int:
        """More of them where they are short."""
        return int(np.clip(self.total_time / laws.exact(batch), self.least, self.most))


@claim(Size)
def escape_time(context: Context) -> Found:
    size: Size = context.size
    table = whitened_examples("gaussian", N, 1, context.seed("examples"))
    checks: Checks = {}
    for batch in size.batches:
        rates = [SMALL, LARGE] if batch in size.large else [SMALL]
        for key, check in [
            *_sde(context, batch),
            *(each for rate in rates for each in _sgd(context, table, batch, rate)),
        ]:
            checks[key, batch] = check
            yield check
    first, last = size.batches[0], size.batches[-1]
    yield Told(
        {
            "first": first, "last": last, "few": size.paths(last), "many": size.paths(first),
            "longer": laws.exact(last) / laws.exact(first),
            "lowest": laws.kramers(first) / laws.exact(first), "highest": laws.kramers(last) / laws.exact(last),
        }
    )  # fmt: skip
    yield Drawing("times", _figure(checks, size, False, "mean exit time, s", "log"))
    yield Drawing("ratios", _figure(checks, size, True, "mean exit time / exact of the SDE", "linear"))


def _sde(context: Context, batch: int) -> Iterator[tuple[str, Check]]:
    exact, where = laws.exact(batch), laws.where_of(batch)
    spread, its_error = laws.exact_spread(batch)
    run = sg.simulate_sde(
        laws.well(), laws.config_of(batch, SMALL), WELL, math.ceil(LONG_ENOUGH * exact / SMALL),
        context.size.paths(batch), scheme="heun", substeps=max(context.size.substeps, math.ceil(STEPS * SMALL / exact)),
        stop=f"x > {END}", seed=context.seed("SDE", batch),
    )  # fmt: skip
    time = exit_time(run, SMALL)
    yield "SDE", Check.of(f"mean exit time of the SDE, {where}", exact, time, {TOO_NOISY: laws.exact(batch, OFF)})
    yield "Kramers", Check.of(f"it is Kramers', {where}", laws.kramers(batch), time, {})
    times = exits_of(run).update
    seen = Estimate(float(times.std(ddof=1) / times.mean()), its_error / math.sqrt(len(times)))
    label = f"standard deviation ÷ mean of the SDE's times, {where}"
    yield "spread", Check.of(label, spread, seen, {"exponential": 1.0})


def _sgd(context: Context, table: Any, batch: int, rate: float) -> Iterator[tuple[str, Check]]:
    """Against its own law; and the SDE's, which it is where ε is small and there is a barrier."""
    config, exact, where = laws.config_of(batch, rate), laws.exact(batch), f"ε = {rate:g}, {laws.where_of(batch)}"
    run = sg.simulate_sgd(
        well_at(HOTTEST / batch, config), config, WELL, math.ceil(LONG_ENOUGH * exact / rate),
        context.size.paths(batch), examples=table, stop=f"x > {END}", seed=context.seed("SGD", rate, batch),
    )  # fmt: skip
    time, own, noisier = exit_time(run, rate), *(laws.updates_law(batch, rate, table, off) for off in (1.0, OFF))
    yield f"SGD, ε = {rate:g}", Check.of(f"mean exit time of SGD, {where}", own, time, {TOO_NOISY: noisier})
    if rate == LARGE or batch == 1:
        yield "it differs", Check.of(f"it is the SDE's, {where}", exact, time, {})
    else:
        label = f"SGD leaves when the SDE says, {where}"
        yield "it agrees", Check.of(label, exact, time, {TOO_NOISY: laws.exact(batch, OFF)})


def _figure(checks: Checks, size: Size, relative: bool, y: str, scale: Literal["linear", "log"]) -> Figure:
    """Times against 1/g, or the same in units of the SDE's, which shows what a logarithm hides."""
    fine = np.geomspace(size.batches[0], size.batches[-1], 25)
    unit = [laws.exact(batch) if relative else 1.0 for batch in fine]
    lines = []
    shown = (("SDE", 0.0, size.batches), (f"SGD, ε = {SMALL:g}", SMALL, size.batches))
    for name, rate, batches in (*shown, (f"SGD, ε = {LARGE:g}", LARGE, size.large)):
        law = [laws.updates_law(batch, rate) / one for batch, one in zip(fine, unit, strict=True)]
        found = [checks[name, batch] for batch in batches]
        own = [laws.exact(batch) if relative else 1.0 for batch in batches]
        lines.append(series(name, laws.inverse_noise(batches), found, laws.inverse_noise(fine), law, own))
    kramers = [laws.kramers(batch) / one for batch, one in zip(fine, unit, strict=True)]
    return against_theory(
        lines, "1/g", y, [Line("Kramers", laws.inverse_noise(fine), kramers)], x_scale="linear", y_scale=scale,
        ratio="measured / exact", columns=4,
    )  # fmt: skip
