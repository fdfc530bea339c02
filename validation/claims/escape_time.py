"""How long SGD stays in a minimum: against the SDE's exact exit time, SGD's own, and Kramers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.statistics import Estimate
from sgdsde.whitened import whitened_examples
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import whole
from validation.sizes import plans

Array = NDArray[np.float64]
Checks = dict[tuple[str, int], Check]

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
#: Heights of the barrier over the noise for the lines of the pictures.
FINE = 25


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

    def plan(self, seconds: float) -> Plan:
        return Plan(4 * len(self.batches) + 1 + 2 * len(self.large), seconds, self)


@claim(
    title="SGD leaves a minimum when the SDE says, as long as ε is small; Kramers needs a high barrier",
    statement=(
        "The mean time that the SDE needs from one minimum of a double well to the other is a double integral, exact "
        "at any temperature, and so is the spread of the times. SGD with real batches needs as long at small ε: over "
        "two decades of the rate only g counts. Its own exact time, of an integral equation, says where that ends: "
        "without a barrier, where SGD is seen at the end only after an update, and at large ε, where it escapes "
        "sooner. Kramers' formula is 20% off at a barrier of twice the noise, and still a tenth at five times."
    ),
    formula="τ = (4/(TF)) ∫_{−1}^{1} e^{2L(y)/(TF)} ∫_{−∞}^{y} e^{−2L(z)/(TF)} dz dy;    Kramers: √2 π e^{2ΔL/(TF)}",
    source="Gardiner, Handbook of Stochastic Methods, §5.5; Kramers 1940; SDE: Smith & Le, arXiv 1710.06451, eq. 4",
    plans=plans("escape_time", Size),
)
def escape_time(context: Context) -> Finding:
    size: Size = context.size
    table = whitened_examples("gaussian", N, 1, context.seed("examples"))[:, 0]
    checks: Checks = {}
    # The time of a run goes as B: each update has B picks, and longer times have fewer paths.
    work, done = sum(size.batches) + sum(size.large), 0
    for batch in size.batches:
        checks |= _sde_checks(context, batch) | _sgd_checks(context, table, batch, SMALL)
        done += batch
        context.progress(done / work)
        if batch in size.large:
            checks |= _sgd_checks(context, table, batch, LARGE)
            done += batch
            context.progress(done / work)
    return Finding(
        tuple(checks.values()),
        headline=checks["SGD", size.batches[-1]].label,
        pictures=_pictures(checks, size),
        method=(
            f"L = ω⁴/4 − ω²/2, F constant, from ω = {WELL:g} until ω > {END:g}. g = ε(N − 1)/B, N = {N}, batches drawn "
            f"with replacement from examples that were drawn from a normal law. {size.paths(size.batches[-1]):,} to "
            f"{size.paths(size.batches[0]):,} independent paths each, none censored. The SDE: Heun's scheme, at least "
            f"{STEPS:,} steps in a mean time, crossings inside a step counted by Brownian bridges. SGD at "
            f"ε = {SMALL:g} with B = {size.batches[0]} to {size.batches[-1]}, and at ε = {LARGE:g} with batches "
            f"{TIMES} times as large, which is the same g. SGD's own mean time solves u(ω) = 1 + E u(ω − εĝ), in "
            "updates, by Gauss–Legendre quadrature; ĝ has the first four cumulants of the batches, exactly."
        ),
        notes=tuple(_notes(checks, size)),
    )


def _config(batch: int, rate: float) -> sg.SGDConfig:
    """A config of the same g for all ε: `batch` is that at the small one."""
    return sg.SGDConfig(rate, batch * round(rate / SMALL), N, sampling="with_replacement")


def _well() -> sg.Landscape:
    noise = {"f": 2 * HOTTEST / _config(1, SMALL).temperature}
    return sg.Landscape("x**4/4 - x**2/2", variables="x", parameters=noise, covariance="f")


def _exact(batch: float, off: float = 1.0) -> float:
    """Mean exit time of the SDE, in its own clock."""
    return sg.theory.mean_exit_time(_well(), off * _config(1, SMALL).temperature / batch, WELL, None, END)


def _exact_spread(batch: int) -> tuple[float, float]:
    """Standard deviation over mean of the SDE's times, and √n times its standard error for n of them.

    The delta method with exact moments: an error from the sample is small where the spread came out small.
    """
    temperature = _config(1, SMALL).temperature / batch
    one, two, three, four = sg.theory.exit_time_moments(_well(), temperature, WELL, None, END, moments=4)
    variance = two - one**2
    ratio = math.sqrt(variance) / one
    skewness = (three - 3 * one * two + 2 * one**3) / variance**1.5
    kurtosis = (four - 4 * one * three + 6 * one**2 * two - 3 * one**4) / variance**2
    return ratio, ratio * math.sqrt((kurtosis - 1) / 4 - ratio * skewness + ratio**2)


def _kramers(batch: float) -> float:
    return sg.theory.eyring_kramers_time(_well(), _config(1, SMALL).temperature / batch, WELL, SADDLE)


def sgd_time(config: sg.SGDConfig, noise: float, table: Array | None = None) -> float:
    """Mean time ε·updates in which SGD gets from −1 beyond 1, with TF/2 = `noise`, for normal noise or these examples.

    >>> round(sgd_time(sg.SGDConfig(0.01, 1, 512), 0.125), 2)           # 41.03 for the SDE
    41.2
    """
    well = sg.Landscape("x**4/4 - x**2/2", "x", {"f": 2 * noise / config.temperature}, covariance="f")
    return config.learning_rate * sg.theory.sgd_exit_time(well, config, WELL, right=END, examples=table)


def _measured(run: sg.Ensemble, rate: float) -> tuple[Estimate, Array]:
    """Mean time in the SDE's clock, and all times in updates."""
    exits = whole(run).exits
    assert exits is not None
    found = exits.mean_time(method="sample_mean")
    return Estimate(found.mean * rate, found.standard_error * rate), exits.update


