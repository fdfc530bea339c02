"""Hamiltonian Monte Carlo of many particles at once, for densities of a normal prior and a likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sgdsde.evidence.likelihood import Array, Likelihood

#: Trajectories in units of 1/√curvature: a quarter of a circle takes a normal density to an independent point.
TRAJECTORY = 1.5


@dataclass(frozen=True, eq=False)
class Particles:
    """Points u (M, d) with what is known of them: logits, residuals and H at the present s, (M, …) and (M,)."""

    points: Array
    logits: Array
    residuals: Array
    cross_entropy: Array

    @staticmethod
    def at(likelihood: Likelihood, points: Array, scale: float) -> Particles:
        """Points at this s."""
        return Particles.known(likelihood, points, likelihood.logits(points), scale)

    @staticmethod
    def known(likelihood: Likelihood, points: Array, logits: Array, scale: float) -> Particles:
        """The same, from their logits: another s takes no matrix product."""
        return Particles(points, logits, likelihood.residuals(logits, scale), likelihood.cross_entropy(logits, scale))

    def picked(self, rows: np.ndarray) -> Particles:
        """Those of these rows."""
        return Particles(self.points[rows], self.logits[rows], self.residuals[rows], self.cross_entropy[rows])


def trajectory(
    likelihood: Likelihood,
    scale: float,
    particles: Particles,
    curvature: Array,
    step: float,
    generator: np.random.Generator,
) -> tuple[Particles, float]:
    """One trajectory of random length for every particle, accepted or not by Metropolis; with the mean acceptance.

    Notes
    -----
    Neal, MCMC using Hamiltonian dynamics (2011), §5.3: leapfrog with a diagonal mass, here 1 + s² × `curvature`. Step
    and length are random, the same for all particles, and depend on none of them: the density is left as it is.
    """
    still = 1 / np.sqrt(1 + scale**2 * curvature)
    step = step * generator.uniform(0.8, 1.2)
    steps = max(1, int(np.ceil(TRAJECTORY / step * generator.uniform(0.5, 1.5))))
    momentum = generator.standard_normal(particles.points.shape)

    def energy(at: Particles, moving: Array) -> Array:
        return np.asarray(at.cross_entropy + 0.5 * (np.square(at.points).sum(axis=1) + np.square(moving).sum(axis=1)))

    def force(points: Array, residuals: Array) -> Array:
        return np.asarray(-still * (points + likelihood.gradient(residuals, scale)))

    before, points = energy(particles, momentum), particles.points
    momentum = momentum + step / 2 * force(points, particles.residuals)
    for k in range(steps):
        points = points + step * still * momentum
        logits = likelihood.logits(points)
        residuals = likelihood.residuals(logits, scale)
        momentum += (step if k < steps - 1 else step / 2) * force(points, residuals)
    end = Particles(points, logits, residuals, likelihood.cross_entropy(logits, scale))
    probability = np.exp(np.minimum(0.0, before - energy(end, momentum)))
    accepted = generator.random(len(points)) < probability
    return _mixed(accepted, end, particles), float(probability.mean())


def _mixed(accepted: np.ndarray, new: Particles, old: Particles) -> Particles:
    rows = np.flatnonzero(~accepted)
    for name in ("points", "logits", "residuals", "cross_entropy"):
        getattr(new, name)[rows] = getattr(old, name)[rows]
    return new
