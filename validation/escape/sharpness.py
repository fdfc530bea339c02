"""Exit times against the curvature of the minimum, by the kind of noise: part of the claim ``sharp_vs_flat``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Figure, Line, against_theory
from sgdsde.statistics import Estimate
from validation.check import Check
from validation.context import Context
from validation.escape.occupancy import Exit, config_at
from validation.measure import series

#: ε/B and B, F/|H| of the noise that follows the curvature, and the curvature at which white noise is as strong.
RATIO, BATCH, PER_CURVATURE, EQUAL_AT = 0.006, 2, 50.0, 3.0
#: Slope of ln hτ against 1/h by Xie, Sato & Sugiyama for a barrier of 1 and equal curvatures of minimum and maximum.
PAPER_SLOPE = 2 / (RATIO * PER_CURVATURE)
#: ε h of one step of the SDE at most.
STEP = 0.03
#: By shape, model and curvature.
Checks = dict[tuple[str, str, float], Check]


class Shape(NamedTuple):
    """Losses with a barrier of 1 whose minimum, at `w0`/√h, has curvature h; their noise, and where paths end."""

    title: str
    loss: str
    noise: str
    w0: float
    stop: str
    scheme: str

    def exit(self, model: str, h: float) -> Exit:
        config = config_at(RATIO, BATCH)
        landscape = sg.Landscape(self.loss, "x", {"h": h}, noise_covariance=self.noise)
        steps = math.ceil(config.learning_rate * h / STEP)
        name = "SGD" if model == "SGD" else self.scheme
        return Exit(landscape, name, config, self.w0 / math.sqrt(h), self.stop, steps)


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
#: What is run: shape, model, and whether on the curvatures of the quartic.
CASES = (("hessian", "SDE", False), ("hessian", "SGD", False), ("white", "SDE", False), ("through zero", "SDE", True))


def sharpness_checks(
    context: Context, paths: int, curvatures: tuple[float, ...], on_quartic: int, quartic: tuple[float, ...]
) -> Iterator[tuple[tuple[str, str, float], Check]]:
    """Mean exit times from minima of many curvatures."""
    for name, model, other in CASES:
        for h in quartic if other else curvatures:
            case, number = (name, model, h), on_quartic if other else paths
            label = f"mean exit time, {SHAPES[name].title}, h = {h:g}, {model}"
            yield case, SHAPES[name].exit(model, h).check(label, number, context, "sharpness", *case)


def slope_checks(checks: Checks, curvatures: tuple[float, ...]) -> Iterator[Check]:
    """The slopes of ln hτ against 1/h by weighted least squares: predicted, and measured."""
    slopes = {name: _slope([checks[name, "SDE", h] for h in curvatures], curvatures) for name in ("hessian", "white")}
    for name, other in (("hessian", "white"), ("white", "hessian")):
        exact, found = slopes[name]
        rivals = {SHAPES[other].title: slopes[other][0]}
        label = f"slope of ln hτ against 1/h, {SHAPES[name].title}"
        yield Check.of(label, exact, found, rivals, scale=slopes["hessian"][0])


def _slope(checks: list[Check], curvatures: tuple[float, ...]) -> tuple[float, Estimate]:
    h = np.array(curvatures)
    weights = np.array([(check.measured / check.standard_error) ** 2 for check in checks])
    x = 1 / h - np.average(1 / h, weights=weights)
    share = weights * x / (weights @ x**2)
    exact, measured = (
        float(share @ np.log(h * [getattr(check, kind) for check in checks])) for kind in ("predicted", "measured")
    )
    return exact, Estimate(measured, 1 / math.sqrt(weights @ x**2))


def sharpness_figure(checks: Checks, curvatures: tuple[float, ...], quartic: tuple[float, ...]) -> Figure:
    """hτ in the time of the SDE against 1/h: a power of h is a horizontal line."""
    rate = RATIO * BATCH
    lines = []
    for name, model, other in CASES:
        cases = np.array(quartic if other else curvatures, dtype=float)
        fine = np.linspace(1 / cases.max(), 1 / cases.min(), 8)
        law = [rate / x * SHAPES[name].exit(model, 1 / x).exact for x in fine.tolist()]
        found = [checks[name, model, h] for h in cases]
        lines.append(series(f"{SHAPES[name].title}, {model}", 1 / cases, found, fine, law, 1 / (rate * cases)))
    ends = np.linspace(1 / max(curvatures), 1 / min(curvatures), 2)
    return against_theory(
        lines, "1 / h   (sharp to the left, flat to the right)", "h τ, τ in updates × ε",
        [Line("Xie et al., F ∝ |H|", ends, 2 * math.pi * np.exp(PAPER_SLOPE * ends))], x_scale="linear",
        ratio="measured / exact", columns=2,
    )  # fmt: skip
