"""The evidence by annealing the width of the prior: sequential Monte Carlo from where the evidence is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from sgdsde.arguments import integer
from sgdsde.callers import stacklevel
from sgdsde.evidence.estimate import EvidenceEstimate, checked_model
from sgdsde.evidence.hamiltonian import Particles, trajectory
from sgdsde.evidence.likelihood import Array, Likelihood
from sgdsde.evidence.repetitions import log_mean, resampled
from sgdsde.logistic import LogisticRegression
from sgdsde.logistic.checks import checked_penalties, checked_penalty

#: Independent repetitions, from which the standard error follows, and how many must count for it to be trusted.
REPETITIONS, TRUSTED = 16, 8
#: The pilot: particles, the standard deviation of a step's ln weights, trajectories in a step, acceptance aimed at.
PILOT, PILOT_STEP, PILOT_MOVES, ACCEPTANCE = 64, 0.5, 3, 0.8
#: The longest step of the leapfrog, whose limit of stability is 2.
LONGEST = 1.2


def sampled_log_evidence(
    model: LogisticRegression,
    regularization: float | ArrayLike,
    *,
    particles: int = 1024,
    temperatures: int | None = None,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> EvidenceEstimate:
    """Measure ln ∫ prior × likelihood of logistic regression, in few dimensions or hundreds; Laplace is not used.

    Parameters
    ----------
    model : LogisticRegression
        Binary or softmax.
    regularization : float or array_like, (L,)
        λ > 0. Several cost what the weakest does, and their errors are correlated.
    particles : int
        A multiple of 16, at least 128. The standard error falls as 1/√particles.
    temperatures : int, optional
        Steps from λ = ∞ to the weakest λ, at least 2; the others given are added to them. By default half the squared
        length of the way, in standard deviations of ln weights, so that those of all steps together vary by 2.
    seed : int
        Of all random numbers.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    EvidenceEstimate
        Numbers for one λ, arrays (L,) for several.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Warns
    -----
    RuntimeWarning
        When fewer than 8 of the 16 repetitions count (effective sample size), so that the standard error is too small:
        give more particles or temperatures.

    Notes
    -----
    With ω = u/√λ the prior of u is N(0, I) whatever λ, and s = 1/√λ scales the inputs. At s = 0 the evidence is exactly
    that of the null model; every posterior between is log-concave, so that there is one mode to follow.

    Sequential Monte Carlo (Del Moral, Doucet & Jasra 2006; annealed importance sampling of Neal 2001 with resampling):
    weights L(s′u)/L(s u), then a trajectory of Hamiltonian Monte Carlo. A pilot of its own places the s at equal
    distances in the standard deviation of ln weights and sets steps and masses; the run changes nothing of that, so
    that the estimate of the evidence is unbiased. Its 16 groups of particles never meet: value and standard error are
    a jackknife of the ln of their mean.

    Kuss & Rasmussen (JMLR 6, 2005) judge Laplace's method in Gaussian process classification in this way.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((40, 5))
    >>> model = LogisticRegression(x, (x.sum(axis=1) > 0).astype(int))
    >>> estimate = sampled_log_evidence(model, 10.0, particles=256, temperatures=20)
    >>> round(estimate.log_evidence, 1), estimate.standard_error < 0.1
    (-21.0, True)
    """
    several = np.ndim(regularization) > 0
    penalties = (
        checked_penalties("regularization", regularization)
        if several
        else np.array([checked_penalty("regularization", regularization)])
    )
    integer("particles", particles, 8 * REPETITIONS, multiple=REPETITIONS)
    if temperatures is not None:
        integer("temperatures", temperatures, 2)
    likelihood = Likelihood.of(checked_model(model))
    first, second = np.random.SeedSequence(integer("seed", seed, 0)).spawn(2)
    schedule = _pilot(likelihood, float(penalties.min() ** -0.5), np.random.default_rng(first))
    scales = schedule.path(temperatures or max(2, int(np.ceil(schedule.length[-1] ** 2 / 2))))
    logs = _anneal(likelihood, schedule, scales, penalties**-0.5, particles, np.random.default_rng(second), progress)
    value, error, size = log_mean(logs)
    trusted = size >= TRUSTED
    if not trusted.all():
        worst = int(np.argmin(size))
        warnings.warn(
            f"effective_sample_size is {size[worst]:.1f} of {REPETITIONS} at λ = {penalties[worst]:g}: the standard "
            f"error is too small; give more particles than {particles} or temperatures than {len(scales)}",
            RuntimeWarning,
            stacklevel=stacklevel(),
        )
    found: list[Any] = [each if several else each[0].item() for each in (penalties, value, error, size, trusted)]
    return EvidenceEstimate(found[0], found[1], found[2], found[3], found[4], REPETITIONS - 1, "annealing")


@dataclass(frozen=True, eq=False)
class Schedule:
    """What the pilot found at each s, ascending from 0: (K,), and (K, d) for the curvature."""

    scales: Array
    length: Array
    steps: Array
    curvature: Array

    def path(self, count: int) -> Array:
        """Scales at equal distances in length, without 0."""
        return np.interp(np.linspace(0.0, self.length[-1], count + 1)[1:], self.length, self.scales)

    def at(self, scale: float) -> tuple[float, Array]:
        """Step and curvature, interpolated."""
        k = min(max(int(np.searchsorted(self.scales, scale)), 1), len(self.scales) - 1)
        share = (scale - self.scales[k - 1]) / (self.scales[k] - self.scales[k - 1])
        step, curvature = ((1 - share) * each[k - 1] + share * each[k] for each in (self.steps, self.curvature))
        return float(step), curvature


def _pilot(likelihood: Likelihood, last: float, generator: np.random.Generator) -> Schedule:
    scale, length, step = 0.0, 0.0, LONGEST
    particles = Particles.at(likelihood, generator.standard_normal((PILOT, likelihood.dimension)), scale)
    rows = [(scale, length, step, likelihood.curvature(particles.residuals))]
    while scale < last:
        # A likelihood that has saturated gives no scale of its own; doubling is then a short step.
        ahead = PILOT_STEP / max(float(likelihood.slope(particles.logits, particles.residuals).std()), 1e-300)
        new = min(scale + (min(ahead, scale) if scale else ahead), last)
        weights = particles.cross_entropy - likelihood.cross_entropy(particles.logits, new)
        length += float(weights.std())
        scale = new
        chosen = particles.picked(resampled(weights[None, :], generator)[0])
        particles = Particles.known(likelihood, chosen.points, chosen.logits, scale)
        for _ in range(PILOT_MOVES):
            curvature = likelihood.curvature(particles.residuals)
            particles, accepted = trajectory(likelihood, scale, particles, curvature, step, generator)
            step = min(LONGEST, step * float(np.exp(0.6 * (accepted - ACCEPTANCE))))
        rows.append((scale, length, step, likelihood.curvature(particles.residuals)))
    return Schedule(*(np.array(column) for column in zip(*rows, strict=True)))


def _anneal(
    likelihood: Likelihood,
    schedule: Schedule,
    path: Array,
    wanted: Array,
    count: int,
    generator: np.random.Generator,
    progress: Callable[[float], None] | None,
) -> Array:
    """ln Z of each repetition at each wanted scale, (R, L)."""
    scales = np.unique(np.concatenate([path, wanted]))
    particles = Particles.at(likelihood, generator.standard_normal((count, likelihood.dimension)), 0.0)
    shape = (REPETITIONS, count // REPETITIONS)
    total, weights = -particles.cross_entropy.reshape(shape).mean(axis=1), np.zeros(shape)
    found = np.empty((REPETITIONS, len(wanted)))
    for k, scale in enumerate(scales.tolist()):
        now = likelihood.cross_entropy(particles.logits, scale)
        weights += (particles.cross_entropy - now).reshape(shape)
        mean = logsumexp(weights, axis=1) - np.log(shape[1])
        found[:, wanted == scale] = (total + mean)[:, None]
        if k == len(scales) - 1:
            break
        size = np.exp(2 * mean - logsumexp(2 * weights, axis=1)) * shape[1] ** 2
        poor = np.flatnonzero(size < shape[1] / 2)
        if len(poor):
            rows = np.arange(count).reshape(shape)
            rows[poor] = resampled(weights[poor], generator) + rows[poor, :1]
            total[poor] += mean[poor]
            weights[poor] = 0.0
            particles = particles.picked(rows.ravel())
        particles = Particles.known(likelihood, particles.points, particles.logits, scale)
        step, curvature = schedule.at(scale)
        particles, _ = trajectory(likelihood, scale, particles, curvature, step, generator)
        if progress:
            progress((k + 1) / len(scales))
    if progress:
        progress(1.0)
    return found
