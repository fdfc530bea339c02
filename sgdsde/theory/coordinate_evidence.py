"""The exact evidence in other coordinates, by quadrature: what a change of parameters does not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import boolean
from sgdsde.logistic.newton import Problem
from sgdsde.theory.coordinates import Coordinates
from sgdsde.theory.log_integral import LogIntegral, log_integral
from sgdsde.theory.reparametrisation import laplace_in_coordinates

Array = NDArray[np.float64]


def log_evidence_in_coordinates(
    model: Problem, regularization: float, coordinates: Coordinates, start: ArrayLike, *, carried: bool = True
) -> LogIntegral:
    """ln ∫ (λ/2π)^{D/2} exp(−C(φ(θ))) |det J| dθ, in nats, for a few weights.

    Parameters
    ----------
    model : LogisticRegression
        Or another with `cost`, `gradient` and `hessian` of (ω, λ): C = H + (λ/2)|ω|². The number of nodes is a power of
        D: two weights take a second, three a minute.
    regularization : float
        λ > 0: the prior of ω is N(0, I/λ); that of θ has its density at φ(θ) times |det J(θ)|.
    coordinates : LinearMap, ComponentwiseMap
        ω = φ(θ). Nodes are placed about the mode of the density of θ: other coordinates have other nodes.
    start : array_like, (D,)
        ω where the search for the mode begins.
    carried : bool
        False leaves |det J| out, which is the integral of another prior, and not normalised.

    Returns
    -------
    LogIntegral
        To 1e-11 of itself or better.

    Raises
    ------
    ValueError
        As :func:`laplace_in_coordinates`.
    ArithmeticError
        As :func:`log_integral`.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, abstract: the evidence is the same in all coordinates.

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> from sgdsde.theory.coordinates import LinearMap, sinh_map
    >>> model = LogisticRegression([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0], [1.0, -0.3]], [1, 0, 1, 1])
    >>> for coordinates in LinearMap(np.eye(2)), LinearMap(np.diag([100.0, 0.1])), sinh_map():
    ...     print(round(log_evidence_in_coordinates(model, 1.0, coordinates, [0.0, 0.0]).value, 10))
    -2.5755183838
    -2.5755183838
    -2.5755183838
    """
    boolean("carried", carried)
    close = laplace_in_coordinates(model, regularization, coordinates, start)

    def log_density(theta: Array) -> Array:
        density = -model.cost(coordinates.forward(theta), regularization)
        return np.asarray(density + coordinates.log_volume(theta) if carried else density)

    found = log_integral(log_density, close.theta, np.linalg.inv(close.hessian))
    return LogIntegral(found.value + len(close.theta) / 2 * np.log(regularization / (2 * np.pi)), found.change)
