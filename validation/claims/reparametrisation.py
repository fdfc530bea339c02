"""Dinh et al. and Smith & Le: what a change of parameters does to sharpness, it does not do to the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import sgdsde as sg
from sgdsde.logistic import LogisticRegression
from sgdsde.theory import Coordinates, LinearMap, ReLUNetwork, cubic_map, sinh_map
from validation import coordinates as made
from validation.claim import Check, Drawing, Found, Told, claim
from validation.context import Context
from validation.coordinates import LAMBDA, TRUTH, reading, transported
from validation.formatting import plain

#: By how much numbers that theory says are equal may differ, in nats or relative: quadrature and rounding.
EXACT, ROUNDING = 1e-9, 1e-8
NO_JACOBIAN = "the Jacobian left out"
UNCHANGED = LinearMap(np.eye(2))
#: Each of two weights in a unit of its own; the determinant is 10.
SCALES = LinearMap(np.diag([100.0, 0.1]))
MAPS: dict[str, Coordinates] = {"ω₁ = 100θ₁, ω₂ = θ₂/10": SCALES, "ω = sinh θ": sinh_map(), "ω = θ + θ³/3": cubic_map()}
#: Singular values of the map of many weights, from least to largest.
STRETCH = (0.1, 1000.0)


@dataclass(frozen=True)
class Size:
    """N of the integrals; N and data sets of Laplace's shift; α and n of the network; weights of the large instance."""

    exact: tuple[int, ...]
    counts: tuple[int, ...]
    repeats: int
    alphas: tuple[float, ...]
    examples: int
    weights: int


@claim(Size)
def reparametrisation(context: Context) -> Found:
    size: Size = context.size
    yield from _plane(context, size.exact)
    yield from _orbit(made.random_network(size.examples, context.seed("network")), size.alphas)
    yield from _many_weights(context, size.weights)
    seeds = [context.seed("shift", repeat) for repeat in range(size.repeats)]
    shifts = made.measured_shifts(sinh_map(), size.counts, seeds)
    for what, power, found in (
        ("Laplace's shift, ω = sinh θ", -1.0, shifts.shift),
        ("what its first-order term leaves", -2.0, shifts.rest),
    ):
        # Beside a term in 1/N: at small N the terms after that show.
        order = sg.statistics.fit_order(1 / shifts.counts, found.value, found.standard_error, next_power=1)
        rivals = {"one power higher": power + 1}
        yield Check(f"power of N in {what}", power, -order.slope, order.standard_error, rivals)
    yield Drawing("laplace", made.shift_figure(shifts))


def _plane(context: Context, counts: Sequence[int]) -> Found:
    """Integrals over two weights of logistic regressions, in each map's coordinates."""
    gaps = []
    for n in counts:
        model = made.plane_examples(n, context.seed("plane", n))
        here, laplace = _exact(model, UNCHANGED), sg.theory.laplace_in_coordinates(model, LAMBDA, UNCHANGED, TRUTH)
        gaps.append(f"{laplace.log_evidence - here:+.2g} (N = {n})".replace("-", "−"))
        for name, each in MAPS.items():
            rivals = {NO_JACOBIAN: _exact(model, each, carried=False)}
            yield Check(f"ln evidence, N = {n}, {name}", here, _exact(model, each), 0.0, rivals, rounding=EXACT)
        if n == counts[0]:
            isotropic = _exact(made.rewritten(model, SCALES), UNCHANGED)
            label = "ln evidence with the prior left isotropic, weights rescaled"
            yield Check(label, here, isotropic, 0.0, rounding=EXACT)
    yield Told({"truth": TRUTH.tolist(), "penalty": LAMBDA, "exactly": EXACT, "gaps": ", ".join(gaps)})


def _orbit(network: ReLUNetwork, alphas: Sequence[float]) -> Found:
    """A network and its rescaled copies: evidence, sharpness, and what is read off the Hessian."""
    minimum, exact, grown = network.minimum(), {1.0: network.log_evidence()}, []
    for alpha in alphas:
        there, where = network.rescaled(minimum, alpha), f"network, α = {alpha:g}"
        exact[alpha] = network.log_evidence(alpha)
        rivals = {NO_JACOBIAN: network.log_evidence(alpha, carried=False)}
        yield Check(f"ln evidence, {where}", exact[1.0], exact[alpha], 0.0, rivals, rounding=EXACT)
        before, after = (_largest(network.hessian(w)) for w in (minimum, there))
        grown.append(_grown(where, before, after, _largest(transported(network, minimum, alpha))))
        yield grown[-1]
        label = f"evidence read off the Hessian under the isotropic prior as at α = 1, {where}"
        yield Check(label, reading(network, minimum), reading(network, there), 0.0, rounding=EXACT)
    yield Drawing("orbit", made.orbit_figure(network, exact))
    lifted = network.cost(there) - network.cost(minimum)
    facts = {"both": network.inputs.size, "own": network.regularization, "largest": max(c.measured for c in grown)}
    read = {"read": plain(reading(network, there)), "true": plain(exact[alpha])}
    yield Told(facts | read | {"last": alpha, "lifted": plain(lifted)})


def _exact(model: LogisticRegression, coordinates: Coordinates, *, carried: bool = True) -> float:
    return sg.theory.log_evidence_in_coordinates(model, LAMBDA, coordinates, TRUTH, carried=carried).value


def _largest(hessian: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(hessian)[-1])


def _grown(where: str, before: float, after: float, predicted: float) -> Check:
    """The largest eigenvalue over what it was before the map."""
    label, ratio = f"largest eigenvalue, {where}, over that before", predicted / before
    return Check(label, ratio, after / before, 0.0, {"sharpness unchanged": 1.0}, rounding=ROUNDING * abs(ratio))


def _many_weights(context: Context, dimension: int) -> Found:
    """Smith & Le's toy task under a random linear map: Laplace's evidence, and the largest eigenvalue."""
    model = made.toy_examples(dimension, context.seed("toy", dimension))
    stretched = made.random_map(dimension, *STRETCH, context.seed("map", dimension))
    fit, where, share = model.fit(LAMBDA), f"{dimension} weights, random linear map", LAMBDA * np.eye(dimension)
    here = sg.theory.evidence_of_fit(model, fit).log_evidence
    there = sg.theory.laplace_in_coordinates(model, LAMBDA, stretched, np.zeros(dimension))
    rivals = {NO_JACOBIAN: here - float(stretched.log_volume(there.theta))}
    label, rounding = f"ln evidence by Laplace, {where}", ROUNDING * abs(here)
    yield Check(label, here, there.log_evidence, 0.0, rivals, rounding=rounding)
    before = model.hessian(fit.weights, LAMBDA) - share
    after = made.rewritten(model, stretched).hessian(there.theta, LAMBDA) - share
    predicted = sg.theory.transformed_hessian(before, stretched.matrix)
    yield _grown(where, *map(_largest, (before, after, predicted)))
