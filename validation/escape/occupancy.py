"""Two minima of one variable: exact laws of the SDE and of SGD's updates, and measurements: for ``sharp_vs_flat``."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

import sgdsde as sg
from sgdsde.landscapes import find_saddle
from sgdsde.statistics import mean
from validation.claim import Check
from validation.measure import whole

Array = NDArray[np.float64]
#: By landscape or minimum, model, ε/B and B (0 for the SDE).
Checks = dict[tuple[str, str, float, int], Check]

#: Curvatures 8 at −1 and 2 at +1; −1 is deeper by `depth`, by a cubic that leaves both minima where they are.
LOSS = "(x**2 - 1)**2*(5/8 - 3/4*x/(1 + x**2)) - depth*(2 - 3*x + x**3)/4"
SHARP, WIDE = -1.0, 1.0
#: F. As the temperature is ε/B, no more than a scale of ε/B.
NOISE = 80.0
TWICE = "noise of twice the variance"
#: Beyond it, no path goes at any temperature that is asked for: L is 25 times T F/2 there.
BOX = (-2.3, 3.2)
#: Single updates of SGD reach further.
BEYOND = 0.5
#: How much deeper the sharp minimum is where the wide one has to win against that.
DEPTH = 0.15
#: Exits end beyond the maximum, where a path does not turn back: start and condition.
EXITS = {"sharp": (SHARP, "x > 0.4"), "wide": (WIDE, "x < -0.7")}
#: Gauss–Legendre nodes on an interval.
NODES = 600
#: Examples of SGD: quantiles of the normal law. They have no skewness, which would tilt the wells at order √(ε/B).
N = 512
EXAMPLES = ndtri((np.arange(N) + 0.5) / N)[:, None]
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
    parameters = {"depth": depth, "noise": NOISE}
    return sg.Landscape(LOSS, "x", parameters, covariance="noise", name="sharp and wide")


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
    density = sg.theory.stationary_density(landscape, temperature, BOX)
    middle = top(landscape)
    sharp, wide = (
        float(density(at) @ weights) for at, weights in (nodes(BOX[0], middle, 200), nodes(middle, BOX[1], 200))
    )
    return math.log(wide / sharp)


def crossing(landscape: sg.Landscape, temperatures: tuple[float, float]) -> float:
    """The temperature between these two at which both wells are equally likely."""
    return float(brentq(lambda temperature: log_ratio(landscape, temperature), *temperatures, xtol=1e-12))


@functools.cache
def _legendre(count: int) -> tuple[Array, Array]:
    at, weights = np.polynomial.legendre.leggauss(count)
    return at, weights


def nodes(low: float, high: float, count: int = NODES) -> tuple[Array, Array]:
    """Gauss–Legendre nodes and weights (count,) on an interval."""
    at, weights = _legendre(count)
    half = (high - low) / 2
    return low + half * (at + 1), half * weights


def update_log_ratio(landscape: sg.Landscape, config: sg.SGDConfig) -> float:
    """Exact ln(p_wide/p_sharp) of SGD whose batch means are normal."""
    sharp, wide = sg.theory.sgd_occupancy(landscape, config, [BOX[0] - BEYOND, top(landscape), BOX[1] + BEYOND])
    return math.log(wide / sharp)


def simulated(
    model: str, landscape: sg.Landscape, config: sg.SGDConfig, start: Array, updates: int, seed: int, **options: Any
) -> sg.Ensemble:
    """Run SGD on `EXAMPLES`, or the SDE by the scheme of that name, which has second order here; no path diverges."""
    if model == "SGD":
        options = {key: value for key, value in options.items() if key != "substeps"}
        run = sg.simulate_sgd(
            landscape, config, start, updates, len(start), examples=EXAMPLES, seed=seed, **options
        )  # fmt: skip
    else:
        steps = {"substeps": 1, **options}
        run = sg.simulate_sde(landscape, config, start, updates, len(start), scheme=model, seed=seed, **steps)
    return whole(run)


def measured_log_ratio(model: str, landscape: sg.Landscape, config: sg.SGDConfig, paths: int, seed: int) -> Measured:
    """ln(p_wide/p_sharp) from snapshots of paths of which half start in each minimum; paths are the sample."""
    middle = top(landscape)
    out, back = (
        sg.theory.mean_exit_time(landscape, config, start, stop=stop)
        for start, stop in ((SHARP, f"x > {middle!r}"), (WIDE, f"x < {middle!r}"))
    )
    every = math.ceil(BETWEEN / (0.5 / out + 0.5 / back))  # from the maximum half of the paths go back
    first = math.ceil(SETTLED / BETWEEN)
    start = np.where(np.arange(paths) % 2, SHARP, WIDE)[:, None]
    run = simulated(model, landscape, config, start, (first + SNAPSHOTS - 1) * every, seed, save_every=every)
    found = mean((run.snapshots[first:, :, 0] < middle).mean(axis=0))
    sharp, error = float(found.value), float(found.standard_error)
    return Measured(math.log((1 - sharp) / sharp), error / (sharp * (1 - sharp)))


def measured_exit_time(
    model: str, landscape: sg.Landscape, config: sg.SGDConfig, start: float, stop: str, paths: int, seed: int,
    substeps: int = 1,
) -> Measured:  # fmt: skip
    """Mean number of updates until paths end; RuntimeError if one does not."""
    updates = math.ceil(LASTING * sg.theory.mean_exit_time(landscape, config, start, stop=stop))
    run = simulated(model, landscape, config, np.full((paths, 1), start), updates, seed, stop=stop, substeps=substeps)
    if run.exits is None or run.exits.censored:
        raise RuntimeError(f"paths did not end within {updates} updates in {run.label}")
    found = mean(run.exits.update)
    return Measured(float(found.value), float(found.standard_error))
