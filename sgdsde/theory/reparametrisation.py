"""Sharpness and Laplace's evidence in other coordinates: sharpness depends on them, the evidence only by its error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from sgdsde.arguments import real_array
from sgdsde.layout import one_line
from sgdsde.logistic.checks import checked_penalty
from sgdsde.logistic.newton import Problem
from sgdsde.theory.coordinates import Coordinates

Array = NDArray[np.float64]

#: gᵀH⁻¹g, twice what a Newton step gains, in nats: the same in all linear coordinates. A step taken from here leaves
#: less than rounding.
DECREMENT = 1e-12
#: By so much, relative to C, rounding may make a step seem to raise C.
ROUNDING = 1e-12
MOST_STEPS, MOST_HALVINGS = 200, 60


def transformed_hessian(hessian: ArrayLike, jacobian: ArrayLike, bend: ArrayLike | float = 0.0) -> Array:
    """Hessian in the coordinates θ of a loss whose Hessian in ω = φ(θ) is known: JᵀHJ + Σ_i g_i ∇∇φ_i.

    Parameters
    ----------
    hessian, jacobian : array_like, (D, D)
        H = ∇∇C in ω, and J = ∂ω/∂θ.
    bend : array_like, (D, D), optional
        Σ_i g_i ∇∇φ_i with g = ∇C; 0 at a minimum, and for linear maps everywhere.

    Raises
    ------
    ValueError
        When the shapes disagree.

    Notes
    -----
    Dinh, Pascanu, Bengio & Bengio, arXiv 1703.04933, §5.

    Examples
    --------
    >>> transformed_hessian([[2.0, 0.0], [0.0, 1.0]], np.diag([10.0, 0.1]))
    array([[2.e+02, 0.e+00],
           [0.e+00, 1.e-02]])
    """
    h, j = real_array("hessian", hessian), real_array("jacobian", jacobian)
    if h.ndim != 2 or h.shape != j.shape or h.shape[0] != h.shape[1]:
        raise ValueError(f"hessian and jacobian must be square and of one shape, got {h.shape} and {j.shape}")
    if np.shape(bend) not in ((), h.shape):
        raise ValueError(f"bend must have the shape {h.shape}, got {np.shape(bend)}")
    return np.asarray(j.T @ h @ j + real_array("bend", bend))


@dataclass(frozen=True, eq=False)
class CoordinateEvidence:
    """Laplace's approximation made in the coordinates θ.

    Attributes
    ----------
    theta : ndarray, (D,)
        The mode of the posterior density of θ: the least C(φ(θ)) − ln|det J(θ)|.
    hessian : ndarray, (D, D)
        Of that function, at the mode.
    log_evidence : float
        ln p(data | model), in nats.
    """

    theta: Array
    hessian: Array
    log_evidence: float

    __repr__ = one_line


def laplace_in_coordinates(
    model: Problem, regularization: float, coordinates: Coordinates, start: ArrayLike
) -> CoordinateEvidence:
    """Laplace's approximation of the evidence in other coordinates, with the prior carried along.

    Parameters
    ----------
    model : LogisticRegression
        Or another with `cost`, `gradient` and `hessian` of (ω, λ): C = H + (λ/2)|ω|².
    regularization : float
        λ > 0: the prior of ω is N(0, I/λ); that of θ has its density at φ(θ) times |det J(θ)|.
    coordinates : LinearMap, ComponentwiseMap
        ω = φ(θ).
    start : array_like, (D,)
        ω where the search begins.

    Raises
    ------
    ValueError
        When λ is not positive, `start` not finite, or Newton's method finds no mode from `start`.

    Notes
    -----
    Under linear maps the result is that of ω. Under others the mode itself moves, and the result differs by O(1/N):
    :func:`laplace_shift`. (Smith & Le, arXiv 1710.06451, call the evidence invariant; that of the integral is.)

    Examples
    --------
    >>> from sgdsde.logistic import LogisticRegression
    >>> from sgdsde.theory.coordinates import LinearMap
    >>> model = LogisticRegression([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0], [1.0, -0.3]], [1, 0, 1, 1])
    >>> for scale in 1.0, 100.0:
    ...     found = laplace_in_coordinates(model, 0.1, LinearMap(np.eye(2) * scale), [0.0, 0.0])
    ...     print(found.hessian.max().round(2), round(found.log_evidence, 6))
    0.6 -2.565067
    6017.46 -2.565067
    """
    penalty = checked_penalty("regularization", regularization)
    begin = real_array("start", start).copy()
    if begin.ndim != 1 or not np.isfinite(begin).all():
        raise ValueError(f"start must be finite weights of the shape (D,), got {start!r}")
    theta = coordinates.inverse(begin)

    def cost(at: Array) -> float:
        return float(model.cost(coordinates.forward(at), penalty) - coordinates.log_volume(at))

    def derivatives(at: Array) -> tuple[Array, Array]:
        omega, jacobian = coordinates.forward(at), coordinates.jacobian(at)
        slope, (grown, curved) = model.gradient(omega, penalty), coordinates.volume_derivatives(at)
        hessian = transformed_hessian(model.hessian(omega, penalty), jacobian, coordinates.bend(at, slope))
        return jacobian.T @ slope - grown, hessian - curved

    for _ in range(MOST_STEPS):
        gradient, hessian = derivatives(theta)
        step, convex = _newton_step(hessian, gradient)
        if convex and gradient @ step <= DECREMENT:
            theta = theta - step
            hessian = derivatives(theta)[1]
            log_determinant = float(np.linalg.slogdet(hessian / penalty)[1])
            return CoordinateEvidence(theta, hessian, -cost(theta) - log_determinant / 2)
        here = cost(theta)
        for _ in range(MOST_HALVINGS):
            if cost(theta - step) <= here + ROUNDING * abs(here):
                break
            step = step / 2
        theta = theta - step
    raise ValueError(f"start must lead to a mode of the posterior density of θ, got {start!r}, which led to none")


def _newton_step(hessian: Array, gradient: Array) -> tuple[Array, bool]:
    """H⁻¹g and True, or |H|⁻¹g and False where H is not positive definite: a way down there too."""
    try:
        return np.asarray(cho_solve(cho_factor(hessian), gradient)), True
    except LinAlgError:
        values, axes = np.linalg.eigh(hessian)
        sizes = np.maximum(np.abs(values), ROUNDING * np.abs(values).max())
        return np.asarray(axes @ (axes.T @ gradient / sizes)), False


def laplace_shift(
    hessian: ArrayLike, third: Callable[[Array], Array], coordinates: Coordinates, minimum: ArrayLike
) -> float:
    """Leading term, O(1/N), of ln evidence by Laplace in θ minus that in ω, in nats.

    Parameters
    ----------
    hessian : array_like, (D, D)
        H of C in ω at its minimum.
    third : callable
        Of a direction d in ω, (D,): Σ_k d_k ∂H/∂ω_k there, (D, D).
    coordinates : LinearMap, ComponentwiseMap
        ω = φ(θ); at linear maps the shift is 0.
    minimum : array_like, (D,)
        ω0.

    Raises
    ------
    ValueError
        When the shapes disagree.

    Notes
    -----
    With c = C∘φ, u = ln|det J|, K = ∇∇c = JᵀHJ and δ = K⁻¹∇u, by which the mode moves, all at φ⁻¹(ω0):
    ½ ∇u·δ + ½ Tr K⁻¹(∇∇u − ∂_δ K). K ∝ N, hence 1/N.

    Examples
    --------
    >>> from sgdsde.theory.coordinates import cubic_map
    >>> quadratic = np.diag([50.0, 20.0])  # third derivatives are 0
    >>> round(laplace_shift(quadratic, np.diag, cubic_map(), [0.0, 0.0]), 4)
    0.07
    """
    omega, h = real_array("minimum", minimum), real_array("hessian", hessian)
    theta = coordinates.inverse(omega)
    j, (grown, curved) = coordinates.jacobian(theta), coordinates.volume_derivatives(theta)
    curvature = transformed_hessian(h, j)
    moved = np.asarray(np.linalg.solve(curvature, grown), dtype=np.float64)
    turned = coordinates.turning(theta, moved)
    across = turned.T @ h @ j
    change = across + across.T + j.T @ third(j @ moved) @ j + coordinates.bend(theta, h @ j @ moved)
    return float(grown @ moved + np.trace(np.linalg.solve(curvature, curved - change))) / 2
