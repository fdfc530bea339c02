"""B near N: without replacement the noise vanishes with 1/B − 1/N, with replacement it stays; g ≈ εN/B sees neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, Series, against_theory
from validation.claim import Check, Finding, Picture, Plan, claim
from validation.context import Context
from validation.measure import covariance_check, whole
from validation.sizes import plans

RATE, N, CURVATURE, NOISE, START = 0.25, 32, 1.0, 1.0, 1.0
SAMPLINGS = {"without_replacement": "without replacement", "with_replacement": "with replacement"}
#: Sums of N examples in another order: what is left of a variance that is zero, and of a mean.
ROUNDING = 1e-28
LARGE_N = "B ≪ N, c = 1/B"
Key = tuple[str, str, int, float]


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    batch_sizes: tuple[int, ...]
    momenta: tuple[float, ...]

    def plan(self, seconds: float) -> Plan:
        grid = len(SAMPLINGS) * len(self.batch_sizes)
        return Plan(grid * (1 + len(self.momenta)) + len(self.momenta), seconds, self)


@claim(
    title="Near B = N the noise depends on how batches are drawn",
    statement=(
        "Drawn without replacement, a batch of all examples is the full gradient: the noise vanishes as 1/B − 1/N, "
        "and at B = N SGD is gradient descent, without any spread. Drawn with replacement the noise is (N − 1)/(NB), "
        "at B = N nearly as strong as at half that batch size without. The usual g ≈ εN/B is too large by the factor "
        "1/(1 − B/N): 8/7 at B = N/8, N at B = N − 1, and without bound at B = N."
    ),
    formula="without replacement:  c = 1/B − 1/N\nwith replacement:  c = (N − 1)/(NB)",
    source="Smith & Le, arXiv 1710.06451, §4, before its approximation B ≪ N; sampling from finite populations",
    plans=plans("batch_near_n", Size),
)
def batch_near_n(context: Context) -> Finding:
    size: Size = context.size
    checks: dict[Key, Check] = {}
    grid = list(product(SAMPLINGS, size.batch_sizes))
    for done, (sampling, batch) in enumerate(grid):
        context.progress(done / len(grid))
        checks |= _one_update(context, sampling, batch)
        for m in size.momenta:
            checks |= _minimum(context, sampling, batch, m)
    return Finding(
        tuple(checks.values()),
        headline=checks["update", "without_replacement", size.batch_sizes[-2], 0.0].label,
        pictures=(_picture(checks, size),),
        method=(
            f"{size.paths:,} independent paths for each batch size and sampling in a quadratic minimum (N = {N}, ε = "
            f"{RATE:g}, h = {CURVATURE:g}, F = {NOISE:g}). c is the variance of one update over ε²F; the stationary "
            "variance is taken after the transient has decayed by e⁸, against the exact law of SGD with this c. At B = "
            f"N without replacement every path must be gradient descent from ω = {START:g}: no spread beyond rounding."
        ),
    )


def _bowl() -> sg.Landscape:
    return sg.Landscape("h*x**2/2", variables="x", parameters={"h": CURVATURE}, covariance=NOISE)


def _checked(label: str, run: sg.Ensemble, predicted: float, wrong: float, unit: float) -> Check:
    """A variance times ``unit``; one that is predicted to vanish is held against what the rival says."""
    if predicted:
        return covariance_check(label, run, predicted, {LARGE_N: wrong}, unit=unit)
    found, error = (float(of[0, 0]) * unit for of in (whole(run).covariance, run.standard_error.covariance))
    return Check(label, 0.0, found, error, {LARGE_N: wrong}, rounding=ROUNDING * unit, scale=wrong)


def _one_update(context: Context, sampling: str, batch: int) -> dict[Key, Check]:
    config = sg.SGDConfig(RATE, batch, N, sampling=sampling)
    paths, seed = context.size.paths, context.seed("update", sampling, batch)
    run = sg.simulate_sgd(_bowl(), config, [START], 1, paths, seed=seed)
    label = f"c of one update, {SAMPLINGS[sampling]}, B = {batch}"
    return {("update", sampling, batch, 0.0): _checked(label, run, config.batch_noise, 1 / batch, 1 / RATE**2 / NOISE)}


def _minimum(context: Context, sampling: str, batch: int, m: float) -> dict[Key, Check]:
    config = sg.SGDConfig(RATE, batch, N, momentum=m, sampling=sampling)
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
    settled = math.ceil(8 * decay)
    noiseless = config.batch_noise == 0
    updates = settled + math.ceil(2 * decay)
    run = sg.simulate_sgd(
        _bowl(), config, [START if noiseless else 0.0], updates, context.size.paths,
        seed=context.seed("minimum", sampling, batch, m), burn_in=updates - 1 if noiseless else settled,
    )  # fmt: skip
    # Every law is proportional to c, so that of any other sampling gives what c = 1/B would.
    other = sg.SGDConfig(RATE, 1, N, momentum=m)
    per_c = float(sg.theory.stationary_covariance(CURVATURE, NOISE, other, dynamics="sgd")[0, 0]) / other.batch_noise
    where = f"{SAMPLINGS[sampling]}, B = {batch}, m = {m:g}"
    found = {
        ("minimum", sampling, batch, m): _checked(
            f"Var around a minimum, {where}", run, per_c * config.batch_noise, per_c / batch, 1.0
        )
    }
    if noiseless:
        descent = float((np.linalg.matrix_power(_step(m), updates) @ [START, 0.0])[0])
        found["descent", sampling, batch, m] = Check(
            f"gradient descent after {updates} updates, {where}",
            descent,
            float(run.mean[0]),
            0.0,
            {LARGE_N: descent + math.sqrt(per_c / batch)},
            rounding=math.sqrt(ROUNDING),
        )
    return found


def _step(m: float) -> np.ndarray:
    """One update of (ω, v) without noise."""
    p = RATE * CURVATURE
    return np.array([[1 - p, m], [-p, m]])


def _picture(checks: dict[Key, Check], size: Size) -> Picture:
    """c against B; c·B, so that what B ≪ N says is a level line."""
    series = []
    for sampling, title in SAMPLINGS.items():
        # Where nothing is predicted there is no ratio to draw; the table has the number.
        found = {batch: checks["update", sampling, batch, 0.0] for batch in size.batch_sizes}
        noisy = {batch: check for batch, check in found.items() if check.predicted}
        batches = np.array(list(noisy))
        fine = np.linspace(min(batches), N, 100)
        line = 1 - fine / N if sampling == "without_replacement" else np.full_like(fine, 1 - 1 / N)
        for name, source in (("one update", "update"), ("spread, m = 0", "minimum")):
            drawn = [checks[source, sampling, batch, 0.0] for batch in noisy]
            unit = batches * np.array([check.predicted for check in noisy.values()])
            scale = unit / np.array([check.predicted for check in drawn])
            series.append(
                Series(
                    f"{title}, {name}",
                    batches / N,
                    [check.measured for check in drawn] * scale,
                    [check.standard_error for check in drawn] * scale,
                    unit,
                    fine / N,
                    line,
                )
            )
    figure = against_theory(
        series,
        "B / N",
        "c·B   (noise in units of what B ≪ N says)",
        [Line("g ≈ εN/B", [min(size.batch_sizes) / N, 1.0], [1.0, 1.0])],
        x_scale="linear",
        y_scale="linear",
        ratio="measured / exact",
        columns=2,
    )
    caption = (
        f"Strength of the gradient noise near B = N = {N}, from single updates and from the spread around a minimum. "
        "Without replacement it falls to zero, with replacement it stays (N − 1)/N of the approximation g ≈ εN/B. "
        "Bars are one standard error."
    )
    alt = "Without replacement the points fall on 1 − B/N to zero; with replacement they stay on 1 − 1/N."
    return Picture("near_n", caption, alt, figure)
