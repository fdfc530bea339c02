"""Mean and covariance of SGD and of its SDE near a minimum while ε(k) and B(k) change, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import exprel

from sgdsde.arguments import choice, real_array
from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.layout import one_line
from sgdsde.schedules import batch_size_schedule, learning_rate_schedule
from sgdsde.theory.modes import symmetric

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScheduledLaw:
    """Mean and covariance after 0, 1, …, n updates.

    Attributes
    ----------
    time : (n + 1,)
        s = Σ ε/(1 − m), the SDE's clock.
    mean : (n + 1, P)
        Of ω less the minimum.
    covariance : (n + 1, P, P)
        Over paths that all start at one point.
    """

    time: Array
    mean: Array
    covariance: Array

    __repr__ = one_line


def scheduled_law(
    hessian: ArrayLike,
    noise_covariance: ArrayLike,
    config: SGDConfig,
    w0: ArrayLike,
    *,
    learning_rates: ArrayLike | None = None,
    batch_sizes: ArrayLike | None = None,
    dynamics: str = "sgd",
) -> ScheduledLaw:
    """Law of ω update by update near a minimum of constant H and F, under schedules of ε and B.

    Parameters
    ----------
    hessian, noise_covariance : array_like, (P, P) or a number
        H and F, per example; H may have any eigenvalues.
    config : SGDConfig
        N, m, the sampling, and ε and B where there is no schedule; the dampening, which ``"heavy_ball"`` does not
        take. Weight decay is added to H.
    w0 : array_like, (P,) or a number
        ω less the minimum; b and v are 0.
    learning_rates, batch_sizes : array_like, (n,)
        ε(k) and B(k) of each update; at least one of the two, as of :mod:`sgdsde.schedules`.
    dynamics : str
        ``"sgd"``: b ← m b + ĝ, ω ← ω − ε(k) b; ``"heavy_ball"``: v ← m v − ε(k) ĝ, ω ← ω + v, which keeps what old ε
        made; or ``"sde"``: dω = −Hω ds + √(T F) dW, T constant within an update.

    Returns
    -------
    ScheduledLaw

    Raises
    ------
    ValueError
        When an argument is not as above, or the batches are reshuffled, which are not independent.

    Notes
    -----
    SGD: X ← M X Mᵀ + c F ⊗ k kᵀ with the M, c and kick k of the update (docs/theory.md §3), in pairs of modes
    of H; Smith et al., arXiv 1711.00489, is what is compared by it.

    Examples
    --------
    >>> config = SGDConfig(0.4, batch_size=4, n_examples=64)
    >>> law = scheduled_law(1.0, 1.0, config, 1.0, learning_rates=[0.4, 0.2])
    >>> law.mean[:, 0].round(6)                                               # (1 − ε)(1 − ε')
    array([1.  , 0.6 , 0.48])
    """
    choice("dynamics", dynamics, MODELS)
    if config.permuted:
        raise ValueError(f"config must have batches that are independent here, got sampling = {config.sampling!r}")
    h, f = symmetric("hessian", hessian), symmetric("noise_covariance", noise_covariance)
    if h.shape != f.shape:
        raise ValueError(f"noise_covariance must have the shape {h.shape} of hessian, got {f.shape}")
    away = np.atleast_1d(real_array("w0", w0))
    if away.shape != (len(h),) or not np.isfinite(away).all():
        raise ValueError(f"w0 must be {len(h)} finite numbers, got {w0!r}")
    if dynamics == "heavy_ball":
        config.require_plain("dampening")
    rates, sizes = schedules_of(config, learning_rates, batch_sizes)
    noises = np.array([SAMPLINGS[config.sampling].batch_noise(config.n_examples, b) for b in sizes.tolist()])
    damping = config.kick / config.learning_rate
    curvature, basis = np.linalg.eigh(h + config.weight_decay * np.eye(len(h)))
    modes = curvature, basis.T @ f @ basis, basis.T @ away
    means, covariances = MODELS[dynamics](*modes, config.momentum, damping, rates, noises)
    kicks = rates * damping
    time = np.concatenate([[0.0], np.cumsum(kicks / (1 - config.momentum))])
    return ScheduledLaw(time, means @ basis.T, basis @ covariances @ basis.T)


def schedules_of(
    config: SGDConfig, learning_rates: ArrayLike | None, batch_sizes: ArrayLike | None
) -> tuple[Array, NDArray[np.int64]]:
    """ε and B of every update, (n,) each; ValueError unless one of the two is given and both are of one length."""
    given = [len(np.atleast_1d(np.asarray(each))) for each in (learning_rates, batch_sizes) if each is not None]
    if not given or len(set(given)) > 1:
        raise ValueError("learning_rates or batch_sizes must be given, and be of one length where both are")
    rates = np.full(given[0], config.learning_rate) if learning_rates is None else learning_rates
    sizes = np.full(given[0], config.batch_size) if batch_sizes is None else batch_sizes
    return learning_rate_schedule(rates, given[0]), batch_size_schedule(sizes, config, given[0])


def _sgd(h: Array, f: Array, w0: Array, m: float, damping: float, rates: Array, noises: Array) -> tuple[Array, Array]:
    """On (ω, b), in modes: (n + 1, P) and (n + 1, P, P)."""
    one = np.ones(len(h))

    def step(k: int) -> tuple[Array, Array]:
        a, e = damping if k else 1.0, float(rates[k])
        return np.array([[1 - e * a * h, -e * m * one], [a * h, m * one]]), np.array([-e * a, a])

    return _recursion(step, f, w0, noises)


def _heavy_ball(
    h: Array, f: Array, w0: Array, m: float, damping: float, rates: Array, noises: Array
) -> tuple[Array, Array]:
    """On (ω, v)."""
    one = np.ones(len(h))

    def step(k: int) -> tuple[Array, Array]:
        e = float(rates[k])
        return np.array([[1 - e * h, m * one], [-e * h, m * one]]), np.array([-e, -e])

    return _recursion(step, f, w0, noises)


def _recursion(step: Callable[[int], tuple[Array, Array]], f: Array, w0: Array, noises: Array) -> tuple[Array, Array]:
    p, n = len(w0), len(noises)
    mean, law = np.stack([w0, np.zeros(p)]), np.zeros((2, 2, p, p))
    means, laws = np.empty((n + 1, p)), np.zeros((n + 1, p, p))
    means[0] = w0
    for k in range(n):
        matrix, kick = step(k)
        mean = np.einsum("abi,bi->ai", matrix, mean)
        law = np.einsum("abi,bcij,dcj->adij", matrix, law, matrix)
        law += np.outer(kick, kick)[..., None, None] * (noises[k] * f)
        means[k + 1], laws[k + 1] = mean[0], law[0, 0]
    return means, laws


def _sde(h: Array, f: Array, w0: Array, m: float, damping: float, rates: Array, noises: Array) -> tuple[Array, Array]:
    sums, spans = h[:, None] + h, rates * damping / (1 - m)
    means, laws = np.empty((len(spans) + 1, len(h))), np.zeros((len(spans) + 1, len(h), len(h)))
    means[0] = w0
    for k, (span, c) in enumerate(zip(spans.tolist(), noises.tolist(), strict=True), 1):
        means[k] = np.exp(-span * h) * means[k - 1]
        laws[k] = np.exp(-span * sums) * laws[k - 1] + span * c * f * span * exprel(-span * sums)
    return means, laws


MODELS = {"sgd": _sgd, "heavy_ball": _heavy_ball, "sde": _sde}
