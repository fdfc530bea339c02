"""B near N: without replacement the noise vanishes with 1/B − 1/N, with replacement it stays; g ≈ εN/B sees neither."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from itertools import product

import numpy as np

import sgdsde as sg
from sgdsde.plotting import Line, against_theory
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.measure import covariance_check, series, whole

RATE, N, CURVATURE, NOISE, START = 0.25, 32, 1.0, 1.0, 1.0
SAMPLINGS = {"without_replacement": "without replacement", "with_replacement": "with replacement"}
#: Sums of N examples in another order: what is left of a variance that is zero, and of a mean.
ROUNDING = 1e-28
LARGE_N = "B ≪ N, c = 1/B"
BOWL = sg.landscapes.quadratic(h=CURVATURE, f=NOISE)


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    batch_sizes: tuple[int, ...]
    momenta: tuple[float, ...]


@claim(Size)
def batch_near_n(context: Context) -> Found:
    size: Size = context.size
    found: dict[tuple[str, int, str], Check] = {}
    for sampling, batch in product(SAMPLINGS, size.batch_sizes):
        config = sg.SGDConfig(RATE, batch, N, sampling=sampling)
        run = sg.simulate_sgd(BOWL, config, [START], 1, size.paths, seed=context.seed("update", sampling, batch))
        label = f"c of one update, {SAMPLINGS[sampling]}, B = {batch}"
        found[sampling, batch, "one update"] = _spread(label, run, config.batch_noise, 1 / batch, 1 / RATE**2 / NOISE)
        yield found[sampling, batch, "one update"]
        for m in size.momenta:
            spread = yield from _minimum(context, sampling, batch, m)
            found[sampling, batch, f"spread, m = {m:g}"] = spread
    yield Told({"n": N, "rate": RATE, "h": CURVATURE, "f": NOISE, "start": START})
    yield Drawing("near_n", _figure(found))


def _minimum(context: Context, sampling: str, batch: int, m: float) -> Generator[Check, None, Check]:
    """The stationary variance; without any noise also where gradient descent should be."""
    config = sg.SGDConfig(RATE, batch, N, m, sampling)
    decay = sg.theory.relaxation_time(CURVATURE, config) / 2
    settled, noiseless = math.ceil(8 * decay), config.batch_noise == 0
    last = settled + math.ceil(2 * decay)
    run = sg.simulate_sgd(
        BOWL, config, [START if noiseless else 0.0], last, context.size.paths,
        seed=context.seed("minimum", sampling, batch, m), burn_in=last - 1 if noiseless else settled,
    )  # fmt: skip
    # Every law is proportional to c, so that of any other sampling gives what c = 1/B would.
    other = sg.SGDConfig(RATE, 1, N, m)
    per_c = float(sg.theory.stationary_covariance(CURVATURE, NOISE, other, "sgd")[0, 0]) / other.batch_noise
    where = f"{SAMPLINGS[sampling]}, B = {batch}, m = {m:g}"
    spread = _spread(f"Var around a minimum, {where}", run, per_c * config.batch_noise, per_c / batch, 1.0)
    yield spread
    if noiseless:
        step = np.array([[1 - RATE * CURVATURE, m], [-RATE * CURVATURE, m]])  # of (ω, v)
        descent = float((np.linalg.matrix_power(step, last) @ [START, 0.0])[0])
        rivals = {LARGE_N: descent + math.sqrt(per_c / batch)}
        label = f"gradient descent after {last} updates, {where}"
        yield Check(label, descent, float(run.mean[0]), 0.0, rivals, rounding=math.sqrt(ROUNDING))
    return spread


def _spread(label: str, run: sg.Ensemble, predicted: float, wrong: float, unit: float) -> Check:
    """A variance times ``unit``; one that is predicted to vanish is held against what the rival says."""
    if predicted:
        return covariance_check(label, run, predicted, {LARGE_N: wrong}, unit=unit)
    found, error = (float(of[0, 0]) * unit for of in (whole(run).covariance, run.standard_error.covariance))
    return Check(label, 0.0, found, error, {LARGE_N: wrong}, rounding=ROUNDING * unit, scale=wrong)


def _figure(found: dict[tuple[str, int, str], Check]) -> sg.plotting.Figure:
    """c against B; c·B, so that what B ≪ N says is a level line. Where c = 0 there is no ratio to draw."""
    points, fine = [], np.linspace(min(batch for _, batch, _ in found), N, 100)
    for sampling, way in product(SAMPLINGS, ("one update", "spread, m = 0")):
        noise = {b: c for (s, b, w), c in found.items() if (s, w) == (sampling, "one update") and c.predicted}
        line = 1 - fine / N if sampling == "without_replacement" else np.full_like(fine, 1 - 1 / N)
        batches, checks = np.array(list(noise)), [found[sampling, batch, way] for batch in noise]
        unit = [check.predicted / c.predicted / batch for check, (batch, c) in zip(checks, noise.items(), strict=True)]
        points.append(series(f"{SAMPLINGS[sampling]}, {way}", batches / N, checks, fine / N, line, np.array(unit)))
    usual = Line("g ≈ εN/B", [fine[0] / N, 1.0], [1.0, 1.0])
    return against_theory(
        points, "B / N", "c·B   (noise in units of what B ≪ N says)", [usual], "linear", "linear",
        ratio="measured / exact", columns=2,
    )  # fmt: skip
