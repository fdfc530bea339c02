"""Samplers of a posterior in many replicas: SGD on its real examples, the SDE with their noise, and what they found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgdsde.statistics import Estimate, mean
from validation.posterior.laws import batch_noise, mean_gradient
from validation.posterior.target import Posterior

Array = NDArray[np.float64]

#: Groups of replicas that the jackknife leaves out in turn.
GROUPS = 32
#: Indices of examples that are drawn together.
CHUNK = 1 << 19


@dataclass(frozen=True)
class Length:
    """How long replicas run, in steps: left out at the start, between snapshots, and the number of snapshots."""

    settled: int
    every: int
    snapshots: int


def run_sgd(
    posterior: Posterior, batch_size: int, rates: Array, start: Array, length: Length, seed: int, momentum: float = 0.0
) -> Array:
    """Snapshots (snapshots, R, 2) of v ← m v − K ĝ, ω ← ω + v from `start` (R, 2), with batches drawn with replacement.

    >>> from validation.posterior.target import tumours
    >>> run_sgd(tumours(), 4, 0.01 * np.eye(2), np.zeros((3, 2)), Length(5, 2, 6), seed=0).shape
    (6, 3, 2)
    """
    x = posterior.signed_inputs.T.copy()
    generator = np.random.Generator(np.random.SFC64(seed))
    w, share = start.T.copy(), posterior.penalty / posterior.n_examples
    v, found, steps = np.zeros_like(w), [], length.settled + length.every * length.snapshots
    together = max(1, CHUNK // (batch_size * len(start)))
    for first in range(0, steps, together):
        indices = generator.integers(
            posterior.n_examples, size=(min(together, steps - first), batch_size, len(start)), dtype=np.uint32
        )
        for step, index in enumerate(indices, first + 1):
            a, b = x[0][index], x[1][index]
            wrong = 1 / (1 + np.exp(a * w[0] + b * w[1]))
            gradient = share * w - np.stack(((a * wrong).mean(axis=0), (b * wrong).mean(axis=0)))
            v = momentum * v - rates @ gradient
            w = w + v
            if step > length.settled and (step - length.settled) % length.every == 0:
                found.append(w.T.copy())
    return _finite(np.array(found))


def run_sde(posterior: Posterior, temperature: float, step: float, start: Array, length: Length, seed: int) -> Array:
    """Snapshots (snapshots, R, 2) of dω = −∇L ds + √(T F(ω)) dW by Euler and Maruyama's method, F that of batches."""
    generator = np.random.default_rng(seed)
    w, noise, found = start.copy(), batch_noise(posterior), []
    for count in range(1, length.settled + length.every * length.snapshots + 1):
        root = np.linalg.cholesky(temperature * step * noise(w))
        kick = (root @ generator.standard_normal((*w.shape, 1)))[..., 0]
        w = w - step * mean_gradient(posterior, w) + kick
        if count > length.settled and (count - length.settled) % length.every == 0:
            found.append(w.copy())
    return _finite(np.array(found))


def whitened_covariance(posterior: Posterior, snapshots: Array) -> Estimate:
    """Covariance (2, 2) of snapshots (S, R, 2) about their mean in the posterior's units; replicas are the sample."""
    d = posterior.whitened(snapshots)
    d = d - d.mean(axis=(0, 1))
    products = np.einsum("sri,srj->rij", d, d, optimize=True) / len(d)
    found = mean(products.reshape(-1, 4))
    return Estimate(np.reshape(found.value, (2, 2)), np.reshape(found.standard_error, (2, 2)))


def third_moments(posterior: Posterior, snapshots: Array) -> Estimate:
    """Third central moments (2, 2, 2) in the posterior's standard deviations; errors by the influence function."""
    d = posterior.whitened(snapshots)
    d = d - d.mean(axis=(0, 1))
    s = np.einsum("sri,srj->ij", d, d, optimize=True) / d[..., 0].size
    cubes = np.einsum("sri,srj,srk->rijk", d, d, d, optimize=True) / len(d)
    averages = d.mean(axis=0)
    drift = sum(np.einsum(f"ij,rk->r{order}", s, averages) for order in ("ijk", "ikj", "kji"))
    influence = cubes - drift
    error = influence.std(axis=0, ddof=1) / np.sqrt(len(influence))
    return Estimate(cubes.mean(axis=0), error)


@dataclass(frozen=True)
class Divergence:
    """KL from the posterior, its standard error, and the values with one group of replicas left out, (GROUPS,)."""

    value: float
    error: float
    without: Array


def measured_divergence(posterior: Posterior, snapshots: Array) -> Divergence:
    """KL of the normal law with the snapshots' covariance, (S, R, 2); bias removed, error from, the jackknife."""
    d = posterior.whitened(snapshots)
    groups = np.stack(np.split(d, GROUPS, axis=1))
    sums = groups.sum(axis=(1, 2))
    products = np.einsum("gsri,gsrj->gij", groups, groups, optimize=True)
    count = groups[0, ..., 0].size

    def divergence(products: Array, sums: Array, number: int) -> float:
        return posterior.divergence(products / number - np.outer(sums, sums) / number**2)

    whole = divergence(products.sum(axis=0), sums.sum(axis=0), GROUPS * count)
    left = np.array(
        [
            divergence(products.sum(axis=0) - products[g], sums.sum(axis=0) - sums[g], (GROUPS - 1) * count)
            for g in range(GROUPS)
        ]
    )
    value = GROUPS * whole - (GROUPS - 1) * left.mean()
    return Divergence(float(value), float(np.sqrt((GROUPS - 1) * left.var())), left)


def _finite(snapshots: Array) -> Array:
    if not np.isfinite(snapshots).all():
        raise RuntimeError(f"{int((~np.isfinite(snapshots).all(axis=(0, 2))).sum())} replicas diverged")
    return snapshots
