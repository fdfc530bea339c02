"""Wells that reshuffled SGD and its SDE leave, and share their time between: for ``reshuffling_repaired``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, Series, against_theory
from sgdsde.theory import mean_exit_time, stationary_density, stationary_variance
from validation.check import Check
from validation.context import Context
from validation.laws.epoched_bowl import FITTED_T, SAME_T
from validation.measure import Array, exits_of, whole

ANY_T, BATCH = "Brownian motion, any T", 4
#: An epoch is so long in the SDE's clock, in which bottoms relax at the rate of their curvature, 1.4 to 2.5.
EPOCH = 0.8
QUARTIC = sg.Landscape("x**4/4 - x**2/2", "x", {"f": 1.0}, noise_covariance="f", name="quartic")
#: (u² − 1)²/4 of u = x + b√(1 + x²): two wells of equal depth, the left one wide.
_U, TILT = "(x + b*sqrt(1 + x**2))", 0.2
UNEQUAL = sg.Landscape(f"({_U}**2 - 1)**2/4", "x", {"b": TILT, "f": 1.0}, noise_covariance="f", name="unequal")
WIDE, TOP, NARROW = -4 / 3, -TILT / (1 - TILT**2) ** 0.5, 0.75
BOX = (-8.0, 6.0)
#: Temperatures of Brownian motion of which one may fit, over that of the config.
TEMPERATURES = np.geomspace(0.1, 3.0, 60)


@dataclass(frozen=True)
class Well:
    """A well of F = `noise`, with N/B = `batches`, from whose bottom paths go until `stop`."""

    name: str
    landscape: sg.Landscape
    bottom: float
    stop: str
    noise: float
    batches: int
    momentum: float = 0.0

    @property
    def config(self) -> sg.SGDConfig:
        rate = EPOCH * (1 - self.momentum) / self.batches
        return sg.SGDConfig(rate, BATCH, BATCH * self.batches, self.momentum, "reshuffle")

    @cached_property
    def noisy(self) -> sg.Landscape:
        return self.landscape.with_parameters(f=self.noise)

    @property
    def temperature(self) -> float:
        """T of Brownian motion."""
        return sg.drivers.temperature(self.config, "brownian")

    @property
    def fitted(self) -> float:
        """T of the Brownian motion that has SGD's variance at the bottom of the well, by the exact laws."""
        h = float(self.landscape.hessian([self.bottom])[0, 0])
        sgd, sde = (stationary_variance(h, 1.0, self.config, name, driver="brownian") for name in ("sgd", "sde"))
        return self.temperature * float(sgd / sde)

    def brownian_time(self, temperature: float) -> float:
        """Mean exit time of Brownian motion, in updates."""
        time = mean_exit_time(self.noisy, temperature, self.bottom, stop=self.stop)
        return float(time) / self.config.mean_loss_time_per_update

    def __str__(self) -> str:
        momentum = f", m = {self.momentum:g}" if self.momentum else ""
        return f"{self.name}, N/B = {self.batches}{momentum}"


WELLS = (
    Well("quartic", QUARTIC, -1.0, "x > 0.5", 1100.0, 160),
    Well("quartic", QUARTIC, -1.0, "x > 0.5", 1100.0, 160, 0.9),
    Well("wide well", UNEQUAL, WIDE, f"x > {TOP}", 1100.0, 160),
    Well("narrow well", UNEQUAL, NARROW, f"x < {TOP}", 1100.0, 160),
)
#: Where the share of time in each of two wells of equal depth is measured.
SHARED = Well("unequal wells", UNEQUAL, NARROW, "", 1400.0, 160)


def brownian_share(temperature: float) -> float:
    """The share of time in the wide well under Brownian motion, exact."""
    found = stationary_density(SHARED.noisy, temperature, BOX).masses([BOX[0], TOP, BOX[1]])
    return float(found[0] / found.sum())


