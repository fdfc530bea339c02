"""Samplers of a posterior in many replicas: SGD on its real examples, and the SDE with their noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, positive, real_array
from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig
from sgdsde.posterior.laws import checked_rates
from sgdsde.posterior.target import LogisticPosterior

Array = NDArray[np.float64]

#: Indices of examples that are drawn together.
CHUNK = 1 << 19
#: Relaxation times before the first snapshot.
SETTLED = 4


def sample_sgd(
    posterior: LogisticPosterior,
    config: SGDConfig,
    w0: ArrayLike,
    snapshots: int,
    seed: int,
    preconditioner: ArrayLike | None = None,
    burn_in: int | None = None,
    save_every: int | None = None,
) -> Array:
    """Snapshots (snapshots, R, 2) of v ← m v − K ĝ, ω ← ω + v, on real examples drawn with replacement.

    Parameters
    ----------
    posterior : LogisticPosterior
        The target, whose examples are drawn.
    config : SGDConfig
        ε, B and m; N must be the posterior's, and the sampling ``"with_replacement"``.
    w0 : array_like, (R, 2)
        ω of each replica, such as ``normal_law(posterior, config).normal(R, seed)``.
    snapshots : int
        How many are kept.
    seed : int
        Of the examples that are drawn.
    preconditioner : array_like, (2, 2), optional
        K, symmetric and positive definite, in place of ε.
    burn_in, save_every : int, optional
        Updates before the first snapshots are due, and between them: 4 and 1 relaxation times by default.

    Raises
    ------
    ValueError
        When an argument is not one of these.
    RuntimeError
        When replicas diverge.

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> posterior = LogisticPosterior(LogisticRegression([[1, 0.5], [1, -1], [1, 2], [1, -0.3]], [1, 0, 1, 1]), 0.5)
    >>> config = SGDConfig(0.1, 2, 4, sampling="with_replacement")
    >>> sample_sgd(posterior, config, np.zeros((3, 2)), snapshots=6, seed=0).shape
    (6, 3, 2)
    """
    rates, momentum, batch = checked_rates(posterior, config, preconditioner), config.momentum, config.batch_size
    if config.sampling != "with_replacement":
        raise ValueError(f"config must have sampling='with_replacement', got {config.sampling!r}")
    slow = np.linalg.eigvals(overdamped(rates, 1.0, momentum).update @ posterior.hessian).real.min()
    settled, every, steps = _length(1 / float(slow), snapshots, burn_in, save_every)
    x, w = posterior.signed_inputs.T.copy(), _starts(w0).T.copy()
    generator = np.random.Generator(np.random.SFC64(integer("seed", seed, 0)))
    share, (_, replicas) = posterior.regularization / posterior.n_examples, w.shape
    v, found = np.zeros_like(w), []
    together = max(1, CHUNK // (batch * replicas))
    for first in range(0, steps, together):
        shape = (min(together, steps - first), batch, replicas)
        indices = generator.integers(posterior.n_examples, size=shape, dtype=np.uint32)
        for step, index in enumerate(indices, first + 1):
            a, b = x[0][index], x[1][index]
            wrong = 1 / (1 + np.exp(a * w[0] + b * w[1]))
            gradient = share * w - np.stack(((a * wrong).mean(axis=0), (b * wrong).mean(axis=0)))
            v = momentum * v - rates @ gradient
            w = w + v
            if step > settled and (step - settled) % every == 0:
                found.append(w.T.copy())
    return _finite(np.array(found))


def sample_sde(
    posterior: LogisticPosterior,
    temperature: float,
    step: float,
    w0: ArrayLike,
    snapshots: int,
    seed: int,
    burn_in: int | None = None,
    save_every: int | None = None,
) -> Array:
    """Snapshots (snapshots, R, 2) of dω = −∇L ds + √(T F(ω)) dW in steps of Euler and Maruyama's method.

    F is that of batches; arguments are as of :func:`sample_sgd`, and `burn_in` and `save_every` are in steps.
    """
    temperature, step = positive("temperature", temperature), positive("step", step)
    relaxation = 1 / (np.linalg.eigvalsh(posterior.hessian)[0] * step)
    settled, every, steps = _length(float(relaxation), snapshots, burn_in, save_every)
    generator = np.random.default_rng(integer("seed", seed, 0))
    w, found = _starts(w0), []
    for count in range(1, steps + 1):
        gradient, noise = posterior.gradient_moments(w)
        root = np.linalg.cholesky(temperature * step * noise)
        kick = (root @ generator.standard_normal((*w.shape, 1)))[..., 0]
        w = w - step * gradient + kick
        if count > settled and (count - settled) % every == 0:
            found.append(w.copy())
    return _finite(np.array(found))


def _length(relaxation: float, snapshots: int, burn_in: int | None, save_every: int | None) -> tuple[int, int, int]:
    """Steps before snapshots, between them, and all of them."""
    every = math.ceil(relaxation) if save_every is None else integer("save_every", save_every, 1)
    settled = SETTLED * every if burn_in is None else integer("burn_in", burn_in, 0)
    return settled, every, settled + every * integer("snapshots", snapshots, 1)


def _starts(w0: ArrayLike) -> Array:
    w = real_array("w0", w0)
    if w.ndim != 2 or w.shape[1] != 2 or not np.isfinite(w).all():
        raise ValueError(f"w0 must be finite weights of the shape (R, 2), got the shape {w.shape}")
    return w.copy()


def _finite(snapshots: Array) -> Array:
    if not np.isfinite(snapshots).all():
        raise RuntimeError(f"{int((~np.isfinite(snapshots).all(axis=(0, 2))).sum())} replicas diverged")
    return snapshots
