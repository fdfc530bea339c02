"""Quadratic losses with constant noise, of any dimension."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.landscapes.wide.base import WideLandscape
from sgdsde.landscapes.wide.roots import root_of, symmetric, vector

Array = NDArray[np.float64]


def wide_quadratic(
    hessian: ArrayLike,
    noise_covariance: ArrayLike | None = None,
    *,
    noise_factor: ArrayLike | None = None,
    optimum: ArrayLike = 0.0,
    name: str | None = None,
) -> Quadratic:
    """Return the landscape L = ½(ω − ω*)ᵀH(ω − ω*) with the constant noise F, both given as arrays.

    Parameters
    ----------
    hessian : (d, d)
        H, symmetric to 1e-10 of its largest entry; it may be singular or indefinite.
    noise_covariance : (d, d) or a number, optional
        F, symmetric and positive semidefinite to 1e-10; a number f stands for f·I. Default 1. It may be singular and
        need not commute with H.
    noise_factor : (d, k), optional
        A with F = A Aᵀ in place of `noise_covariance`.
    optimum : (d,) or a number
        ω*.
    name : str, optional
        For titles and provenance.

    Raises
    ------
    ValueError
        When a shape, symmetry or definiteness is wrong, or a number is not finite; the message names the argument.

    Examples
    --------
    >>> import sgdsde as sg
    >>> hessian, noise_covariance = [[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 3.0]]
    >>> wide = sg.landscapes.wide_quadratic(hessian, noise_covariance)
    >>> config = sg.SGDConfig(0.1, batch_size=4, n_examples=64, momentum=0.5)
    >>> sgd = sg.simulate_sgd(wide, config, [0.0, 0.0], updates=400, paths=512, burn_in=100)
    >>> exact = sg.theory.stationary_covariance(hessian, noise_covariance, config, dynamics="sgd")
    >>> bool((abs(sgd.covariance - exact) < 4 * sgd.standard_error.covariance).all())
    True
    """
    matrix = symmetric("hessian", hessian)
    d = len(matrix)
    return Quadratic(
        matrix,
        root_of(noise_covariance, noise_factor, d),
        vector("optimum", optimum, d),
        name or f"quadratic in {d} dimensions",
    )


class Quadratic(WideLandscape):
    """What :func:`wide_quadratic` returns. Arrays: `matrix` H (d, d), `root` A (d, k), `optimum` ω* (d,)."""

    is_quadratic = True

    def __init__(self, matrix: Array, root: Array, optimum: Array, name: str) -> None:
        self.matrix, self.root, self.optimum, self.name, self.decay = matrix, root, optimum, name, 0.0
        self.dimension, self.noise_dimension = root.shape
        diagonal = root.shape[0] == root.shape[1] and not np.count_nonzero(root - np.diag(np.diag(root)))
        self.kinds = frozenset({"additive", "commutative", "any"} | ({"diagonal"} if diagonal else set()))

    def _loss(self, w: Array) -> Array:
        away = w - self.optimum
        return np.asarray((away @ self.matrix * away).sum(axis=-1) / 2)

    def _gradient(self, w: Array) -> Array:
        return np.asarray((w - self.optimum) @ self.matrix)

    def _hessian(self, w: Array) -> Array:
        return np.broadcast_to(self.matrix, (*w.shape[:-1], *self.matrix.shape))

    @functools.cached_property
    def _spectrum(self) -> Array:
        return np.asarray(np.linalg.eigvalsh(self.matrix), np.float64)[None]

    def _curvatures(self, w: Array) -> Array:
        return self._spectrum

    def noise_factor(self, w: ArrayLike) -> Array:
        """A: w (..., d) → (..., d, k), the same everywhere."""
        return np.broadcast_to(self.root, (*self.points(w).shape[:-1], *self.root.shape))

    def noise_covariance(self, w: ArrayLike) -> Array:
        """F: w (..., d) → (..., d, d), the same everywhere."""
        shape = self.points(w).shape[:-1]
        return np.broadcast_to(self.root @ self.root.T, (*shape, self.dimension, self.dimension))

    def gradient_on(self, tape: Any, w: Any) -> Any:
        """H ω − H ω*."""
        return tape.apply("H", self.matrix, w) + tape.vector("Hω*", -self.matrix @ self.optimum)

    def noise_on(self, tape: Any, w: Any, draw: Any) -> Any:
        """A z."""
        return tape.apply("A", self.root, draw)

    def correction_on(self, tape: Any, w: Any) -> Any:
        """0, since A is constant."""
        return w * 0

    def described(self) -> dict[str, Any]:
        """Digests of the arrays."""
        return {
            "landscape": self.name, "loss": "quadratic", "hessian": self.matrix, "noise_factor": self.root,
            "optimum": self.optimum, "decay": self.decay,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<Quadratic: {self.name}, d = {self.dimension}, k = {self.noise_dimension}{self._with_decay}>"