def _check(label: str, predicted: float, found: Estimate, rivals: Mapping[str, float]) -> Check:
    return Check(label, predicted, float(found.value), float(found.standard_error), rivals)


def _where(batch: int) -> str:
    return f"2ΔL/(TF) = {0.25 * batch / HOTTEST:g}"


def _sde_checks(context: Context, batch: int) -> Checks:
    config, where = _config(batch, SMALL), _where(batch)
    exact, kramers = _exact(batch), _kramers(batch)
    spread, its_error = _exact_spread(batch)
    run = sg.simulate_sde(
        _well(), config, WELL, math.ceil(LONG_ENOUGH * exact / SMALL), context.size.paths(batch), scheme="heun",
        substeps=max(context.size.substeps, math.ceil(STEPS * SMALL / exact)), stop=f"x > {END}",
        seed=context.seed("SDE", batch),
    )  # fmt: skip
    mean, times = _measured(run, SMALL)
    seen = Estimate(float(times.std(ddof=1) / times.mean()), its_error / math.sqrt(len(times)))
    return {
        ("SDE", batch): _check(f"mean exit time of the SDE, {where}", exact, mean, {TOO_NOISY: _exact(batch, OFF)}),
        ("Kramers", batch): _check(f"it is Kramers', {where}", kramers, mean, {}),
        ("spread", batch): _check(
            f"standard deviation ÷ mean of the SDE's times, {where}", spread, seen, {"exponential": 1.0}
        ),
    }


def _sgd_checks(context: Context, table: Array, batch: int, rate: float) -> Checks:
    """Against its own law; and the SDE's where the two are far apart."""
    config, exact = _config(batch, rate), _exact(batch)
    run = sg.simulate_sgd(
        _well(), config, WELL, math.ceil(LONG_ENOUGH * exact / rate), context.size.paths(batch),
        examples=table[:, None], stop=f"x > {END}", seed=context.seed("SGD", rate, batch),
    )  # fmt: skip
    found, _ = _measured(run, rate)
    law, wrong = (sgd_time(config, off * HOTTEST / batch, table) for off in (1.0, OFF))
    name = "SGD" if rate == SMALL else "large"
    where = f"ε = {rate:g}, {_where(batch)}"
    checks = {(name, batch): _check(f"mean exit time of SGD, {where}", law, found, {TOO_NOISY: wrong})}
    if rate == LARGE or batch == 1:
        checks[f"SDE of {name}", batch] = _check(f"it is the SDE's, {where}", exact, found, {})
    return checks


