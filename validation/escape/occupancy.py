"""Two minima of one variable: exact laws of the SDE and of SGD's updates, and measurements: for ``sharp_vs_flat``."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

import sgdsde as sg
from sgdsde.landscapes import find_saddle
from sgdsde.statistics import mean
from sgdsde.theory import mean_exit_time, sgd_exit_time, sgd_occupancy, stationary_density
from validation.check import Check
from validation.context import Context
from validation.escape import normal_quantiles
from validation.measure import exit_time, whole

Array = NDArray[np.float64]

#: Curvatures 8 at −1 and 2 at +1; −1 is deeper by `depth`, by a cubic that leaves both minima where they are.
LOSS = "(x**2 - 1)**2*(5/8 - 3/4*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4"
SHARP, WIDE = -1.0, 1.0
#: F. As the temperature is ε/B, no more than a scale of ε/B.
NOISE = 80.0
TWICE = "noise of twice the variance"
#: Beyond it, no path goes at any temperature that is asked for: L is 25 times T F/2 there; single updates go further.
BOX, BEYOND = (-2.3, 3.2), 0.5
#: Examples of SGD have no skewness, which would tilt the wells at order √(ε/B).
N = 512
EXAMPLES = normal_quantiles(N)
#: Relaxation times before the first snapshot and between snapshots, and number of snapshots.
SETTLED, BETWEEN, SNAPSHOTS = 8, 0.5, 24
#: Of the SDE, whose law does not depend on ε but through ε/B.
LONGEST_STEP = 0.02
#: Mean exit times that a run lasts: e⁻³⁰ of the paths would be left.
LASTING = 30


class Measured(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float


def config_at(ratio: float, batch: int = 0) -> sg.SGDConfig:
    """ε/B = `ratio`, drawn with replacement; without a batch size the largest whose ε is a step for the SDE."""
    size = batch or max(1, int(LONGEST_STEP / ratio))
    return sg.SGDConfig(ratio * size, size, N, sampling="with_replacement")


def wells(depth: float) -> sg.Landscape:
    """The sharp and the wide minimum, the sharp one lower by `depth`."""
    return sg.landscapes.sharp_flat(depth=depth, covariance=f"{NOISE}")


def top(landscape: sg.Landscape) -> float:
    """The maximum between the two minima."""
    return float(find_saddle(landscape, between=([SHARP], [WIDE]))[0])


def log_ratio(landscape: sg.Landscape, temperature: float) -> float:
    """Exact ln(p_wide/p_sharp) of the SDE.

    >>> import sgdsde.theory as theory
    >>> found, laplace = log_ratio(wells(0.0), 0.001), theory.occupancy_ratio(wells(0.0), 0.001, WIDE, SHARP)
    >>> abs(found - math.log(2)) < 0.02, math.isclose(laplace, 2.0)
    (True, True)
    """
    sharp, wide = stationary_density(landscape, temperature, BOX).masses([BOX[0], top(landscape), BOX[1]])
    return math.log(wide / sharp)


def update_log_ratio(landscape: sg.Landscape, config: sg.SGDConfig) -> float:
    """Exact ln(p_wide/p_sharp) of SGD whose batch means are normal."""
    sharp, wide = sgd_occupancy(landscape, config, [BOX[0] - BEYOND, top(landscape), BOX[1] + BEYOND])
    return math.log(wide / sharp)


def crossing(landscape: sg.Landscape, temperatures: tuple[float, float]) -> float:
    """The temperature between these two at which both wells are equally likely."""
    return float(brentq(lambda temperature: log_ratio(landscape, temperature), *temperatures, xtol=1e-12))


@functools.cache
def _legendre(count: int) -> tuple[Array, Array]:
    at, weights = np.polynomial.legendre.leggauss(count)
    return at, weights


def nodes(low: float, high: float, count: int = 600) -> tuple[Array, Array]:
    """Gauss–Legendre nodes and weights (count,) on an interval."""
    at, weights = _legendre(count)
    half = (high - low) / 2
    return low + half * (at + 1), half * weights


def simulated(
    model: str, landscape: sg.Landscape, config: sg.SGDConfig, start: Array, updates: int, seed: int, **options: Any
) -> sg.Ensemble:
    """Run SGD on `EXAMPLES`, or the SDE by the scheme of that name, which has second order here; no path diverges."""
    steps = options.pop("substeps", 1)
    if model == "SGD":
        run = sg.simulate_sgd(landscape, config, start, updates, len(start), examples=EXAMPLES, seed=seed, **options)
    else:
        options |= {"scheme": model, "substeps": steps, "seed": seed}
        run = sg.simulate_sde(landscape, config, start, updates, len(start), **options)
    return whole(run)


def measured_log_ratio(
    model: str, landscape: sg.Landscape, config: sg.SGDConfig, paths: int, seed: int,
    settled: float = SETTLED, snapshots: int = SNAPSHOTS,
) -> Measured:  # fmt: skip
    """ln(p_wide/p_sharp) from snapshots of paths of which half start in each minimum; paths are the sample."""
    middle = top(landscape)
    out, back = (
        mean_exit_time(landscape, config, start, stop=stop)
        for start, stop in ((SHARP, f"x > {middle!r}"), (WIDE, f"x < {middle!r}"))
    )
    every = math.ceil(BETWEEN / (0.5 / out + 0.5 / back))  # from the maximum half of the paths go back
    first = math.ceil(settled / BETWEEN)
    start = np.where(np.arange(paths) % 2, SHARP, WIDE)[:, None]
    run = simulated(model, landscape, config, start, (first + snapshots - 1) * every, seed, save_every=every)
    found = mean((run.snapshots[first:, :, 0] < middle).mean(axis=0))
    sharp, error = float(found.value), float(found.standard_error)
    return Measured(math.log((1 - sharp) / sharp), error / (sharp * (1 - sharp)))


class Exit(NamedTuple):
    """A landscape, SGD or a scheme of the SDE with its steps in an update; where paths start, and where they end."""

    landscape: sg.Landscape
    model: str
    config: sg.SGDConfig
    start: float
    stop: str
    substeps: int = 1

    @property
    def exact(self) -> float:
        """Mean exit time in updates, of the SDE or of SGD's updates."""
        law = sgd_exit_time if self.model == "SGD" else mean_exit_time
        return law(self.landscape, self.config, self.start, stop=self.stop)

    def check(self, label: str, paths: int, context: Context, *seed: object) -> Check:
        """Its mean exit time in updates."""
        at, config, stop = np.full((paths, 1), self.start), self.config, self.stop
        updates = math.ceil(LASTING * mean_exit_time(self.landscape, config, self.start, stop=stop))
        run = simulated(
            self.model, self.landscape, config, at, updates, context.seed(*seed), stop=stop, substeps=self.substeps
        )
        wrong = mean_exit_time(self.landscape, 2 * config.temperature, self.start, stop=stop) / config.learning_rate
        return Check.of(label, self.exact, exit_time(run), {TWICE: wrong})
