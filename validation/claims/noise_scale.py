"""Smith & Le eqs 3–5: the summed gradient estimated from one batch has covariance ⟨αα⟩ = N(N/B − 1)F."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import sgdsde as sg
from validation.claim import Check, Finding, Plan
from validation.context import Context
from validation.measure import covariance_check

N, RATE, START = 64, 0.1, 1.5
WORDS = {
    "with_replacement": "with replacement",
    "without_replacement": "without replacement",
    "reshuffle": "reshuffled",
}
#: B of the epochs in which pairs of batches are compared, and the pairs.
EPOCH_BATCH, PAIRS = 16, ((0, 1), (0, 3), (1, 2))


@dataclass(frozen=True)
class Size:
    """Sample sizes and grid of one preset."""

    paths: int
    batch_sizes: tuple[int, ...]

    def plan(self, seconds: float) -> Plan:
        return Plan(len(WORDS) * len(self.batch_sizes) + len(PAIRS), seconds, self)


def noise_scale(context: Context) -> Finding:
    raise NotImplementedError


def measure_landscape(context: Context) -> dict[tuple[object, ...], Check]:
    """One update from one point: Δω = −ε(∇L + α/N), so ⟨αα⟩ is the covariance of Δω times N²/ε²."""
    size: Size = context.size
    landscape = sg.Landscape("x**4/4 - x**2/2", variables="x", covariance="1 + x**2/2")
    noise = float(landscape.covariance([START])[0, 0])
    checks: dict[tuple[object, ...], Check] = {}
    for sampling, batch in product(WORDS, size.batch_sizes):
        config = sg.SGDConfig(RATE, batch, N, sampling=sampling)
        seed = context.seed("landscape", sampling, batch)
        ensemble = sg.simulate_sgd(landscape, config, [START], 1, size.paths, seed=seed)
        law = float(sg.theory.summed_gradient_covariance(noise, config))
        unit = (N / RATE) ** 2
        checks["landscape", sampling, batch] = covariance_check(
            f"landscape, {WORDS[sampling]}, B = {batch}", ensemble, law, 1.1 * law, unit=unit, rounding=unit * 1e-25
        )
    return checks
