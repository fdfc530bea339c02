"""Measured orders of convergence: strong, weak, without noise, and of the invariant law."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sgdsde import schemes
from sgdsde.convergence.coupled import final_states, run
from sgdsde.convergence.enumeration import MOST_LEAVES, branches, expectation
from sgdsde.convergence.problem import Problem
from sgdsde.integration import integrate
from sgdsde.statistics.orders import Order, fit_order

Array = NDArray[np.float64]
Observable = Callable[[Array], Array]


def strong_order(
    problem: Problem,
    scheme: str,
    *,
    steps: Sequence[int] = (8, 16, 32, 64, 128),
    paths: int = 2048,
    seed: int = 0,
    engine: str = "numpy",
    next_power: float | None = None,
) -> Order:
    """Strong order: E|ω_Δ(T) − ω(T)| ∝ Δ^p, on shared Brownian paths.

    Parameters
    ----------
    problem : Problem
        Landscape, start, time and, where it is known, the solution as a function of the Brownian path; elsewhere
        another scheme with far smaller steps stands for it (``sgdsde.convergence.coupled.REFERENCES``).
    scheme : str
        Name of a scheme on increments of Brownian motion.
    steps : sequence of int
        Numbers of steps; Δ = time / steps.
    paths : int
        Independent paths; all step sizes see the same ones.
    seed, engine
        As in :func:`sgdsde.integrate`.
    next_power : float, optional
        Fit the next term of the error's expansion too: see :func:`sgdsde.statistics.orders.fit_order`.

    Returns
    -------
    Order

    Raises
    ------
    ValueError
        When the scheme does not take the problem's noise, or follows no path (two- and three-point noise).

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> gbm = Problem("mine", Landscape("x**2", "x", noise_factor=[["x"]]), 1.0)
    >>> order = strong_order(gbm, "euler_maruyama", steps=(32, 64, 128), paths=500)
    >>> bool(abs(order.slope - 0.5) < 0.2)
    True
    """
    distances = [
        np.stack([np.linalg.norm(found - exact, axis=1) for found in levels], axis=1)
        for levels, ((_, exact),) in final_states(problem, scheme, "strong", steps, paths, seed, engine)
    ]
    return _fit(problem, steps, np.concatenate(distances), next_power)


def weak_order(
    problem: Problem,
    scheme: str,
    observable: Observable | str,
    exact: float | None = None,
    *,
    steps: Sequence[int] = (2, 4, 8, 16),
    paths: int = 100_000,
    seed: int = 0,
    engine: str = "numpy",
    next_power: float | None = None,
    extrapolate: bool = False,
) -> Order:
    """Weak order: E φ(ω_Δ(T)) − E φ(ω(T)) ∝ Δ^p.

    A scheme on Gaussian increments is compared path by path with the solution on the same path, which leaves little of
    the noise. Two- and three-point noise has few branches: the expectation is summed over all of them, without error,
    and compared with `exact`.

    Parameters
    ----------
    problem, scheme, steps, paths, seed, engine, next_power
        As in :func:`strong_order`; any scheme will do.
    observable : callable or str
        φ, from (paths, d) to (paths,), or an expression in the landscape's variables.
    exact : float, optional
        E φ(ω(T)); needed for schemes with two- or three-point noise.
    extrapolate : bool
        Measure 2 E φ(ω_{Δ/2}) − E φ(ω_Δ) in place of E φ(ω_Δ) (Talay & Tubaro 1990).

    Returns
    -------
    Order

    Raises
    ------
    ValueError
        When the scheme does not take the problem's noise, or there are too many branches to enumerate.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> gbm = Problem("mine", Landscape("x**2", "x", noise_factor=[["x"]]), 1.0)
    >>> import math
    >>> order = weak_order(gbm, "weak_euler", "x", exact=math.exp(-2), steps=(8, 11, 16))
    >>> bool(abs(order.slope - 1) < 0.2)
    True
    """
    phi = as_observable(problem, observable)
    asked = sorted({*steps, *(2 * n for n in steps)}) if extrapolate else list(steps)
    program = schemes.build(schemes.find(scheme), problem.landscape)
    if branches(program) is not None:
        if exact is None:
            raise ValueError(f"exact must be given for scheme {scheme!r}, whose noise follows no path")
        differences = np.array([[expectation(problem, program, n, phi) - exact for n in asked]])
    else:
        chunks = [
            np.stack([phi(found) - sum(weight * phi(w) for weight, w in truth) for found in levels], axis=1)
            for levels, truth in final_states(problem, scheme, "weak", asked, paths, seed, engine)
        ]
        differences = np.concatenate(chunks)
    if extrapolate:
        at = {n: differences[:, i] for i, n in enumerate(asked)}
        differences = np.stack([2 * at[2 * n] - at[n] for n in steps], axis=1)
    return _fit(problem, steps, differences, next_power)


def most_steps(problem: Problem, scheme: str) -> int | None:
    """Steps whose branches can still be enumerated; None for a scheme on Gaussian increments."""
    each = branches(schemes.build(schemes.find(scheme), problem.landscape))
    return None if each is None else int(np.log(MOST_LEAVES) / np.log(each))


def deterministic_order(
    problem: Problem, scheme: str, *, steps: Sequence[int] = (8, 16, 32, 64, 128), next_power: float | None = None
) -> Order:
    """Order with the noise off: |ω_Δ(T) − ω(T)| ∝ Δ^p at T = 0.

    Examples
    --------
    >>> from sgdsde import Landscape
    >>> gbm = Problem("mine", Landscape("x**4/4", "x", noise_factor=[["x"]]), 1.0)
    >>> f"{deterministic_order(gbm, 'euler_maruyama').slope:.1f}"
    '1.0'
    """
    from scipy.integrate import solve_ivp

    still, landscape = replace(problem, temperature=0.0, solution=None), problem.landscape
    d, start = landscape.dimension, np.array(problem.w0)

    def overdamped(time: float, state: Array) -> Array:
        return -landscape.gradient(state)

    def momentum(time: float, state: Array) -> Array:
        w, p = state[:d], state[d:]
        return np.concatenate([p, -problem.friction * p - landscape.gradient(w)])

    slope, state = {
        "overdamped": (overdamped, start),
        "momentum": (momentum, np.concatenate([start, 0.0 * start])),
    }[problem.equation]
    solved = solve_ivp(slope, (0.0, problem.time), state, method="DOP853", rtol=1e-12, atol=1e-14)
    exact = solved.y[:d, -1]
    distances = [[float(np.linalg.norm(run(still, scheme, n, 1, None, "numpy") - exact))] for n in steps]
    return _fit(still, steps, np.array(distances).T, next_power)


def invariant_order(
    problem: Problem,
    scheme: str,
    exact: float,
    step_sizes: Sequence[float],
    *,
    relaxation: float,
    length: float,
    paths: int = 4096,
    seed: int = 0,
    engine: str = "numba",
    next_power: float | None = None,
) -> Order:
    """Order of the long-time error of the first component's variance: Var_Δ(ω_0) − Var(ω_0) ∝ Δ^p.

    Parameters
    ----------
    problem, scheme, paths, seed, engine, next_power
        As in :func:`strong_order`.
    exact : float
        Variance of ω_0 under the invariant law.
    step_sizes : sequence of float
        Δ.
    relaxation, length : float
        Time left out at the start, and time averaged over after it.
    """
    errors, deviations = [], []
    for size in step_sizes:
        burn_in, kept = round(relaxation / size), round(length / size)
        found = integrate(
            problem.landscape, problem.w0, (burn_in + kept) * size, burn_in + kept, paths, scheme=scheme, seed=seed,
            temperature=problem.temperature, friction=problem.friction, burn_in=burn_in, engine=engine,
        )  # fmt: skip
        errors.append(found.covariance[0, 0] - exact)
        deviations.append(found.standard_error.covariance[0, 0])
    return fit_order(list(step_sizes), errors, deviations, next_power=next_power)


def as_observable(problem: Problem, observable: Observable | str) -> Observable:
    """φ as a function (paths, d) → (paths,)."""
    if callable(observable):
        return observable
    landscape = problem.landscape
    return type(landscape)(observable, landscape.variables, landscape.parameters).loss


def _fit(problem: Problem, steps: Sequence[int], samples: Array, next_power: float | None) -> Order:
    """Order from per-path errors (paths, levels); one path means that they are exact."""
    sizes = [problem.time / n for n in steps]
    if len(samples) == 1:
        return fit_order(sizes, samples[0], 0.0, next_power=next_power)
    covariance = np.atleast_2d(np.cov(samples, rowvar=False)) / len(samples)
    return fit_order(sizes, samples.mean(axis=0), covariance=covariance, next_power=next_power)
