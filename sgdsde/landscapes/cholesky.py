"""A Cholesky factor in symbols, for matrices that may be singular, or not be covariances, at some of the points.

What is decided point by point sits in functions of our own, which SymPy leaves as they are: as Piecewise they would
fold into each other, and two pivots down into expressions without a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from sgdsde.codegen import SINGULAR


class MendedRoot(sp.Function):  # type: ignore[misc]
    """√pivot of (pivot, diagonal): 0 for rounding below zero, NaN for what is truly negative (the path is diverged)."""

    def _sympystr(self, printer: Any) -> str:
        return f"mended_root({', '.join(map(printer._print, self.args))})"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative where it exists."""
        return RatioOrZero(sp.Rational(1, 2), self) if argindex == 1 else sp.S.Zero


class CutRoot(sp.Function):  # type: ignore[misc]
    """√max(pivot, 0)."""

    def _sympystr(self, printer: Any) -> str:
        return f"sqrt(maximum({printer._print(self.args[0])}, 0.0))"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative where it exists."""
        return RatioOrZero(sp.Rational(1, 2), self)


class RatioOrZero(sp.Function):  # type: ignore[misc]
    """a/root of (a, root), 0 unless root > 0: the columns under a zero pivot are zero."""

    def _sympystr(self, printer: Any) -> str:
        above, root = map(printer._print, self.args)
        return f"where({root} > 0.0, ({above})/({root}), 0.0)"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative where it exists."""
        above, root = self.args
        return RatioOrZero(sp.S.One, root) if argindex == 1 else -RatioOrZero(RatioOrZero(above, root), root)


class Clipped(sp.Function):  # type: ignore[misc]
    """(a, bound) → a within ±bound."""

    def _sympystr(self, printer: Any) -> str:
        value, bound = map(printer._print, self.args)
        return f"maximum(minimum({value}, {bound}), -({bound}))"

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Derivative where it exists."""
        value, bound = self.args
        inside = sp.Heaviside(bound - sp.Abs(value))
        return inside if argindex == 1 else (1 - inside) * sp.sign(value)


def exact(matrix: sp.Matrix) -> sp.Matrix:
    """Lower-triangular A with A Aᵀ = matrix where that is positive semidefinite, NaN where it is not."""

    def root(pivot: sp.Expr, diagonal: sp.Expr) -> sp.Expr:
        if pivot.is_number and -SINGULAR["float64"] * diagonal <= pivot <= 0:
            return sp.S.Zero
        return sp.sqrt(pivot) if pivot == diagonal or pivot.is_nonnegative else MendedRoot(pivot, diagonal)

    return _factor(matrix, root, lambda entry, left: entry)


def cut(matrix: sp.Matrix) -> sp.Matrix:
    """Lower-triangular A with A Aᵀ = matrix where that is positive semidefinite, and finite everywhere.

    Elsewhere negative pivots are cut to zero, and each row is shortened until (A Aᵀ)_ii ≤ max(matrix_ii, 0): uncut it
    would grow without bound near the points where a pivot turns negative.
    """

    def root(pivot: sp.Expr, diagonal: sp.Expr) -> sp.Expr:
        return sp.sqrt(pivot) if pivot.is_nonnegative else CutRoot(pivot)

    def within(entry: sp.Expr, left: sp.Expr) -> sp.Expr:
        return entry if (left - entry**2).is_nonnegative else Clipped(entry, root(left, left))

    return _factor(matrix, root, within)


def _factor(
    matrix: sp.Matrix,
    root: Callable[[sp.Expr, sp.Expr], sp.Expr],
    within: Callable[[sp.Expr, sp.Expr], sp.Expr],
) -> sp.Matrix:
    d = matrix.shape[0]
    lower = sp.zeros(d, d)
    for i in range(d):
        left = plain = matrix[i, i]  # what the row's later entries may still take of the diagonal entry
        for j in range(i):
            above = sp.simplify(matrix[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j)))
            if above == 0 or lower[j, j] == 0:
                continue
            ratio = above / lower[j, j] if lower[j, j].is_positive else RatioOrZero(above, lower[j, j])
            lower[i, j] = within(ratio, left)
            plain -= lower[i, j] ** 2  # cheaper to compute than its simplified form, which shows what is zero
            left = sp.simplify(left - lower[i, j] ** 2)
        lower[i, i] = root(left, matrix[i, i])
        if isinstance(lower[i, i], MendedRoot):
            lower[i, i] = MendedRoot(plain, matrix[i, i])
            if i == 1 and lower[0, 0].is_positive:  # from the determinant: two roots that need not wait for each other
                product = matrix[0, 0] * matrix[1, 1]
                lower[1, 1] = MendedRoot(product - matrix[0, 1] * matrix[1, 0], product) / lower[0, 0]
    return lower
