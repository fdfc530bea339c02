"""Talay–Tubaro extrapolation: one order more for expectations, from two step sizes."""

from __future__ import annotations

import numpy as np

from sgdsde import schemes
from sgdsde.brownian import BrownianPath
from sgdsde.convergence.coupled import CHUNK, run
from sgdsde.convergence.orders import Observable, as_observable
from sgdsde.convergence.problem import Problem
from sgdsde.statistics.estimates import Estimate, mean


def extrapolated(
    problem: Problem,
    scheme: str,
    observable: Observable | str,
    steps: int,
    paths: int,
    *,
    seed: int = 0,
    engine: str = "numba",
) -> Estimate:
    """E φ(ω(T)) of weak order p + 1 from a scheme of weak order p: (2^p E φ(ω_{Δ/2}) − E φ(ω_Δ))/(2^p − 1).

    Parameters
    ----------
    problem : Problem
        Landscape, start and time.
    scheme : str
        A scheme on Gaussian increments that declares its weak order p; both step sizes see the same Brownian paths.
    observable : callable or str
        φ, from (paths, d) to (paths,), or an expression in the landscape's variables.
    steps, paths : int
        Steps of the coarser run, and independent paths.
    seed, engine
        As in :func:`sgdsde.integrate`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        When the scheme declares no finite weak order for the problem's noise, or follows no path.

    Notes
    -----
    Talay & Tubaro, Stochastic Analysis and Applications 8 (1990) 483.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> bowl = Problem("mine", Landscape("x**2/2", "x"), 1.0)
    >>> import math
    >>> found = extrapolated(bowl, "euler_maruyama", "x", steps=8, paths=2000)
    >>> bool(abs(found.value - math.exp(-1)) < 5 * found.standard_error)
    True
    """
    declaration = schemes.find(scheme)
    order = declaration.order("weak", problem.kind)
    if order is None or order == np.inf:
        raise ValueError(f"scheme {scheme!r} declares no finite weak order to extrapolate from")
    phi, weight = as_observable(problem, observable), 2.0**order
    samples = []
    for chunk, first in enumerate(range(0, paths, CHUNK)):
        path = BrownianPath(problem.landscape.noise_dimension, problem.time, 2 * steps, seed=seed + chunk)
        coarse, fine = (
            phi(run(problem, scheme, n, min(CHUNK, paths - first), path, engine)) for n in (steps, 2 * steps)
        )
        samples.append((weight * fine - coarse) / (weight - 1))
    return mean(np.concatenate(samples))
