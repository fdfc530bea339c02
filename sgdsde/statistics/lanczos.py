"""Lanczos' method with full reorthogonalisation, many runs side by side, and the quadrature rules that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# SciPy is imported where it is used: it costs more than everything else that this room imports.

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Run:
    """What m Lanczos steps from one unit vector x know of a symmetric matrix A.

    Attributes
    ----------
    diagonal, offdiagonal : (m,)
        Of the tridiagonal matrix; the last offdiagonal number couples it to what was not explored, and is 0 when the
        Krylov space is exhausted: then the rules below are exact.
    """

    diagonal: Array
    offdiagonal: Array

    @cached_property
    def ritz(self) -> tuple[Array, Array]:
        """Ritz values (m,), ascending, and the eigenvectors of the tridiagonal matrix as columns, (m, m)."""
        return _eigen(self.diagonal, self.offdiagonal[:-1])

    @property
    def residuals(self) -> Array:
        """‖A q − θ q‖ of the Ritz pairs, up to the sign: (m,). The residual vectors are all parallel."""
        return np.asarray(self.offdiagonal[-1] * self.ritz[1][-1])

    def first(self, steps: int) -> Run:
        """The run when it had taken fewer steps."""
        return Run(self.diagonal[:steps], self.offdiagonal[:steps])

    def gauss(self, function: Function) -> float:
        """xᵀ f(A) x by Gauss' rule."""
        values, vectors = self.ritz
        return float(vectors[0] ** 2 @ function(values))

    def gauss_radau(self, function: Function, node: float) -> float:
        """xᵀ f(A) x by the rule of Gauss and Radau with one node given, which must be below the Ritz values.

        Where the node is below A's eigenvalues too, and all even derivatives of f are negative and all odd ones
        positive, as for ln, this is at most xᵀ f(A) x and Gauss' rule at least (Golub & Meurant 2010, *Matrices,
        moments and quadrature*, §6.2).

        >>> run = next(lanczos(lambda x: np.diag([0.0, 1.0, 8.0]) @ x, np.ones((1, 3)), 1))[0][0]
        >>> true = np.log1p([0.0, 1.0, 8.0]).mean()
        >>> bool(run.gauss_radau(np.log1p, -0.001) < true < run.gauss(np.log1p))
        True
        """
        values, vectors = self.ritz
        last = node + self.offdiagonal[-1] ** 2 * np.sum(vectors[-1] ** 2 / (values - node))
        nodes, extended = _eigen(np.append(self.diagonal, last), self.offdiagonal)
        return float(extended[0] ** 2 @ function(np.maximum(nodes, node)))  # rounding must not leave f's domain


def lanczos(
    product: Function, starts: Array, steps: int, outside: Array | None = None
) -> Iterator[tuple[list[Run], Array]]:
    """Runs of Lanczos' method from several starts, one product with all of them a step.

    Parameters
    ----------
    product : callable
        (P, n) → A times it, (P, n), with a symmetric A.
    starts : ndarray, (n, P)
        Rows, of any length but 0.
    steps : int
        At most.
    outside : ndarray, (k, P), optional
        Orthonormal rows; with starts orthogonal to them the runs are those of A projected on their complement.

    Yields
    ------
    (list of n Run, ndarray (n, j, P))
        After j = 1, 2, … steps: the runs, and the orthonormal rows that each has made.

    Raises
    ------
    ValueError
        When a product is not finite.

    Notes
    -----
    Lanczos 1950; orthogonalised against all earlier vectors, twice (Parlett 1998, *The symmetric eigenvalue problem*,
    §6.9). The memory is n (steps + 1) P numbers.
    """
    count, size = starts.shape
    basis = np.empty((count, steps + 1, size))
    basis[:, 0] = starts / np.linalg.norm(starts, axis=1, keepdims=True)
    diagonal, offdiagonal, largest = np.zeros((count, steps)), np.zeros((count, steps)), np.zeros(count)
    taken = np.zeros(count, dtype=int)
    live = np.ones(count, dtype=bool)
    for j in range(steps):
        rest = np.array(product(basis[:, j].T).T, dtype=np.float64, order="C")
        if not np.isfinite(rest).all():
            raise ValueError("operator must give finite products, got NaN or ∞")
        largest = np.maximum(largest, np.linalg.norm(rest, axis=1))
        diagonal[:, j] = np.einsum("np,np->n", rest, basis[:, j])
        known = basis[:, : j + 1]
        for _ in range(2):
            if outside is not None:
                rest -= (rest @ outside.T) @ outside
            rest -= np.matmul(np.matmul(known, rest[:, :, None]).swapaxes(1, 2), known)[:, 0]
        norms = np.linalg.norm(rest, axis=1)
        taken[live] += 1
        live &= norms > 8 * np.finfo(np.float64).eps * np.sqrt(size) * largest
        offdiagonal[live, j] = norms[live]
        # An exhausted run goes on with 0: its neighbours are still under way.
        basis[:, j + 1] = np.where(live, 1 / np.where(live, norms, 1), 0)[:, None] * rest
        yield [Run(diagonal[i, :m].copy(), offdiagonal[i, :m].copy()) for i, m in enumerate(taken)], known
        if not live.any():
            return


def as_product(operator: Any) -> tuple[Function, int]:
    """X ↦ A X of anything that has products, and P; ValueError where it is not real and square."""
    from scipy.sparse.linalg import aslinearoperator

    try:
        found = operator.to_scipy() if hasattr(operator, "to_scipy") else aslinearoperator(operator)
    except TypeError:
        wanted = "a matrix, a LinearOperator of SciPy or an operator of curvlinops"
        raise ValueError(f"operator must be {wanted}, got {type(operator).__name__}") from None
    if len(found.shape) != 2 or found.shape[0] != found.shape[1] or np.dtype(found.dtype).kind == "c":
        raise ValueError(f"operator must be real and square, got the shape {found.shape} of {found.dtype}")
    return (lambda x: np.asarray(found.matmat(np.ascontiguousarray(x)), dtype=np.float64)), found.shape[0]


def check_symmetry(product: Function, vectors: Array) -> None:
    """Refuse an operator that is not symmetric, from its products with two vectors, (P, 2); single precision passes."""
    made = product(vectors)
    scale = np.linalg.norm(vectors, axis=0).max() * np.linalg.norm(made, axis=0).max()
    if not np.isfinite(scale):
        raise ValueError("operator must give finite products, got NaN or ∞")
    forth, back = vectors[:, 0] @ made[:, 1], vectors[:, 1] @ made[:, 0]
    if abs(forth - back) > 1e-6 * scale:
        raise ValueError(f"operator must be symmetric, got uᵀAv = {forth:.9g} but vᵀAu = {back:.9g}")


def _eigen(diagonal: Array, offdiagonal: Array) -> tuple[Array, Array]:
    from scipy.linalg import eigh_tridiagonal

    values, vectors = eigh_tridiagonal(diagonal, offdiagonal)
    return values, vectors
