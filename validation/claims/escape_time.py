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
from sgdsde.theory import exit_time_moments, eyring_kramers_time, mean_exit_time, sgd_exit_time
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.escape import well_at
from validation.measure import exit_time, exits_of, series

N, WELL, SADDLE, END = 512, -1.0, 0.0, 1.0
#: Learning rates: one at which SGD is nearly the SDE, and one at which it is not, with batches as much larger.
SMALL, TIMES = 0.02, 10
LARGE = SMALL * TIMES
#: T F/2 at B = 1 and ε = SMALL: twice the barrier of 1/4. It is divided by B.
HOTTEST = 0.5
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
        return int(np.clip(self.total_time / _exact(batch), self.least, self.most))


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
            "longer": _exact(last) / _exact(first),
            "lowest": _kramers(first) / _exact(first), "highest": _kramers(last) / _exact(last),
        }
    )  # fmt: skip
    yield Drawing("times", _figure(checks, size, False, "mean exit time, s", "log"))
    yield Drawing("ratios", _figure(checks, size, True, "mean exit time / exact of the SDE", "linear"))


def _config(batch: int, rate: float) -> sg.SGDConfig:
    """A config of the same g for all ε: `batch` is that at the small one."""
    return sg.SGDConfig(rate, batch * round(rate / SMALL), N, sampling="with_replacement")


def _well() -> sg.Landscape:
    return well_at(HOTTEST, _config(1, SMALL))


def _temperature(batch: float) -> float:
    return _config(1, SMALL).temperature / batch


def _exact(batch: float, off: float = 1.0) -> float:
    """Mean exit time of the SDE, in its own clock."""
    return mean_exit_time(_well(), off * _temperature(batch), WELL, None, END)


def _kramers(batch: float) -> float:
    return eyring_kramers_time(_well(), _temperature(batch), WELL, SADDLE)


def _law(batch: float, rate: float, table: Any = None, off: float = 1.0) -> float:
    """Mean time of SGD's updates in the SDE's clock, for normal noise or these examples; 0 is the rate of the SDE."""
    if not rate:
        return _exact(batch, off)
    config = _config(1 if table is None else round(batch), rate)
    noise = off * HOTTEST / batch
    return rate * sgd_exit_time(well_at(noise, config), config, WELL, right=END, examples=table)


def _exact_spread(batch: int) -> tuple[float, float]:
    """Standard deviation over mean of the SDE's times, and √n times its standard error for n of them.

    The delta method with exact moments: an error from the sample is small where the spread came out small.
    """
    one, two, three, four = exit_time_moments(_well(), _temperature(batch), WELL, None, END, moments=4)
    variance = two - one**2
    ratio = math.sqrt(variance) / one
    skewness = (three - 3 * one * two + 2 * one**3) / variance**1.5
    kurtosis = (four - 4 * one * three + 6 * one**2 * two - 3 * one**4) / variance**2
    return ratio, ratio * math.sqrt((kurtosis - 1) / 4 - ratio * skewness + ratio**2)


def _where(batch: int) -> str:
    return f"2ΔL/(TF) = {0.25 * batch / HOTTEST:g}"


def _sde(context: Context, batch: int) -> Iterator[tuple[str, Check]]:
    exact, where = _exact(batch), _where(batch)
    spread, its_error = _exact_spread(batch)
    run = sg.simulate_sde(
        _well(), _config(batch, SMALL), WELL, math.ceil(LONG_ENOUGH * exact / SMALL), context.size.paths(batch),
        scheme="heun", substeps=max(context.size.substeps, math.ceil(STEPS * SMALL / exact)), stop=f"x > {END}",
        seed=context.seed("SDE", batch),
    )  # fmt: skip
    time = exit_time(run, SMALL)
    yield "SDE", Check.of(f"mean exit time of the SDE, {where}", exact, time, {TOO_NOISY: _exact(batch, OFF)})
    yield "Kramers", Check.of(f"it is Kramers', {where}", _kramers(batch), time, {})
    times = exits_of(run).update
    seen = Estimate(float(times.std(ddof=1) / times.mean()), its_error / math.sqrt(len(times)))
    label = f"standard deviation ÷ mean of the SDE's times, {where}"
    yield "spread", Check.of(label, spread, seen, {"exponential": 1.0})


def _sgd(context: Context, table: Any, batch: int, rate: float) -> Iterator[tuple[str, Check]]:
    """Against its own law; and the SDE's, which it is where ε is small and there is a barrier."""
    config, exact, where = _config(batch, rate), _exact(batch), f"ε = {rate:g}, {_where(batch)}"
    run = sg.simulate_sgd(
        well_at(HOTTEST / batch, config), config, WELL, math.ceil(LONG_ENOUGH * exact / rate),
        context.size.paths(batch), examples=table, stop=f"x > {END}", seed=context.seed("SGD", rate, batch),
    )  # fmt: skip
    time, laws = exit_time(run, rate), [_law(batch, rate, table, off) for off in (1.0, OFF)]
    yield f"SGD, ε = {rate:g}", Check.of(f"mean exit time of SGD, {where}", laws[0], time, {TOO_NOISY: laws[1]})
    if rate == LARGE or batch == 1:
        yield "it differs", Check.of(f"it is the SDE's, {where}", exact, time, {})
    else:
        label = f"SGD leaves when the SDE says, {where}"
        yield "it agrees", Check.of(label, exact, time, {TOO_NOISY: _exact(batch, OFF)})


def _figure(checks: Checks, size: Size, relative: bool, y: str, scale: Literal["linear", "log"]) -> Figure:
    """Times against 1/g, or the same in units of the SDE's, which shows what a logarithm hides."""
    fine = np.geomspace(size.batches[0], size.batches[-1], 25)
    unit = [_exact(batch) if relative else 1.0 for batch in fine]
    lines = []
    shown = (("SDE", 0.0, size.batches), (f"SGD, ε = {SMALL:g}", SMALL, size.batches))
    for name, rate, batches in (*shown, (f"SGD, ε = {LARGE:g}", LARGE, size.large)):
        law = [_law(batch, rate) / one for batch, one in zip(fine, unit, strict=True)]
        found = [checks[name, batch] for batch in batches]
        own = [_exact(batch) if relative else 1.0 for batch in batches]
        lines.append(series(name, _inverse(batches), found, _inverse(fine), law, own))
    kramers = [_kramers(batch) / one for batch, one in zip(fine, unit, strict=True)]
    return against_theory(
        lines, "1/g", y, [Line("Kramers", _inverse(fine), kramers)], x_scale="linear", y_scale=scale,
        ratio="measured / exact", columns=4,
    )  # fmt: skip


def _inverse(batches: Any) -> Any:
    """1/g."""
    return np.asarray(batches) / _config(1, SMALL).noise_scale
