"""A sampler whose stationary law is the posterior itself: the SDE with isotropic noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer, positive
from sgdsde.config import SGDConfig
from sgdsde.posterior.target import LogisticPosterior
from sgdsde.simulate import simulate_sde

Array = NDArray[np.float64]

#: Largest step times curvature: the scheme's law is of second order in it, and exact for a normal law.
STEP = 0.1
#: Relaxation times before the first snapshot; snapshots are one apart.
SETTLED = 8


def sample_langevin(
    posterior: LogisticPosterior, paths: int, snapshots: int, seed: int, power: float = 1.0, step: float = STEP
) -> Array:
    """Snapshots (snapshots, paths, 2) of dω = −∇L ds + √(2/N) dW, which leaves exp(−N L) unchanged.

    Parameters
    ----------
    posterior : LogisticPosterior
        The target.
    paths, snapshots, seed : int
        Independent paths, and how many snapshots of each, one relaxation time apart after eight.
    power : float
        Of the likelihood: with several between 0 and 1 the evidence follows by thermodynamic integration.
    step : float
        The time step times the largest curvature within three standard deviations of the minimum towards 0.

    Returns
    -------
    ndarray, (snapshots, paths, 2)

    Raises
    ------
    ValueError
        When an argument is not one of these.
    RuntimeError
        When a path diverges.

    Notes
    -----
    The scheme is that of Leimkuhler and Matthews (2013), whose law is of second order in the step.

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> posterior = LogisticPosterior(LogisticRegression([[1, 0.5], [1, -1], [1, 2], [1, -0.3]], [1, 0, 1, 1]), 0.5)
    >>> sample_langevin(posterior, paths=5, snapshots=3, seed=0).shape
    (3, 5, 2)
    """
    model, n, penalty = posterior.model, posterior.n_examples, posterior.regularization
    power, step, count = positive("power", power), positive("step", step), integer("snapshots", snapshots, 1)
    fit = model.fit(penalty / power)
    here = power * model.hessian(fit.weights, penalty / power) / n
    # Paths go three standard deviations towards 0, where the curvature is largest, or beyond.
    length = float(np.linalg.norm(fit.weights))
    reach = 3 * math.sqrt(float(fit.weights @ np.linalg.inv(n * here) @ fit.weights)) / length
    near = max(0.0, 1 - reach / length) * fit.weights
    stiff = np.linalg.eigvalsh(power * model.hessian(near, penalty / power) / n)[-1]
    config = SGDConfig(step / float(stiff), 1, n, sampling="with_replacement")
    landscape = posterior.with_isotropic_noise().with_parameters(f=2 / (n * config.temperature), power=power)
    every = math.ceil(1 / (float(np.linalg.eigvalsh(here)[0]) * config.learning_rate))
    run = simulate_sde(
        landscape, config, fit.weights, (SETTLED + count - 1) * every, paths, scheme="leimkuhler_matthews", substeps=1,
        seed=seed, save_every=every,
    )  # fmt: skip
    if run.diverged:
        raise RuntimeError(f"{run.diverged} of {run.paths} paths diverged")
    return np.asarray(run.snapshots[SETTLED:])
