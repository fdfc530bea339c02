"""Stationary laws of SGD and of its SDE on a posterior: exact ones, and those of constant H and F."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_continuous_lyapunov

from sgdsde.arguments import integer, positive, real_array
from sgdsde.clock import overdamped
from sgdsde.config import SGDConfig
from sgdsde.layout import one_line
from sgdsde.posterior.galerkin import stationary_law
from sgdsde.posterior.steps import Noise, euler_steps, sde_steps, sgd_steps
from sgdsde.posterior.target import LogisticPosterior
from sgdsde.theory import stationary_covariance

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Law:
    """Mean (2,) and covariance (2, 2) of the weights under a stationary law."""

    mean: Array
    covariance: Array

    __repr__ = one_line

    def normal(self, n: int, seed: int) -> Array:
        """`n` points of the normal law with these moments, (n, 2)."""
        generator = np.random.default_rng(integer("seed", seed, 0))
        root = np.linalg.cholesky(self.covariance)
        return np.asarray(self.mean + generator.standard_normal((integer("n", n, 1), 2)) @ root.T)


def normal_law(posterior: LogisticPosterior, config: SGDConfig, preconditioner: ArrayLike | None = None) -> Law:
    """Law of SGD for H and F as they are at the minimum: normal about it.

    Parameters
    ----------
    posterior : LogisticPosterior
        The target, whose examples SGD draws.
    config : SGDConfig
        ε, B and m; N must be the posterior's. Momentum counts through ε/(1 − m) only.
    preconditioner : array_like, (2, 2), optional
        K of ω ← ω − K ĝ, symmetric and positive definite, in place of ε; see
        :func:`sgdsde.theory.optimal_preconditioner`.

    Raises
    ------
    ValueError
        When N differs, or K is not positive definite.

    Notes
    -----
    That of :func:`sgdsde.theory.stationary_covariance` in u = K^(−1/2) ω, where the learning rate is 1.
    """
    rates = overdamped(checked_rates(posterior, config, preconditioner), 1.0, config.momentum).update
    values, vectors = np.linalg.eigh(rates)
    root = vectors * np.sqrt(values) @ vectors.T
    hessian, noise = (
        (m + m.T) / 2 for m in (root @ posterior.hessian @ root, root @ posterior.noise_covariance @ root)
    )
    plain = replace(config, learning_rate=1.0, momentum=0.0)
    return Law(posterior.fit.weights, root @ stationary_covariance(hessian, noise, plain, dynamics="sgd") @ root)


def sgd_law(posterior: LogisticPosterior, config: SGDConfig, preconditioner: ArrayLike | None = None) -> Law:
    """Exact stationary law of SGD on the posterior's own examples, batches drawn with replacement.

    Parameters
    ----------
    posterior, config, preconditioner
        As of :func:`normal_law`; without momentum.

    Raises
    ------
    ValueError
        When N or the sampling differs, there is momentum, or K is not positive definite.

    Notes
    -----
    E[f(ω′) − f(ω)] = 0 for all polynomials f of degree 8, with a density that is a normal one times such a polynomial:
    to about 1e-5 of the variances where the law is as narrow as a posterior of some hundred examples.

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> from sgdsde.theory import optimal_learning_rate, optimal_preconditioner
    >>> generator = np.random.default_rng(0)
    >>> x = generator.standard_normal((200, 2))
    >>> labels = generator.random(200) < 1 / (1 + np.exp(x[:, 1] - 3 * x[:, 0]))
    >>> posterior = LogisticPosterior(LogisticRegression(x, labels), 1.0)
    >>> config = SGDConfig(1.0, 16, 200, sampling="with_replacement")
    >>> best = optimal_learning_rate(posterior.hessian, posterior.noise_covariance, config, "sgd")
    >>> posterior.relative(sgd_law(posterior, replace(config, learning_rate=best)).covariance).diagonal().round(2)
    array([1.46, 0.5 ])
    >>> shaped = optimal_preconditioner(posterior.noise_covariance, config)
    >>> posterior.relative(sgd_law(posterior, config, shaped).covariance).diagonal().round(2)
    array([1.15, 1.03])
    """
    if config.sampling != "with_replacement":
        raise ValueError(f"config must have sampling='with_replacement' for an exact law, got {config.sampling!r}")
    if config.momentum:
        raise ValueError(f"config must have momentum=0 for an exact law, got {config.momentum:g}")
    rates = checked_rates(posterior, config, preconditioner)
    start = normal_law(posterior, config, preconditioner)
    return Law(*stationary_law(sgd_steps(posterior, config.batch_size, rates), start.mean, start.covariance))


def sde_law(
    posterior: LogisticPosterior, temperature: float, step: float | None = None, noise: Noise | None = None
) -> Law:
    """Stationary law of dω = −∇L ds + √(T F(ω)) dW, exact as that of :func:`sgd_law`.

    Parameters
    ----------
    posterior : LogisticPosterior
        The target.
    temperature : float
        T.
    step : float, optional
        Of the time s, by Euler and Maruyama's method; None is the law of the equation itself.
    noise : callable, optional
        F: (…, 2) → (…, 2, 2); that of batches by default. With F = f I and T f/2 = 1/N the law is the posterior.

    Raises
    ------
    ValueError
        When a number is not positive.
    """
    temperature, at = positive("temperature", temperature), noise or posterior.batch_noise
    mean = posterior.fit.weights
    start = solve_continuous_lyapunov(posterior.hessian, temperature * at(mean))
    if step is None:
        steps = sde_steps(posterior, temperature, np.eye(2), at)
    else:
        step = positive("step", step)
        steps = euler_steps(posterior, temperature / step, step * np.eye(2), at)
    return Law(*stationary_law(steps, mean, np.asarray(start)))


def checked_rates(posterior: LogisticPosterior, config: SGDConfig, preconditioner: ArrayLike | None) -> Array:
    """K, (2, 2): ε I without a preconditioner."""
    if config.n_examples != posterior.n_examples:
        raise ValueError(
            f"config must have n_examples={posterior.n_examples} of the posterior, got {config.n_examples}"
        )
    config.require_plain("dampening", "weight_decay")
    if preconditioner is None:
        return config.learning_rate * np.eye(2)
    rates = real_array("preconditioner", preconditioner)
    definite = rates.shape == (2, 2) and np.allclose(rates, rates.T) and (np.linalg.eigvalsh(rates) > 0).all()
    if not definite:
        raise ValueError(f"preconditioner must be symmetric and positive definite, (2, 2), got {preconditioner!r}")
    return rates
