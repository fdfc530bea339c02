"""Logistic regressions that the claim ``reparametrisation`` writes in other coordinates, and Laplace's shift there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit

import sgdsde as sg
from sgdsde.logistic import LogisticRegression
from sgdsde.plotting import Figure, Line, Panel, Series, against_theory, stacked
from sgdsde.statistics import Estimate, mean
from sgdsde.theory import Coordinates, LinearMap
from validation.measure import Array

#: λ of the prior N(0, I/λ), and the two weights that labels are drawn from.
LAMBDA, TRUTH = 1.0, np.array([1.0, -0.5])
#: How far below the evidence lines are drawn, in nats.
BELOW = 40.0


def plane_examples(n: int, seed: int) -> LogisticRegression:
    """Two standard normal inputs, and labels drawn from the logistic model with the weights `TRUTH`."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, 2))
    return LogisticRegression(x, (generator.random(n) < expit(x @ TRUTH)).astype(np.int64), softmax=False)


def toy_examples(n: int, seed: int) -> LogisticRegression:
    """Smith & Le's toy task: `n` examples of `n` standard normal inputs, and the sign of their sum to be told."""
    x = np.random.default_rng(seed).standard_normal((n, n))
    return LogisticRegression(x, (x.sum(axis=1) > 0).astype(np.int64), softmax=False)


def random_map(dimension: int, least: float, largest: float, seed: int) -> LinearMap:
    """A random matrix with singular values in geometric progression."""
    generator = np.random.default_rng(seed)
    left, right = (np.linalg.qr(generator.standard_normal((dimension, dimension)))[0] for _ in range(2))
    return LinearMap(left @ np.diag(np.geomspace(least, largest, dimension)) @ right)


def rewritten(model: LogisticRegression, coordinates: LinearMap) -> LogisticRegression:
    """The same loss of the weights θ, as a regression on the inputs XJ: nothing but other units of the inputs."""
    return LogisticRegression(model.inputs @ coordinates.matrix, model.labels, softmax=False)


def random_network(n: int, seed: int) -> sg.theory.ReLUNetwork:
    """`n` examples of each of two inputs, sizes |x| of normal numbers, and labels drawn from weights (1, 0.7, 1.5)."""
    generator = np.random.default_rng(seed)
    inputs = np.abs(generator.standard_normal((2, n)))
    p = expit(1.5 * np.array([[1.0], [0.7]]) * inputs)
    return sg.theory.ReLUNetwork(inputs, (generator.random((2, n)) < p).astype(np.int64), 0.5)


def reading(network: sg.theory.ReLUNetwork, weights: Array) -> float:
    """−C − ½ Σ ln(λᵢ/λ) over λᵢ ≥ λ at any weights, as if they were the minimum."""
    penalty = network.regularization
    eigenvalues = np.linalg.eigvalsh(network.hessian(weights)) + penalty
    return sg.theory.laplace_evidence(network.cost(weights), eigenvalues, penalty, cutoff=True).log_evidence


def transported(network: sg.theory.ReLUNetwork, minimum: Array, alpha: float) -> Array:
    """The Hessian at (αu, v/α), by JᵀHJ from that at (u, v)."""
    jacobian = np.diag(network.rescaled(np.ones(3), 1 / alpha))
    return sg.theory.transformed_hessian(network.hessian(minimum), jacobian)


@dataclass(frozen=True, eq=False)
class Shifts:
    """ln evidence by Laplace in θ minus that in ω, over data sets of several sizes.

    `first` is the mean of its leading term, `shift` and `rest` are the means of all and of what is left; (len(N),).
    """

    counts: Array
    first: Array
    shift: Estimate
    rest: Estimate


def measured_shifts(coordinates: Coordinates, counts: Sequence[int], seeds: Sequence[int]) -> Shifts:
    """Means over one data set for each seed and N, all of them independent."""
    shifts, firsts = np.empty((len(seeds), len(counts))), np.empty((len(seeds), len(counts)))
    unchanged = LinearMap(np.eye(2))
    for column, n in enumerate(counts):
        for row, seed in enumerate(seeds):
            model = plane_examples(n, np.random.SeedSequence([seed, n]).generate_state(1)[0])
            here = sg.theory.laplace_in_coordinates(model, LAMBDA, unchanged, TRUTH)
            there = sg.theory.laplace_in_coordinates(model, LAMBDA, coordinates, here.theta)
            shifts[row, column] = there.log_evidence - here.log_evidence
            third = partial(model.hessian_slope, here.theta)
            firsts[row, column] = sg.theory.laplace_shift(here.hessian, third, coordinates, here.theta)
    return Shifts(np.array(counts, dtype=float), firsts.mean(axis=0), mean(shifts), mean(shifts - firsts))


def orbit_figure(network: sg.theory.ReLUNetwork, exact: dict[float, float]) -> Figure:
    """Sharpness along the orbit, and under it the evidence: exact, and by two readings that are wrong."""
    minimum, alphas, level = network.minimum(), sorted(exact), exact[1.0]
    fine, zero = np.geomspace(alphas[0], alphas[-1], 161), np.zeros(len(alphas))
    hessians = np.array([network.hessian(network.rescaled(minimum, alpha)) for alpha in alphas])
    by_theory = np.array([transported(network, minimum, alpha) for alpha in fine.tolist()])
    found, lines = (
        np.array([(np.linalg.eigvalsh(h)[-1], np.trace(h)) for h in each]).T for each in (hessians, by_theory)
    )
    names = ("largest eigenvalue of ∇∇H", "trace")
    sharpness = [
        Series(name, alphas, points, zero, points, fine, line)
        for name, points, line in zip(names, found, lines, strict=True)
    ]
    held = [exact[alpha] for alpha in alphas]
    points = Series("exact, prior carried along", alphas, held, zero, held, fine, np.full(len(fine), level))
    read = np.array([reading(network, network.rescaled(minimum, alpha)) for alpha in fine.tolist()])
    shown = read > level - BELOW
    wrong = (
        Line("Jacobian left out", fine, level + np.log(fine)),
        Line("read off the Hessian, isotropic prior", fine[shown], read[shown]),
    )
    panels = [Panel("sharpness of the cross-entropy", sharpness, y_scale="log")]
    return stacked([*panels, Panel("ln evidence   (nats)", [points], wrong)], "α   of (u, v) → (αu, v/α)")


def shift_figure(shifts: Shifts) -> Figure:
    """Laplace's evidence in θ minus that in ω against N, and what the first-order term leaves of it."""
    n, fine = shifts.counts, np.geomspace(shifts.counts[0], shifts.counts[-1], 50)
    rest = abs(np.asarray(shifts.rest.value))
    first, last = float(shifts.first[-1] * n[-1]), float(rest[-1] * n[-1] ** 2)
    series = [
        Series(
            "Laplace in θ − in ω", n, shifts.shift.value, shifts.shift.standard_error, shifts.first, fine, first / fine
        ),
        Series(
            "less its first-order term, |·|", n, rest, shifts.rest.standard_error, last / n**2, fine, last / fine**2
        ),
    ]
    return against_theory(series, "N   (examples)", "difference of ln evidence   (nats)")