def _notes(checks: Checks, size: Size) -> list[str]:
    first, last = size.batches[0], size.batches[-1]
    found = [
        f"The exact time at the highest barrier is {_exact(last) / _exact(first):.3g} times that at the lowest; "
        f"Kramers' is {_kramers(first) / _exact(first):.3f} and {_kramers(last) / _exact(last):.3f} of it."
    ]
    for name, rate, batches in (("SGD", SMALL, size.batches), ("large", LARGE, size.large)):
        for batch in batches:
            exact, check = _exact(batch), checks[name, batch]
            found.append(
                f"SGD at ε = {rate:g}, {_where(batch)}: {check.measured / exact:.4f} ± "
                f"{check.standard_error / exact:.4f} times the SDE's mean exit time; its own law says "
                f"{check.predicted / exact:.4f}."
            )
    return found


def _pictures(checks: Checks, size: Size) -> tuple[Picture, Picture]:
    """Times against 1/g, and the same in units of the SDE's, which shows what a logarithm hides."""
    fine = np.linspace(size.batches[0], size.batches[-1], FINE)
    exact, kramers = np.array([_exact(batch) for batch in fine]), np.array([_kramers(batch) for batch in fine])
    shown: list[tuple[str, str, tuple[int, ...], Array]] = [("SDE", "SDE", size.batches, exact)]
    for name, rate, batches in (("SGD", SMALL, size.batches), ("large", LARGE, size.large)):
        law = np.array([sgd_time(_config(1, rate), HOTTEST / batch) for batch in fine])
        shown.append((name, f"SGD, ε = {rate:g}", batches, law))

    def draw(unit: bool, y: str, scale: Literal["linear", "log"]) -> Figure:
        over = exact if unit else np.ones(FINE)
        series = []
        for name, label, batches, law in shown:
            found = [checks[name, batch] for batch in batches]
            units = [_exact(batch) if unit else 1.0 for batch in batches]
            pairs = list(zip(found, units, strict=True))
            series.append(
                Series(
                    label,
                    [_inverse(batch) for batch in batches],
                    [check.measured / one for check, one in pairs],
                    [check.standard_error / one for check, one in pairs],
                    [check.predicted / one for check, one in pairs],
                    _inverse(fine),
                    law / over,
                )
            )
        return against_theory(
            series, "1/g", y, [Line("Kramers", _inverse(fine), kramers / over)], x_scale="linear", y_scale=scale,
            ratio="measured / exact", columns=4,
        )  # fmt: skip

    caption = (
        "Mean exit time from one minimum to the other in the SDE's clock, ε × updates for SGD. Lines: the "
        "double integral for the SDE, the integral equation with normal noise for SGD, which covers the SDE's line at "
        "small ε. Bars are one standard error; below, each point over its own law, that of SGD for its examples."
    )
    ratios = (
        "The same in units of the SDE's exact time. At small ε SGD is late only where there is hardly a barrier, since "
        "it is seen at the end only after an update; at large ε it escapes sooner. Kramers' formula comes near slowly."
    )
    return (
        Picture("times", caption, "All points lie on lines that rise 100-fold with 1/g; Kramers' line crosses them.",
                draw(False, "mean exit time, s", "log")),
        Picture("ratios", ratios, "SGD at small ε stays near 1, at large ε below; Kramers' line is well below both.",
                draw(True, "mean exit time / exact of the SDE", "linear")),
    )  # fmt: skip


def _inverse(batch: Any) -> Any:
    """1/g."""
    return batch / _config(1, SMALL).noise_scale
