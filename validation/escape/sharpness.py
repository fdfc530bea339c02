"""Exit times against the curvature of the minimum, by the kind of noise: part of the claim ``sharp_vs_flat``."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from sgdsde.theory import mean_exit_time, sgd_exit_time
from validation.claim import Check, Picture
from validation.context import Context
from validation.escape.occupancy import TWICE, Array, Measured, config_at, measured_exit_time

#: ε/B and B, F/|H| of the noise that follows the curvature, and the curvature at which white noise is as strong.
RATIO, BATCH, PER_CURVATURE, EQUAL_AT = 0.006, 2, 50.0, 3.0
#: Slope of ln hτ against 1/h by Xie, Sato & Sugiyama for a barrier of 1 and equal curvatures of minimum and maximum.
PAPER_SLOPE = 2 / (RATIO * PER_CURVATURE)
#: ε h of one step of the SDE at most.
STEP = 0.03
Checks = dict[tuple[str, str, float], Check]


class Shape(NamedTuple):
    """Losses with a barrier of 1 whose minimum, at `start`/√h, has curvature h; their noise, and where paths end."""

    title: str
    loss: str
    noise: str
    start: float
    stop: str
    scheme: str

    def landscape(self, h: float) -> sg.Landscape:
        return sg.Landscape(self.loss, "x", {"h": h}, covariance=self.noise)


_PARABOLAS, _QUARTIC = "h*(x**2/2 - max(x - 1/sqrt(h), 0)**2)", "(h*x**2/8 - 1)**2"
#: Paths end beyond the maximum, at 2/√h and at 0.
SHAPES = {
    "hessian": Shape("F = 50 |H|", _PARABOLAS, f"{PER_CURVATURE}*h", 0.0, "x > 3/sqrt(h)", "heun"),
    "white": Shape("F = 150", _PARABOLAS, f"{PER_CURVATURE * EQUAL_AT}", 0.0, "x > 3/sqrt(h)", "heun"),
    "through zero": Shape(
        "F = 50 |H|, floor 0.3 h", _QUARTIC, f"{PER_CURVATURE}*h*sqrt((3*h*x**2/16 - 1/2)**2 + 0.3**2)",
        -math.sqrt(8), "x > 0.4*sqrt(8/h)", "sriw1",
    ),
}  # fmt: skip


def sharpness_checks(
    context: Context, paths: int, curvatures: tuple[float, ...], quartic: tuple[float, ...]
) -> tuple[Checks, dict[str, Check]]:
    """Mean exit times from minima of many curvatures, and the slopes of their logarithms."""
    cases = [("hessian", model, h) for model in ("SDE", "SGD") for h in curvatures]
    cases += [("white", "SDE", h) for h in curvatures] + [("through zero", "SDE", h) for h in quartic]
    found = {case: _check(context, paths, *case) for case in cases}
    lines = {name: _slope([found[name, "SDE", h] for h in curvatures], curvatures) for name in ("hessian", "white")}
    slopes = {}
    for name, other in (("hessian", "white"), ("white", "hessian")):
        exact, measured = lines[name]
        label = f"slope of ln hτ against 1/h, {SHAPES[name].title}"
        slopes[name] = Check(label, exact, *measured, {SHAPES[other].title: lines[other][0]}, scale=lines["hessian"][0])
    return found, slopes


def _check(context: Context, paths: int, name: str, model: str, h: float) -> Check:
    shape, config = SHAPES[name], config_at(RATIO, BATCH)
    landscape, start = shape.landscape(h), shape.start / math.sqrt(h)
    measured = measured_exit_time(
        "SGD" if model == "SGD" else shape.scheme, landscape, config, start, shape.stop, paths,
        context.seed("sharpness", name, model, h), math.ceil(config.learning_rate * h / STEP),
    )  # fmt: skip
    wrong = mean_exit_time(landscape, 2 * config.temperature, start, stop=shape.stop) / config.learning_rate
    return Check(f"mean exit time, {shape.title}, h = {h:g}, {model}", _law(name, model, h), *measured, {TWICE: wrong})


def _law(name: str, model: str, h: float) -> float:
    """Exact, in updates."""
    shape, config = SHAPES[name], config_at(RATIO, BATCH)
    start = shape.start / math.sqrt(h)
    exact = sgd_exit_time if model == "SGD" else mean_exit_time
    return exact(shape.landscape(h), config, start, stop=shape.stop)


def _slope(checks: list[Check], curvatures: tuple[float, ...]) -> tuple[float, Measured]:
    """The slope of ln hτ against 1/h by weighted least squares: predicted, and measured."""
    h = np.array(curvatures)
    weights = np.array([(check.measured / check.standard_error) ** 2 for check in checks])
    x = 1 / h - np.average(1 / h, weights=weights)
    share = weights * x / (weights @ x**2)
    exact, measured = (
        float(share @ np.log(h * [getattr(check, kind) for check in checks])) for kind in ("predicted", "measured")
    )
    return exact, Measured(measured, 1 / math.sqrt(weights @ x**2))


def sharpness_picture(checks: Checks, curvatures: tuple[float, ...], quartic: tuple[float, ...]) -> Picture:
    """hτ in the time of the SDE against 1/h: a power of h is a horizontal line."""
    rate = RATIO * BATCH

    def series(name: str, model: str, cases: tuple[float, ...]) -> Series:
        found = [checks[name, model, h] for h in cases]
        unit = rate * np.array(cases)
        fine: Array = np.linspace(1 / max(cases), 1 / min(cases), 15)
        return Series(
            f"{SHAPES[name].title}, {model}",
            1 / np.array(cases),
            [check.measured for check in found] * unit,
            [check.standard_error for check in found] * unit,
            [check.predicted for check in found] * unit,
            fine,
            [rate / x * _law(name, model, 1 / x) for x in fine.tolist()],
        )

    ends = np.linspace(1 / max(curvatures), 1 / min(curvatures), 2)
    figure = against_theory(
        [
            *(series("hessian", model, curvatures) for model in ("SDE", "SGD")),
            series("white", "SDE", curvatures),
            series("through zero", "SDE", quartic),
        ],
        "1 / h   (sharp to the left, flat to the right)",
        "h τ, τ in updates × ε",
        [Line("Xie et al.", ends, 2 * math.pi * np.exp(PAPER_SLOPE * ends))],
        x_scale="linear",
        ratio="measured / exact",
        columns=2,
    )
    caption = (
        "Mean exit times over a barrier of 1 from minima of curvature h, times h. With noise that is the same "
        "everywhere sharpness is but the factor 1/h; where F ∝ |H| it is exponential. On the quartic F follows the "
        "curvature through zero half way up, and paths stay far longer. Bars are one standard error."
    )
    alt = "On a log axis hτ is level for white noise and a straight line in 1/h for F ∝ |H|, steeper on the quartic."
    return Picture("sharpness", caption, alt, figure)
