"""Kolmogorov's backward equation for any drift and any F(ω), on a tensor grid of Chebyshev points."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from sgdsde.convergence.exact import Function
from sgdsde.landscapes import Landscape

Array = NDArray[np.float64]

#: Points of a grid: its generator is a dense matrix of this size.
MOST_POINTS = 2000
_CHUNK = 16_384  # points at a time, which bounds memory


@dataclass(frozen=True)
class Grid:
    """Chebyshev points in a box, `points` of them along each axis, and the polynomials that they determine.

    Attributes
    ----------
    box : tuple of (float, float)
        Lower and upper end for each of the d axes.
    points : int
        n, at least 3; nᵈ at most `MOST_POINTS`.

    Raises
    ------
    ValueError
        When an end is not below the other, or there are too few or too many points.

    Examples
    --------
    >>> grid = Grid(((-1.0, 2.0),), 8)
    >>> cubic = grid.coefficients(grid.nodes[:, 0] ** 3)
    >>> round(float(grid.values(cubic, np.array([[0.5]]))[0]), 12)
    0.125
    """

    box: tuple[tuple[float, float], ...]
    points: int

    def __post_init__(self) -> None:
        for low, high in self.box:
            if not -np.inf < low < high < np.inf:
                raise ValueError(f"box must be pairs of finite numbers, the first below the second, got {self.box!r}")
        if self.points < 3 or self.points ** len(self.box) > MOST_POINTS:
            raise ValueError(
                f"points must be at least 3, and at most {MOST_POINTS} in all {len(self.box)} dimensions together, "
                f"got {self.points}"
            )

    @functools.cached_property
    def nodes(self) -> Array:
        """(nᵈ, d), the last axis running fastest."""
        axes = [low + (high - low) * (1 + self._reference) / 2 for low, high in self.box]
        return np.array(list(itertools.product(*axes)))

    @functools.cached_property
    def slopes(self) -> tuple[Array, ...]:
        """Matrices (nᵈ, nᵈ) of ∂/∂ω_i, from values at the nodes to values at the nodes."""
        d, n = len(self.box), self.points
        change = chebyshev.chebvander(self._reference, n - 2) @ chebyshev.chebder(np.eye(n)) @ self._inverse
        return tuple(
            np.kron(np.kron(np.eye(n**i), change * 2 / (high - low)), np.eye(n ** (d - 1 - i)))
            for i, (low, high) in enumerate(self.box)
        )

    def coefficients(self, values: Array) -> Array:
        """Chebyshev coefficients: values at the nodes (nᵈ, …) → (n, …, n, …)."""
        rest = values.shape[1:]
        found = values.reshape((self.points,) * len(self.box) + rest)
        for axis in range(len(self.box)):
            found = np.moveaxis(np.tensordot(self._inverse, found, (1, axis)), 0, axis)
        return np.asarray(found)

    def values(self, coefficients: Array, w: Array) -> Array:
        """The polynomials at points of the box: w (p, d) → (p, …)."""
        parts = [self._values(coefficients, w[first : first + _CHUNK]) for first in range(0, len(w), _CHUNK)]
        return np.concatenate(parts) if len(parts) > 1 else self._values(coefficients, w)

    def require(self, w: Array) -> None:
        """Raise ValueError unless all points w (…, d) are in the box."""
        low, high = np.array(self.box).T
        if not ((w >= low) & (w <= high)).all():
            reached = np.stack([w.min(axis=tuple(range(w.ndim - 1))), w.max(axis=tuple(range(w.ndim - 1)))], axis=1)
            raise ValueError(f"grid must have a box that holds {reached.round(3).tolist()}, got {self.box}")

    def tail(self, coefficients: Array) -> Array:
        """Size of the highest coefficients along any axis, (n, …, n, …) → (…): about what a smooth function lacks."""
        d = len(self.box)
        ends = [np.abs(np.moveaxis(coefficients, axis, 0)[-2:]).max(axis=tuple(range(d))) for axis in range(d)]
        return np.asarray(np.max(ends, axis=0))

    def _values(self, coefficients: Array, w: Array) -> Array:
        rest, found = coefficients.shape[len(self.box) :], coefficients
        for axis, (low, high) in enumerate(self.box):
            basis = chebyshev.chebvander((2 * w[:, axis] - low - high) / (high - low), self.points - 1)
            if axis == 0:
                found = basis @ found.reshape(self.points, -1)
            else:
                found = np.einsum("pn,pnr->pr", basis, found.reshape(len(w), self.points, -1))
        return np.asarray(found.reshape(len(w), *rest))

    @functools.cached_property
    def _reference(self) -> Array:
        return np.asarray(chebyshev.chebpts1(self.points))

    @functools.cached_property
    def _inverse(self) -> Array:
        """Values at the nodes of one axis → coefficients: discrete orthogonality."""
        basis = chebyshev.chebvander(self._reference, self.points - 1)
        return np.asarray(np.where(np.arange(self.points)[:, None], 2.0, 1.0) * basis.T / self.points)


def backward(
    landscape: Landscape, temperature: float, step: float, steps: int, function: Function, grid: Grid
) -> Array:
    """Solve u(s, ω) = E[φ(ω_{S−s}) | ω_0 = ω] of dω = −∇L ds + √(T F) dW at s = 0, step, …, S = steps × step.

    Parameters
    ----------
    landscape : Landscape
        Any, of one or two variables in practice; its drift points into the box at the walls.
    temperature : float
        T.
    step, steps
        Times at which u is wanted.
    function : callable
        φ, from (n, d) to (n,).
    grid : Grid
        Where, and how fine.

    Returns
    -------
    array (n, …, n, steps + 1)
        Chebyshev coefficients of u, for `grid.values`; the last of them are those of φ.

    Notes
    -----
    ∂u/∂s = ∇L·∇u − (T/2) F:∇∇u, by collocation in space and the exponential of the generator in time. No condition is
    set at the walls: the drift carries what happens there outwards, and u is continued through them as the polynomial
    that it is. It converges exponentially in n as long as the noise hardly gets out of the box.

    Examples
    --------
    >>> grid = Grid(((-3.0, 3.0),), 20)
    >>> u = backward(Landscape("x**2/2", "x"), 0.1, 0.25, 4, lambda w: w[:, 0] ** 2, grid)
    >>> round(float(grid.values(u, np.array([[1.0]]))[0, 0]), 10)             # e⁻² + 0.05 (1 − e⁻²)
    0.1785685191
    """
    drift, noise = -landscape.gradient(grid.nodes), temperature / 2 * landscape.noise_covariance(grid.nodes)
    axes = range(len(grid.box))
    generator = np.zeros((len(drift), len(drift)))
    for i in axes:
        generator += drift[:, i, None] * grid.slopes[i]
        for j in axes:
            generator += noise[:, i, j, None] * (grid.slopes[i] @ grid.slopes[j])
    advance, u = _exponential(step * generator), [np.asarray(function(grid.nodes), dtype=np.float64)]
    for _ in range(steps):
        u.append(advance @ u[-1])
    return grid.coefficients(np.stack(u[::-1], axis=1))


def _exponential(matrix: Array) -> Array:
    """exp(matrix): Taylor's series of matrix/2ʲ, squared j times.

    SciPy's takes several times as long where cores are shared: its estimates of norms are many short calls.
    """
    squarings = math.ceil(math.log2(max(float(np.linalg.norm(matrix, 1)), 1.0))) + 3
    small = matrix / 2**squarings
    total = term = np.eye(len(matrix))
    for order in range(1, 11):  # of norm 1/8 at most: what is left out is below 1e-17
        term = term @ small / order
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return total
