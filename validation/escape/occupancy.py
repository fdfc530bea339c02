"""Two minima of one variable: exact laws of the SDE and of SGD's updates, and measurements: for ``sharp_vs_flat``."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

import sgdsde as sg
from sgdsde.landscapes import find_saddle
from sgdsde.theory import mean_exit_time, sgd_exit_time, sgd_occupancy, stationary_density
from validation.check import Check
from validation.context import Context
from validation.escape import normal_quantiles
from validation.measure import Array, exit_time

#: Curvatures 8 at −1 and 2 at +1.
SHARP, WIDE = -1.0, 1.0
#: F. As the temperature is ε/B, no more than a scale of ε/B.
NOISE = 80.0
TWICE = "noise of twice the variance"
#: Beyond it, no path goes at any temperature that is asked for: L is 25 times T F/2 there; single updates go further.
BOX, BEYOND = (-2.3, 3.2), 0.5
#: Examples of SGD have no skewness, which would tilt the wells at order √(ε/B).
N = 512
EXAMPLES = normal_quantiles(N)
#: Of the SDE, whose law does not depend on ε but through ε/B.
LONGEST_STEP = 0.02
#: Mean exit times that a run lasts: e⁻³⁰ of the paths would be left.
LASTING = 30


def config_at(ratio: float, batch: int = 0, longest: float = LONGEST_STEP) -> sg.SGDConfig:
    """ε/B = `ratio`, drawn with replacement; without a batch size the largest whose ε is a step for the SDE."""
    size = batch or max(1, int(longest / ratio))
    return sg.SGDConfig(ratio * size, size, N, sampling="with_replacement")


def wells(depth: float) -> sg.Landscape:
    """The sharp and the wide minimum, the sharp one lower by `depth`."""
    return sg.landscapes.sharp_flat(depth=depth, noise_covariance=f"{NOISE}")


def top(landscape: sg.Landscape) -> float:
    """The maximum between the two minima."""
    return float(find_saddle(landscape, between=([SHARP], [WIDE]))[0])


def log_ratio(landscape: sg.Landscape, temperature: float, ridge: float | None = None) -> float:
    """Exact ln(p_wide/p_sharp) of the SDE, whose paths change sides at the ridge, the maximum by default.

    >>> import sgdsde.theory as theory
    >>> found, laplace = log_ratio(wells(0.0), 0.001), theory.occupancy_ratio(wells(0.0), 0.001, WIDE, SHARP)
    >>> abs(found - math.log(2)) < 0.02, math.isclose(laplace, 2.0)
    (True, True)
    """
    edges = [BOX[0], top(landscape) if ridge is None else ridge, BOX[1]]
    sharp, wide = stationary_density(landscape, temperature, BOX).masses(edges)
    return math.log(wide / sharp)


def update_log_ratio(landscape: sg.Landscape, config: sg.SGDConfig, ridge: float | None = None) -> float:
    """The same of SGD whose batch means are normal."""
    edges = [BOX[0] - BEYOND, top(landscape) if ridge is None else ridge, BOX[1] + BEYOND]
    sharp, wide = sgd_occupancy(landscape, config, edges)
    return math.log(wide / sharp)


def crossing(landscape: sg.Landscape, temperatures: tuple[float, float]) -> float:
    """The temperature between these two at which both wells are equally likely."""
    return float(brentq(lambda temperature: log_ratio(landscape, temperature), *temperatures, xtol=1e-12))


def fitted_root(x: Array, y: Array, errors: Array) -> tuple[float, float]:
    """Zero, with its error, of the parabola through points y ± errors at x; ValueError where it has not one of them.

    >>> x = np.linspace(1, 3, 9)
    >>> round(fitted_root(x, x - 2 + (x - 2) ** 2 / 9, np.full(9, 0.1))[0], 9)
    2.0
    """
    centre = float(np.mean(x))
    design = np.vander(x - centre, 3) / errors[:, None]
    coefficients, *_ = np.linalg.lstsq(design, y / errors, rcond=None)
    roots = [float(root.real) for root in np.roots(coefficients) if abs(root.imag) < 1e-12]
    inside = [root for root in roots if x.min() <= root + centre <= x.max()]
    if len(inside) != 1:
        raise ValueError(f"y must change its sign once between {x.min():g} and {x.max():g}, got {y.tolist()}")
    powers = np.array([inside[0] ** 2, inside[0], 1.0])
    slope = 2 * coefficients[0] * inside[0] + coefficients[1]
    scatter = math.sqrt(powers @ np.linalg.inv(design.T @ design) @ powers)
    return centre + inside[0], scatter / abs(float(slope))


class Exit(NamedTuple):
    """A landscape, SGD or a scheme of the SDE with its steps in an update; where paths start, and where they end."""

    landscape: sg.Landscape
    model: str
    config: sg.SGDConfig
    w0: float
    stop: str
    substeps: int = 1

    @property
    def exact(self) -> float:
        """Mean exit time in updates, of the SDE or of SGD's updates."""
        law = sgd_exit_time if self.model == "SGD" else mean_exit_time
        return law(self.landscape, self.config, self.w0, stop=self.stop)

    def check(self, label: str, paths: int, context: Context, *seed: object) -> Check:
        """Its mean exit time in updates."""
        config, stop = self.config, self.stop
        updates = math.ceil(LASTING * mean_exit_time(self.landscape, config, self.w0, stop=stop))
        options: dict[str, Any] = {"seed": context.seed(*seed), "stop": stop}
        if self.model == "SGD":
            run = sg.simulate_sgd(self.landscape, config, self.w0, updates, paths, examples=EXAMPLES, **options)
        else:
            options |= {"scheme": self.model, "substeps": self.substeps}
            run = sg.simulate_sde(self.landscape, config, self.w0, updates, paths, **options)
        wrong = mean_exit_time(self.landscape, 2 * config.temperature, self.w0, stop=stop) / config.learning_rate
        return Check.of(label, self.exact, exit_time(run), {TWICE: wrong})


#: How much deeper the sharp minimum is where the wide one has to win against that.
DEPTH = 0.15
WELLS = {"equal depth": wells(0.0), "deeper": wells(DEPTH)}
#: Exits end beyond the maximum, where a path does not turn back: start and condition.
EXITS = {"sharp": (SHARP, "x > 0.4"), "wide": (WIDE, "x < -0.7")}
#: Well, model, ε/B and B, 0 for the SDE.
Case = tuple[str, str, float, int]
Checks = dict[Case, Check]


def where(model: str, ratio: float, batch: int) -> str:
    """A case in words."""
    return f"{model}, ε/B = {ratio:g}" + (f", B = {batch}" if model == "SGD" else "")


def exact_log_ratio(name: str, model: str, ratio: float, batch: int) -> float:
    """Exact ln(p_wide/p_sharp) of a case: the SDE's, or that of SGD's updates."""
    config = config_at(ratio, batch)
    if model == "SGD":
        return update_log_ratio(WELLS[name], config)
    return log_ratio(WELLS[name], config.temperature)


def exit_of(name: str, model: str, ratio: float, batch: int) -> Exit:
    """How paths of a case leave its minimum, the sharp or the wide one of equal depth."""
    start, stop = EXITS[name]
    return Exit(WELLS["equal depth"], "heun" if model == "SDE" else model, config_at(ratio, batch), start, stop, 2)
