"""Multilevel Monte Carlo on Brownian paths that two step sizes share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgdsde.brownian import BrownianPath
from sgdsde.convergence.coupled import run
from sgdsde.convergence.orders import Observable, as_observable
from sgdsde.convergence.problem import Problem
from sgdsde.schemes import find
from sgdsde.statistics.multilevel import MultilevelEstimate, multilevel


def multilevel_expectation(
    problem: Problem,
    observable: Observable | str,
    tolerance: float,
    *,
    scheme: str = "euler_maruyama",
    steps: int = 1,
    max_level: int = 10,
    seed: int = 0,
    engine: str = "numba",
) -> MultilevelEstimate:
    """E φ(ω(T)) to a root mean square error, with most of the work at large steps.

    Parameters
    ----------
    problem : Problem
        Landscape, start, time; its exact answers are not used.
    observable : callable or str
        φ, from (paths, d) to (paths,), or an expression in the landscape's variables.
    tolerance : float
        The root mean square error, in the unit of φ.
    scheme : str
        A scheme on increments of Brownian motion; its strong order decides how fast the levels' variances fall.
    steps : int
        Steps of level 0; level l takes 2^l times as many.
    max_level : int
        The last level that may be added.
    seed : int
        Of the Brownian paths.
    engine : str
        As in :func:`sgdsde.integrate`.

    Returns
    -------
    MultilevelEstimate
        Its text is the table of costs and errors by level, where a cost is a step of one path.

    Raises
    ------
    ValueError
        When an argument is not accepted, or the scheme follows no Brownian path.

    Notes
    -----
    Giles, Operations Research 56 (2008) 607.

    Examples
    --------
    >>> import math
    >>> from sgdsde import Landscape
    >>> bowl = Problem("bowl", Landscape("x**2/2", "x"), 1.0)
    >>> found = multilevel_expectation(bowl, "x", tolerance=0.02, steps=2, engine="numpy")
    >>> found.converged, bool(abs(found.value - math.exp(-1)) < 0.08)
    (True, True)
    """
    phi = as_observable(problem, observable)
    weak = find(scheme).order("weak", problem.kind)

    def sample(level: int, paths: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, float]:
        fine = steps * 2**level
        path = BrownianPath(problem.landscape.noise_dimension, problem.time, fine, seed=seed)
        found = phi(run(problem, scheme, fine, paths, path, engine))
        if not level:
            return found, None, float(paths * fine)
        return found, phi(run(problem, scheme, fine // 2, paths, path, engine)), paths * fine * 1.5

    finite = weak if weak is not None and np.isfinite(weak) else None
    return multilevel(sample, tolerance, weak=finite, max_level=max_level, steps=steps, seed=seed)