def nearest_share(share: float) -> float:
    """The share that comes nearest to this one, of Brownian motion at any T."""
    shares = np.array([brownian_share(SHARED.temperature * factor) for factor in TEMPERATURES])
    return float(shares[np.abs(shares - share).argmin()])


def brownian_density(temperature: float, x: Array) -> Array:
    """The stationary density of Brownian motion, exact."""
    return np.asarray(stationary_density(SHARED.noisy, temperature, BOX)(x))


def exit_check(context: Context, well: Well, paths: int) -> Check:
    """Mean exit times; that of the SDE is seen when SGD is, at the ends of updates."""
    longest = math.ceil(60 * well.brownian_time(well.temperature)) * 10
    arguments, scheme = (well.noisy, well.config, well.bottom, longest, paths), "baoab" if well.momentum else "heun"
    sgd = sg.simulate_sgd(*arguments, stop=well.stop, seed=context.seed("SGD", well))
    sde = sg.simulate_sde(
        *arguments, scheme=scheme, substeps=1, stop=well.stop, bridge=False, seed=context.seed("SDE", well)
    )
    own, other = (exits_of(run).mean_time(method="sample_mean") for run in (sgd, sde))
    ratio = other.mean / own.mean
    error = ratio * math.hypot(own.standard_error / own.mean, other.standard_error / other.mean)
    times = {SAME_T: well.temperature, FITTED_T: well.fitted}
    rivals = {name: well.brownian_time(temperature) / own.mean for name, temperature in times.items()}
    return Check(f"mean exit time, SDE ÷ SGD, {well}", 1.0, ratio, error, rivals)


def shares(context: Context, paths: int, epochs: int) -> tuple[Check, dict[str, sg.observations.Histogram]]:
    """The share of time in the wide one of two wells of equal depth."""
    well = SHARED
    updates = well.batches * epochs
    w0 = np.where(np.arange(paths) % 2, WIDE, NARROW)[:, None]
    observe = sg.Observe(histogram={"x": (-3.0, 2.0, 50)}, occupancy={"wide": f"x < {TOP}"})
    options: dict[str, Any] = {"burn_in": updates // 4, "observe": observe}
    arguments = (well.noisy, well.config, w0, updates, paths)
    sgd = whole(sg.simulate_sgd(*arguments, seed=context.seed("SGD", well), **options))
    sde = whole(sg.simulate_sde(*arguments, scheme="heun", substeps=1, seed=context.seed("SDE", well), **options))
    found = [run.occupancy["wide"] for run in (sgd, sde)]
    own, other = (float(each.value) for each in found)
    ratio = other / own
    error = ratio * math.hypot(*(float(each.standard_error / each.value) for each in found))
    rivals = {SAME_T: brownian_share(well.temperature) / own, ANY_T: nearest_share(own) / own}
    check = Check(f"share of time in the wide well, SDE ÷ SGD, {well}", 1.0, ratio, error, rivals)
    return check, {"SGD": sgd.histograms["x"], "SDE, a bridge in every epoch": sde.histograms["x"]}


def figure(histograms: dict[str, sg.observations.Histogram]) -> Figure:
    """Where SGD and its SDE spend their time, over Brownian motion at two temperatures."""
    own = np.asarray(next(iter(histograms.values())).density.value)
    shown = []
    for name, found in histograms.items():
        density, x = found.density, found.centres[0]
        kept = own > 0.02
        value, error = (np.asarray(each)[kept] for each in (density.value, density.standard_error))
        shown.append(Series(name, x[kept], value, error, own[kept]))
    fine = np.linspace(-3.0, 2.0, 300)
    temperatures = {"Brownian motion": SHARED.temperature, "Brownian motion, T fitted": SHARED.fitted}
    lines = [Line(name, fine, brownian_density(each, fine)) for name, each in temperatures.items()]
    return against_theory(shown, "ω", "density", lines, "linear", "linear", ratio="over SGD's", columns=2)
