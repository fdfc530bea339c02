"""Sharp and wide minima: how long paths stay in each, which is occupied, and what the noise has to do with it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.theory import crossing_temperature, mean_exit_time, sgd_exit_time
from validation.claim import Check, Finding, Plan, claim
from validation.context import Context
from validation.escape.occupancy import (
    DEPTH,
    EXITS,
    NOISE,
    SHARP,
    TWICE,
    WIDE,
    Array,
    Checks,
    Measured,
    N,
    config_at,
    crossing,
    log_ratio,
    measured_exit_time,
    measured_log_ratio,
    update_log_ratio,
    wells,
)
from validation.escape.occupancy_pictures import exit_picture, occupancy_picture
from validation.escape.sharpness import PAPER_SLOPE, RATIO, sharpness_checks, sharpness_picture
from validation.sizes import plans


@dataclass(frozen=True)
class Size:
    """Paths, the ε/B of each part, batch sizes of SGD, and curvatures of the minimum: all, and of the quartic."""

    paths: int
    equal: tuple[float, ...]
    deeper: tuple[float, ...]
    exits: tuple[float, ...]
    sgd: tuple[float, ...]
    batches: tuple[int, ...]
    curvatures: tuple[float, ...]
    quartic: tuple[float, ...]

    def plan(self, seconds: float) -> Plan:
        occupied = len(self.equal) + len(self.deeper) + 1
        escaping = 3 * len(self.curvatures) + 2 + len(self.quartic)
        return Plan(occupied + 2 * len(self.exits) + 3 * len(self.sgd) * len(self.batches) + escaping, seconds, self)


@claim(
    title="Wide minima win as the SDE says, and exponentially so where the noise follows the curvature",
    statement=(
        "Of two minima of the same depth the wider is occupied longer, by about the root of the ratio of curvatures; "
        "that changes with ε/B as the exact density says. Where the sharp one is deeper, the wide one wins above one "
        "ε/B. Mean exit times from both are the exact ones, whose logarithms rise as 1/(ε/B). At a fixed barrier and "
        "noise everywhere the same, sharpness enters exit times as a power, 1/h; where F ∝ H, exponentially. SGD does "
        "all of it too, off by O(ε), as the exact law of its updates says."
    ),
    formula="ln(p_A/p_B) ≈ ½ ln(det H_B/det H_A) + 2B(L_B − L_A)/(εσ²);    F = H:  ln τ ≈ 2BΔL/(εH) + ln(2π/H)",
    source=(
        "Jastrzębski et al., Three Factors, arXiv 1711.04623; Xie, Sato & Sugiyama, arXiv 2002.03495; exact laws of "
        "one dimension (Gardiner, Handbook of Stochastic Methods, §5)"
    ),
    plans=plans("sharp_vs_flat", Size),
)
def sharp_vs_flat(context: Context) -> Finding:
    size: Size = context.size
    equal, deeper = wells(0.0), wells(DEPTH)
    sgd = [(ratio, batch) for ratio in size.sgd for batch in size.batches]
    checks = _occupied(context, "equal", equal, [("SDE", ratio, 0) for ratio in size.equal])
    checks |= _occupied(context, "deeper", deeper, [("SDE", ratio, 0) for ratio in size.deeper])
    context.progress(0.5)
    crossed = _crossing_check(checks, deeper, size)
    checks |= _occupied(context, "equal", equal, [("SGD", *case) for case in sgd])
    context.progress(0.7)
    checks |= _exits(context, equal, [("SDE", ratio, 0) for ratio in size.exits] + [("SGD", *case) for case in sgd])
    context.progress(0.8)
    escapes, slopes = sharpness_checks(context, size.paths, size.curvatures, size.quartic)
    laplace = crossing_temperature(deeper, WIDE, SHARP) / config_at(1.0, 1).temperature
    exact = crossed.predicted
    shift = max(sgd, key=lambda case: case[0] * case[1])
    moved = checks["equal", "SGD", *shift].predicted - log_ratio(equal, config_at(*shift).temperature)
    return Finding(
        (*checks.values(), crossed, *escapes.values(), *slopes.values()),
        headline=crossed.label,
        pictures=(
            occupancy_picture(checks),
            exit_picture(checks),
            sharpness_picture(escapes, size.curvatures, size.quartic),
        ),
        method=(
            f"One variable, minima at ∓1 of curvature 8 and 2, F = {NOISE:g}; {size.paths:,} independent paths for "
            "each number. Occupancies: half of the paths start in each minimum, snapshots after 8 relaxation times. "
            "The SDE is integrated by a scheme whose stationary law is of second order in the step, exit times by "
            "Heun's and SRIW1, paths that cross inside a step included. SGD draws batches with replacement from the "
            f"N = {N} quantiles of the normal law (examples with a skewness tilt the wells at order √(ε/B)) and is "
            "held against the law of its own updates for normal batch means, an integral equation on Gauss–Legendre "
            "nodes. The crossing is the zero of a parabola through the log ratios. Sharpness: losses with a barrier of "
            f"1 at ε/B = {RATIO:g}, ε = {2 * RATIO:g}; slopes of ln hτ against 1/h by weighted least squares."
        ),
        notes=(
            f"The wide minimum wins beyond ε/B = {exact:.5f} exactly, {crossed.measured:.5f} ± "
            f"{crossed.standard_error:.5f} measured; Laplace's approximation has {laplace:.5f}, "
            f"{100 * (laplace / exact - 1):+.0f} %.",
            f"SGD at ε = {shift[0] * shift[1]:g} favours the wide minimum by {moved:+.3f} more in ln(p_wide/p_sharp) "
            "than the SDE at the same ε/B, and by half of it at half of that ε.",
            f"Slope of ln hτ against 1/h where F ∝ H on parabolas: {slopes['hessian'].predicted:.3g} exactly, "
            f"{PAPER_SLOPE:.3g} by Xie et al. On the quartic F follows the curvature through zero half "
            "way up, but for a floor of 0.3 h: paths are held up there, and leave far later than their formula with "
            "the noise of minimum and saddle says.",
        ),
    )


def _occupied(context: Context, name: str, landscape: sg.Landscape, cases: Iterable[tuple[str, float, int]]) -> Checks:
    found: Checks = {}
    for model, ratio, batch in cases:
        config, scheme = config_at(ratio, batch), "leimkuhler_matthews" if model == "SDE" else model
        seed = context.seed(name, model, ratio, batch)
        measured = measured_log_ratio(scheme, landscape, config, context.size.paths, seed)
        exact = log_ratio(landscape, config.temperature)
        predicted = exact if model == "SDE" else update_log_ratio(landscape, config)
        label = f"ln(p_wide/p_sharp), {name if name == 'deeper' else 'equal depth'}, {_where(model, ratio, batch)}"
        wrong = log_ratio(landscape, 2 * config.temperature)
        found[name, model, ratio, batch] = Check(label, predicted, *measured, {TWICE: wrong}, scale=1.0)
    return found


def _where(model: str, ratio: float, batch: int) -> str:
    return f"{model}, ε/B = {ratio:g}" + (f", B = {batch}" if model == "SGD" else "")


def _crossing_check(checks: Checks, landscape: sg.Landscape, size: Size) -> Check:
    """In ε/B, to which T is proportional."""
    found = [checks["deeper", "SDE", ratio, 0] for ratio in size.deeper]
    x, errors = np.log(size.deeper), np.array([check.standard_error for check in found])
    root, scatter = fitted_root(x, np.array([check.measured for check in found]), errors)
    per_ratio = config_at(1.0, 1).temperature
    exact = crossing(landscape, (size.deeper[0] * per_ratio, size.deeper[-1] * per_ratio)) / per_ratio
    curved = math.exp(fitted_root(x, np.array([check.predicted for check in found]), errors).value) - exact
    return Check(
        "ε/B beyond which the wide minimum wins", exact, math.exp(root), math.exp(root) * scatter, {TWICE: exact / 2},
        rounding=abs(curved),  # of the parabola through the exact log ratios
    )  # fmt: skip


def _exits(context: Context, landscape: sg.Landscape, cases: Iterable[tuple[str, float, int]]) -> Checks:
    found: Checks = {}
    for model, ratio, batch in cases:
        config, scheme = config_at(ratio, batch), "heun" if model == "SDE" else model
        for name, (start, stop) in EXITS.items():
            seed = context.seed("exit", name, model, ratio, batch)
            measured = measured_exit_time(scheme, landscape, config, start, stop, context.size.paths, seed, 2)
            exact = mean_exit_time(landscape, config, start, stop=stop)
            predicted = exact if model == "SDE" else sgd_exit_time(landscape, config, start, stop=stop)
            wrong = mean_exit_time(landscape, 2 * config.temperature, start, stop=stop) / config.learning_rate
            label = f"mean exit time from the {name} minimum, {_where(model, ratio, batch)}"
            found[name, model, ratio, batch] = Check(label, predicted, *measured, {TWICE: wrong})
    return found


def fitted_root(x: Array, y: Array, errors: Array) -> Measured:
    """Zero of the parabola through points y ± errors at x, by weighted least squares; ValueError where it has none.

    >>> x = np.linspace(1, 3, 9)
    >>> round(fitted_root(x, x - 2 + (x - 2) ** 2 / 9, np.full(9, 0.1)).value, 9)
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
    return Measured(centre + inside[0], scatter / abs(float(slope)))
