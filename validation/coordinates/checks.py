"""What the claim about reparametrisation checks without data sets to average over: its numbers are exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.theory import evidence_of_fit
from sgdsde.theory.coordinates import ComponentwiseMap, Coordinates, LinearMap, cubic_map, sinh_map
from sgdsde.theory.reparametrisation import transformed_hessian
from validation.claim import Check
from validation.context import Context
from validation.coordinates.laplace_shift import (
    LAMBDA,
    UNCHANGED,
    exact_log_evidence,
    laplace,
    loss_hessian,
    plane_examples,
    random_map,
    rewritten,
    toy_examples,
)
from validation.coordinates.rescaled_network import Place, sharpness

Array = NDArray[np.float64]

#: By how much numbers that theory says are equal may differ, in nats or relative: quadrature and rounding.
EXACT, ROUNDING = 1e-9, 1e-8
NO_JACOBIAN = "the Jacobian left out"
#: Each of two weights in a unit of its own; the determinant is 10.
SCALES = LinearMap(np.diag([100.0, 0.1]))
MAPS: dict[str, Coordinates] = {"ω₁ = 100θ₁, ω₂ = θ₂/10": SCALES, "ω = sinh θ": sinh_map(), "ω = θ + θ³/3": cubic_map()}
CURVED: ComponentwiseMap = sinh_map()
#: Singular values of the map of many weights, from least to largest.
STRETCH = (0.1, 1000.0)
#: Of sharpness, in the order of `rescaled_network.sharpness`.
MEASURES = ("largest eigenvalue", "trace", "determinant")


def integral_checks(context: Context, counts: tuple[int, ...]) -> tuple[tuple[Check, ...], dict[int, float]]:
    """Evidence in each map's coordinates against that in ω, and by how much Laplace's approximation misses it."""
    checks, gaps = [], {}
    for n in counts:
        model = plane_examples(n, context.seed("plane", n))
        plain = exact_log_evidence(model, UNCHANGED).value
        gaps[n] = laplace(model, UNCHANGED).log_evidence - plain
        for name, coordinates in MAPS.items():
            there = exact_log_evidence(model, coordinates).value
            forgotten = exact_log_evidence(model, coordinates, carried=False).value
            checks.append(
                Check(f"ln evidence, N = {n}, {name}", plain, there, 0.0, {NO_JACOBIAN: forgotten}, rounding=EXACT)
            )
    return tuple(checks), gaps


def rescaling_checks(context: Context, n: int) -> tuple[Check, ...]:
    """Weights rescaled one by one: Laplace's evidence, sharpness, and the evidence under a prior left behind."""
    model = plane_examples(n, context.seed("plane", n))
    fit, there = model.fit(LAMBDA), laplace(model, SCALES)
    here = evidence_of_fit(model, fit).log_evidence
    lost = float(SCALES.log_volume(fit.weights))
    h, other = loss_hessian(model, fit.weights), rewritten(model, SCALES)
    label = "ln evidence by Laplace, weights rescaled"
    checks = [Check(label, here, there.log_evidence, 0.0, {NO_JACOBIAN: here - lost}, rounding=EXACT)]
    before, after = sharpness(h), sharpness(loss_hessian(other, there.theta))
    theory = sharpness(transformed_hessian(h, SCALES.matrix))
    for name, was, now, predicted in zip(MEASURES, before, after, theory, strict=True):
        checks.append(_grown(f"{name}, weights rescaled", was, now, predicted))
    isotropic = exact_log_evidence(other, UNCHANGED).value
    plain = exact_log_evidence(model, UNCHANGED).value
    label = "ln evidence with the prior left isotropic, weights rescaled"
    checks.append(Check(label, plain, isotropic, 0.0, rounding=EXACT))
    return tuple(checks)


def _grown(name: str, was: float, now: float, predicted: float) -> Check:
    """A measure of sharpness over what it was before the map."""
    ratio = predicted / was
    return Check(
        f"{name}, over that before", ratio, now / was, 0.0, {"sharpness unchanged": 1.0}, rounding=ROUNDING * abs(ratio)
    )


def orbit_checks(start: Place, place: Place) -> tuple[Check, ...]:
    """The network at one α: its evidence, its sharpness, and what the isotropic prior makes of it."""
    where = f"network, α = {place.alpha:g}"
    checks = [
        Check(f"ln evidence, {where}", start.exact, place.exact, 0.0, {NO_JACOBIAN: place.forgotten}, rounding=EXACT)
    ]
    for name, was, now, predicted in zip(MEASURES, start.sharpness, place.sharpness, place.predicted, strict=True):
        checks.append(_grown(f"{name}, {where}", was, now, predicted))
    balanced = place.lifted
    checks.append(
        Check(
            f"C above its minimum, {where}",
            balanced,
            place.cost - start.cost,
            0.0,
            {"no cost": 0.0},
            rounding=ROUNDING * balanced,
        )
    )
    label = f"evidence read off the Hessian under the isotropic prior as at α = 1, {where}"
    checks.append(Check(label, start.reading, place.reading, 0.0, rounding=EXACT))
    return tuple(checks)


def many_weights_checks(context: Context, dimension: int) -> tuple[Check, ...]:
    """Smith & Le's toy task under a random linear map: Laplace's evidence, and the largest eigenvalue."""
    model = toy_examples(dimension, context.seed("toy", dimension))
    stretched = random_map(dimension, *STRETCH, context.seed("map", dimension))
    fit = model.fit(LAMBDA)
    here = evidence_of_fit(model, fit).log_evidence
    there = laplace(model, stretched, np.zeros(dimension))
    lost = float(stretched.log_volume(there.theta))
    what, h = f"{dimension} weights, random linear map", loss_hessian(model, fit.weights)
    was, now, predicted = (
        float(np.linalg.eigvalsh(matrix)[-1])
        for matrix in (
            h, loss_hessian(rewritten(model, stretched), there.theta), transformed_hessian(h, stretched.matrix)
        )
    )  # fmt: skip
    return (
        Check(
            f"ln evidence by Laplace, {what}",
            here,
            there.log_evidence,
            0.0,
            {NO_JACOBIAN: here - lost},
            rounding=ROUNDING * abs(here),
        ),
        _grown(f"largest eigenvalue, {what}", was, now, predicted),
    )
