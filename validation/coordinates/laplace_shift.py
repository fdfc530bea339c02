"""Logistic regressions written in other coordinates: their evidence exactly and by Laplace's method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sgdsde.logistic import LogisticRegression
from sgdsde.statistics import Estimate, mean
from sgdsde.theory.coordinates import Coordinates, LinearMap
from sgdsde.theory.reparametrisation import CoordinateEvidence, laplace_in_coordinates, laplace_shift
from validation.coordinates.quadrature import LogIntegral, log_integral

Array = NDArray[np.float64]

#: λ of the prior N(0, I/λ), and the two weights that labels are drawn from.
LAMBDA, TRUTH = 1.0, np.array([1.0, -0.5])
UNCHANGED = LinearMap(np.eye(2))


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


def laplace(model: LogisticRegression, coordinates: Coordinates, start: Array = TRUTH) -> CoordinateEvidence:
    return laplace_in_coordinates(model, LAMBDA, coordinates, start)


def exact_log_evidence(model: LogisticRegression, coordinates: Coordinates, *, carried: bool = True) -> LogIntegral:
    """ln ∫ (λ/2π)^{D/2} exp(−C(φ(θ))) |det J| dθ; without `carried` the Jacobian is left out.

    Nodes are placed about the mode of θ: those of different coordinates are different points.
    """
    close, signed = laplace(model, coordinates), model.inputs * (2 * model.labels[:, None] - 1)

    def log_density(theta: Array) -> Array:
        omega = coordinates.forward(theta)
        # −C of two classes in one pass: this is where the time goes.
        density = -np.logaddexp(0, -omega @ signed.T).sum(axis=1) - LAMBDA / 2 * (omega**2).sum(axis=1)
        return np.asarray(density + coordinates.log_volume(theta) if carried else density)

    found = log_integral(log_density, close.theta, np.asarray(np.linalg.inv(close.hessian), dtype=np.float64))
    return LogIntegral(found.value + model.dimension / 2 * np.log(LAMBDA / (2 * np.pi)), found.change)


def rewritten(model: LogisticRegression, coordinates: LinearMap) -> LogisticRegression:
    """The same loss of the weights θ, as a regression on the inputs XJ: nothing but other units of the inputs."""
    return LogisticRegression(model.inputs @ coordinates.matrix, model.labels, softmax=False)


def loss_hessian(model: LogisticRegression, weights: Array) -> Array:
    """∇∇H, without the regulariser."""
    return model.hessian(weights, LAMBDA) - LAMBDA * np.eye(model.dimension)


def first_order_shift(model: LogisticRegression, coordinates: Coordinates, minimum: Array) -> float:
    """What Laplace's evidence should gain by going from ω to θ, to order 1/N, from third derivatives of C."""
    x, p = model.inputs, expit(model.inputs @ minimum)

    def third(direction: Array) -> Array:
        return np.asarray((x.T * (p * (1 - p) * (1 - 2 * p) * (x @ direction))) @ x)

    return laplace_shift(model.hessian(minimum, LAMBDA), third, coordinates, minimum)


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
    for column, n in enumerate(counts):
        for row, seed in enumerate(seeds):
            model = plane_examples(n, np.random.SeedSequence([seed, n]).generate_state(1)[0])
            here = laplace(model, UNCHANGED)
            there = laplace(model, coordinates, here.theta)
            shifts[row, column] = there.log_evidence - here.log_evidence
            firsts[row, column] = first_order_shift(model, coordinates, here.theta)
    return Shifts(np.array(counts, dtype=float), firsts.mean(axis=0), mean(shifts), mean(shifts - firsts))


def power(counts: Array, found: Estimate) -> Estimate:
    """Slope of ln|y| against ln N at large N, by weighted least squares of ln|y| = c + p ln N + d/N.

    The errors are known, from many data sets each, and independent: they and not the residuals give the slope's.

    >>> n = np.array([25.0, 50, 100, 200, 400])
    >>> round(power(n, Estimate(3 / n * np.exp(7 / n), 0.01 / n)).value, 6)
    -1.0
    """
    values, errors = np.asarray(found.value), np.asarray(found.standard_error)
    if not (np.all(values > 0) or np.all(values < 0)):
        raise RuntimeError(f"the means must have one sign to have a power, got {values.tolist()}")
    columns = np.stack([np.log(counts), np.ones(len(counts)), 1 / counts], axis=1)
    weights = np.abs(values) / errors
    orthogonal, triangle = np.linalg.qr(columns * weights[:, None])
    inverse = np.linalg.inv(triangle)
    fitted = inverse @ (orthogonal.T @ (weights * np.log(np.abs(values))))
    return Estimate(float(fitted[0]), float(np.linalg.norm(inverse[0])))
