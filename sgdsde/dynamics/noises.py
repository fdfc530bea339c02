"""Noises: how the ĝ of a step differs from ∇L. A new one is a function here.

On a landscape ĝ is a formula of the tape. With real examples it is Σ a_i ∇C_i: the coefficients a_i, and of which
examples. With all N of them and a_i = 1/N + σ(ξ_i − ξ̄)/√(N − 1), ξ_i independent standard normals, it is ∇L plus normal
noise whose covariance is exactly σ²F (divisor N − 1), from one backward pass and without F (Wu et al., arXiv
1906.07405; docs/theory.md, §5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.drivers import DRIVERS, bridge_step
from sgdsde.dynamics.course import Course
from sgdsde.dynamics.registry import Rule, noise
from sgdsde.dynamics.sampling import batches as batches_of

#: Per step: indices (n,) of examples, or None for all N in order, and their coefficients a (n,).
Steps = Iterator[tuple[NDArray[np.int64] | None, NDArray[np.float64]]]


def _mean_of_batch(course: Course, generator: np.random.Generator) -> Steps:
    """The examples of a batch, each with 1/B."""
    coefficients = np.empty(0)
    for batch in batches_of(course.config, generator, course.sizes()):
        if len(batch) != len(coefficients):
            coefficients = np.full(len(batch), 1 / len(batch))
        yield batch, coefficients


def _two_batches(course: Course, generator: np.random.Generator) -> Steps:
    """½(1 + √(2l − 1)) of the mean of one batch and ½(1 − √(2l − 1)) of another's."""
    spread = math.sqrt(2 * course.substeps - 1)
    stream = batches_of(course.config, generator, (b for size in course.sizes() for b in (size, size)))
    for first, second in zip(stream, stream, strict=False):
        each = 1 / (2 * len(first))
        yield np.concatenate([first, second]), np.repeat([each * (1 + spread), each * (1 - spread)], len(first))


def _signs(generator: np.random.Generator, n: int) -> NDArray[np.float64]:
    return np.asarray(generator.integers(0, 2, n) * 2 - 1, np.float64)


def _weighted(
    course: Course,
    generator: np.random.Generator,
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]] = np.random.Generator.standard_normal,
) -> Steps:
    """All N examples, a_i = 1/N + √(c l) (ξ_i − ξ̄)/√(N − 1), c the driver's, ξ_i of mean 0 and variance 1.

    With the driver "epoched" each ξ_i is the increment of a bridge of its own, which adds up to 0 in every epoch.
    """
    n = course.config.n_examples
    bridged = DRIVERS[course.driver or "brownian"].bridged
    whole = left = n * course.substeps  # of an epoch, in examples/l
    bridge = np.zeros(n)
    for c, size in zip(course.batch_noises(), course.sizes(), strict=False):
        xi = draw(generator, n)
        if bridged:
            keep, pull, share = bridge_step(size, left, whole)
            xi = keep * xi - pull * bridge
            bridge += share * xi
            left = left - size or whole
        xi -= xi.sum() / n
        xi *= math.sqrt(c * course.substeps / (n - 1))
        xi += 1 / n
        yield None, xi


def _not_divisible(rule: Rule, config: SGDConfig) -> str:
    """What SVAG's construction needs."""
    if rule.divided is None:
        return f"needs a way to divide an update into steps, and none is known for {rule.name!r}"
    if config.permuted:
        return f"is made for independent batches, got sampling = {config.sampling!r}"
    if config.momentum:
        return f"is made for SGD without momentum and independent batches, got momentum = {config.momentum:g}"
    return ""


@noise(source="Robbins & Monro 1951", on_examples=_mean_of_batch)
def batches(tape: Any, w: Any) -> Any:
    """∇L + A z̄, z̄ the mean of a batch of whitened examples: the mean gradient of a batch of real examples."""
    return tape.gradient(w) + tape.noise_factor(w) * tape.batch_mean


@noise(source="Wu et al. 2020; Smith & Le 2018, appendix C", on_examples=_weighted, batches_of_step=0, driven=True)
def normal(tape: Any, w: Any) -> Any:
    """∇L + √c A z, z normal: the covariance of a batch's noise and no other property of it."""
    return tape.gradient(w) + tape.noise_factor(w) * (_root(tape.batch_noise) * tape.z)


@noise(
    source="Li, Malladi & Arora 2021, eq. 5", on_examples=_two_batches, batches_of_step=2, divides=True,
    refuses=_not_divisible,
)  # fmt: skip
def svag(tape: Any, w: Any) -> Any:
    """½(1 + √(2l − 1)) ĝ₁ + ½(1 − √(2l − 1)) ĝ₂ of two batches: covariance l times that of one, l steps an update."""
    first, second = tape.batch_mean, tape.other_batch_mean
    return tape.gradient(w) + tape.noise_factor(w) * ((first + second + tape.spread * (first - second)) / 2)


def _shifts(strength: float, classes: int, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    """To another class, uniformly, with a probability; to real targets normal noise."""
    if not classes:
        return strength * generator.standard_normal(shape)
    return np.where(generator.random(shape) < strength, generator.integers(1, classes, size=shape), 0)


@noise(
    source="Blanc et al., arXiv 1904.09080; Damian, Ma & Lee, arXiv 2106.06530", on_examples=_mean_of_batch,
    strength=True, relabel=_shifts, absent="it has no labels",
)  # fmt: skip
def labels(tape: Any, w: Any) -> Any:
    """The mean gradient of a batch whose labels are new: another class with probability p, y + σz of real targets."""


@noise(
    source="as Wu et al. 2020, with signs: only the first two moments of the noise are to matter", batches_of_step=0,
    on_examples=partial(_weighted, draw=_signs),
)  # fmt: skip
def signs(tape: Any, w: Any) -> Any:
    """∇L + √c A s, s = ±1 with equal odds: the covariance of a batch's noise, and no tails at all."""
    return tape.gradient(w) + tape.noise_factor(w) * (_root(tape.batch_noise) * tape.signs)


@noise(source="Zhu et al., arXiv 1803.00195: GLD dynamic", spread="trace", batches_of_step=0)
def isotropic(tape: Any, w: Any) -> Any:
    """∇L + √(c Tr F/d) z, z normal: the same in every direction, with the trace of a batch's noise."""
    trace = sum(entry * entry for entry in tape.noise_factor(w))
    return tape.gradient(w) + _root(tape.batch_noise * trace / len(tape.w)) * tape.normals(len(tape.w))


@noise(source="Zhu et al., arXiv 1803.00195: GLD diag", spread="diagonal", batches_of_step=0)
def diagonal(tape: Any, w: Any) -> Any:
    """∇L + √(c F_ii) z_i, z normal: the variances of a batch's noise, and no covariances."""
    factor, z = tape.noise_factor(w), tape.normals(len(tape.w))
    variances = [sum(entry * entry for entry in factor.row(i)) for i in range(len(tape.w))]
    return tape.gradient(w) + z.multiply_elementwise(
        z.__class__([_root(tape.batch_noise * variance) for variance in variances])
    )


def _root(value: Any) -> Any:
    import sympy as sp

    return sp.sqrt(value)
