"""Dynamics: which examples enter a step, and with which coefficients.

Every dynamics here is the map v ← r v − Σ a_i ∇C_i, ω ← ω + v. With all N examples and
a_i = a/N + σ(ξ_i − ξ̄)/√(N − 1), ξ_i independent standard normals, the sum is a ∇L plus normal noise whose covariance is
exactly σ²F (divisor N − 1), from one backward pass and without F (Wu et al., arXiv 1906.07405; docs/theory.md, §5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from sgdsde.config import SGDConfig
from sgdsde.dynamics.drivers import DRIVERS, bridge_step, driver_of
from sgdsde.models.sampling import batches

#: Per step: indices (n,) of examples, or None for all N in order, and their coefficients a (n,).
Steps = Iterator[tuple[NDArray[np.int64] | None, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Course:
    """What a replica runs with, update after update.

    Parameters
    ----------
    config : SGDConfig
        (ε, B, N, m, sampling).
    substeps : int
        Steps for an update: l.
    learning_rates, batch_sizes : (updates,), optional
        Checked schedules in place of the config's ε and B; a course with either ends after its last update.
    driver : str, optional
        Of normal noise, as `sgdsde.dynamics.drivers`; the sampling's own by default.
    """

    config: SGDConfig
    substeps: int = 1
    learning_rates: NDArray[np.float64] | None = None
    batch_sizes: NDArray[np.int64] | None = None
    driver: str | None = None

    @property
    def largest_batch(self) -> int:
        """The largest B of any update."""
        return self.config.batch_size if self.batch_sizes is None else int(self.batch_sizes.max())

    def rates(self) -> Iterator[float]:
        """ε of every step."""
        if self.learning_rates is None:
            return repeat(self.config.learning_rate)
        return (float(rate) for each in self.learning_rates for rate in repeat(each, self.substeps))

    def sizes(self) -> Iterator[int]:
        """B of every step."""
        if self.batch_sizes is None:
            return repeat(self.config.batch_size)
        return (int(size) for each in self.batch_sizes for size in repeat(each, self.substeps))


@dataclass(frozen=True, eq=False)
class Dynamics:
    """A dynamics of :func:`sgdsde.models.train`.

    Parameters
    ----------
    steps : callable
        (course, generator) → its steps.
    momentum : callable
        (m, l) → the factor r of the velocity in a step.
    whole : bool
        Whether a step takes all N examples: no indices then.
    divides : bool
        Whether more than one step may stand for an update.
    independent : bool
        Whether it is made for m = 0 and independent batches only.
    """

    steps: Callable[[Course, np.random.Generator], Steps]
    momentum: Callable[[float, int], float]
    whole: bool = False
    divides: bool = False
    independent: bool = False


def sgd(course: Course, generator: np.random.Generator) -> Steps:
    """Stochastic gradient descent: the examples of a batch, each with ε/B."""
    config = course.config
    if course.learning_rates is None and course.batch_sizes is None:
        coefficients = np.full(config.batch_size, config.learning_rate / config.batch_size)
        for batch in batches(config, generator):
            yield batch, coefficients
    else:
        for rate, batch in zip(course.rates(), batches(config, generator, course.sizes()), strict=False):
            yield batch, np.full(len(batch), rate / len(batch))


def svag(course: Course, generator: np.random.Generator) -> Steps:
    """SVAG(l): (ε/l)(½(1 + √(2l − 1)) ĝ₁ + ½(1 − √(2l − 1)) ĝ₂) of two batches (Li et al., arXiv 2102.12470)."""
    spread = math.sqrt(2 * course.substeps - 1)
    stream = batches(course.config, generator, (b for size in course.sizes() for b in (size, size)))
    for rate, first, second in zip(course.rates(), stream, stream, strict=False):
        each = rate / (2 * course.substeps * len(first))
        a = np.repeat([each * (1 + spread), each * (1 - spread)], len(first))
        yield np.concatenate([first, second]), a


def noisy_gd(course: Course, generator: np.random.Generator) -> Steps:
    """The gradient of all examples and normal noise of the covariance ε²cF, that of SGD's batches."""
    return _with_noise(course, generator, lambda rate, c: (rate, rate * math.sqrt(c)))


def sde(course: Course, generator: np.random.Generator) -> Steps:
    """Euler and Maruyama's steps of dω = −∇L ds + √(T F) dW, Δs = ε/((1 − m) l) and T = εc/(1 − m), c the driver's."""
    keep, l = 1 - course.config.momentum, course.substeps  # noqa: E741
    return _with_noise(course, generator, lambda rate, c: (rate / keep / l, rate / keep * math.sqrt(c / l)))


def momentum_sde(course: Course, generator: np.random.Generator) -> Steps:
    """dω = v dk, dv = −((1 − m)v + ε∇L) dk + ε√c A dW_k, k in updates, by the symplectic Euler–Maruyama method.

    Steps of 1/l: u ← (1 − (1 − m)/l) u − (ε∇L/l² + ε√c A z/l^{3/2}), ω ← ω + u, where u = v/l is what a step moves. One
    step for an update is noisy gradient descent. It is dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A dW with v = √ε p,
    γ = (1 − m)/√ε and √ε for an update.
    """
    l = course.substeps  # noqa: E741
    return _with_noise(course, generator, lambda rate, c: (rate / l**2, rate * math.sqrt(c / l) / l))


def _with_noise(
    course: Course, generator: np.random.Generator, amplitudes: Callable[[float, float], tuple[float, float]]
) -> Steps:
    """All N examples, a_i = a/N + σ(ξ_i − ξ̄)/√(N − 1) with (a, σ) = amplitudes(ε, c).

    With the driver "epoched" each ξ_i is the increment of a bridge of its own, which adds up to 0 in every epoch.
    """
    n, driver = course.config.n_examples, DRIVERS[driver_of(course.driver, course.config)]
    whole = left = n * course.substeps  # of an epoch, in examples/l
    bridge = np.zeros(n)
    for rate, size in zip(course.rates(), course.sizes(), strict=False):
        drift, noise = amplitudes(rate, driver.batch_noise(course.config.sampling, n, size))
        xi = generator.standard_normal(n)
        if driver.bridged:
            keep, pull, share = bridge_step(size, left, whole)
            xi = keep * xi - pull * bridge
            bridge += share * xi
            left = left - size or whole
        xi -= xi.sum() / n
        xi *= noise / math.sqrt(n - 1)
        xi += drift / n
        yield None, xi


def _same(momentum: float, substeps: int) -> float:
    return momentum


def _none(momentum: float, substeps: int) -> float:
    return 0.0


def _friction(momentum: float, substeps: int) -> float:
    return momentum if substeps == 1 else 1 - (1 - momentum) / substeps  # to the bit at l = 1


#: A new dynamics is a function above and a line here.
DYNAMICS: dict[str, Dynamics] = {
    "sgd": Dynamics(sgd, _same),
    "svag": Dynamics(svag, _none, divides=True, independent=True),
    "noisy_gd": Dynamics(noisy_gd, _same, whole=True),
    "sde": Dynamics(sde, _none, whole=True, divides=True),
    "momentum_sde": Dynamics(momentum_sde, _friction, whole=True, divides=True),
}
