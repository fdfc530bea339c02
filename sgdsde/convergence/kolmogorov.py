"""Expectations in one dimension for any confining loss, by Kolmogorov's backward equation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sgdsde.convergence.exact import Function, Route
from sgdsde.landscapes import Landscape

Array = NDArray[np.float64]


def on_a_line(
    landscape: Landscape, w0: float, temperature: float, time: float, friction: float | None = None,
    *, reach: float = 8.0, points: int = 120, modes: int = 40,
) -> Route:  # fmt: skip
    """For d = 1, any confining L and constant F: Kolmogorov's backward equation on a grid.

    Parameters
    ----------
    landscape, w0, temperature, time, friction
        As in `by_moments`.
    reach : float
        The grid spans start ± reach, where the stationary density must vanish to rounding.
    points : int
        On either side.
    modes : int
        Hermite functions of p, where there is a momentum.

    Notes
    -----
    Sinc collocation (Colbert & Miller, J. Chem. Phys. 96 (1992) 1982), which converges exponentially in 1/spacing. With
    θ = TF/2, D = √θ(∂ + L'/(2θ)) and u = v e^{L/(2θ)} the equation ∂u = (θ∂² − L'∂)u is ∂v = −DᵀD v; and with a
    momentum in Hermite functions of p/√θ, a their lowering operator, ∂v = (aᵀD − aDᵀ − γ aᵀa)v (Risken 1989, §10.3).

    Examples
    --------
    >>> wave = on_a_line(Landscape("x**2/2", "x"), 1.0, temperature=1.0, time=0.5)(lambda w: w[:, 0])
    >>> round(wave / math.exp(-0.5), 9)
    1.0
    """

    def expectation(function: Function) -> float:
        w = (w0 + np.linspace(-reach, reach, 2 * points + 1))[:, None]
        theta, slope = temperature * float(landscape.noise_covariance(w[0])[0, 0]) / 2, landscape.gradient(w)[:, 0]
        difference = np.subtract.outer(np.arange(len(w)), np.arange(len(w)))
        sign = 1.0 - 2.0 * (difference % 2)
        with np.errstate(divide="ignore"):
            first = np.where(difference, sign / difference, 0.0) * points / reach
            second = -np.where(difference, 2 * sign / difference**2, math.pi**2 / 3) * (points / reach) ** 2
        loss = landscape.loss(w)
        half = np.exp((loss[points] - loss) / (2 * theta))  # square root of the stationary density, 1 at the start
        if friction is None:
            potential = slope**2 / (4 * theta) - landscape.hessian(w)[:, 0, 0] / 2
            rates, vectors = np.linalg.eigh(np.diag(potential) - theta * second)
            return float((vectors[points] * np.exp(-rates * time)) @ (vectors.T @ (half * function(w))))
        return float(_kinetic(first, slope, theta, friction, time, half * function(w), modes)[points])

    return expectation


def _kinetic(first: Array, slope: Array, theta: float, friction: float, time: float, start: Array, modes: int) -> Array:
    """Solution at p = 0 of ∂v = (aᵀD − aDᵀ − γ aᵀa)v, on the grid."""
    from scipy.integrate import solve_ivp

    raising = math.sqrt(theta) * first + np.diag(slope) / (2 * math.sqrt(theta))
    number, root = np.arange(modes)[:, None], np.sqrt(np.arange(1.0, modes))[:, None]

    def velocity(_: float, flat: Array) -> Array:
        v = flat.reshape(modes, -1)
        change = -friction * number * v
        change[1:] += root * (v[:-1] @ raising.T)
        change[:-1] -= root * (v[1:] @ raising)
        return change.ravel()

    begin = np.zeros((modes, len(start)))
    begin[0] = start
    end = solve_ivp(velocity, (0.0, time), begin.ravel(), method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    at_rest = np.zeros(modes)  # Hermite functions at p = 0
    at_rest[0] = 1.0
    for n in range(2, modes):
        at_rest[n] = -math.sqrt((n - 1) / n) * at_rest[n - 2]
    return np.asarray(at_rest @ end.reshape(modes, -1))
