"""The SymPy side of a landscape: derivatives of the loss, the noise factor of a covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sgdsde import codegen, expression

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.landscapes.landscape import Landscape

_ROUNDING = 1e-10  # a Cholesky pivot this far below zero, relative to its diagonal entry, is a zero of a singular F


@dataclass(frozen=True)
class Symbolic:
    """Expressions of a landscape in its symbols `state` (w0, …) and p0, ….

    Attributes
    ----------
    state : column of d symbols
    loss : expression
    gradient : d×1
    hessian : d×d
    factor : d×k, A with F = A Aᵀ
    typed_covariance : d×d, F as given (A Aᵀ when the factor was given)
    """

    state: sp.Matrix
    loss: sp.Expr
    gradient: sp.Matrix
    hessian: sp.Matrix
    factor: sp.Matrix
    typed_covariance: sp.Matrix

    @property
    def covariance(self) -> sp.Matrix:
        """F = A Aᵀ, what the simulators run."""
        return self.factor * self.factor.T

    @classmethod
    def of(cls, landscape: Landscape) -> Symbolic:
        """Parse the landscape's texts and differentiate."""
        import sympy as sp

        state = sp.Matrix([sp.Symbol(f"w{i}", real=True) for i in range(landscape.dimension)])
        symbols = dict(zip(landscape.variables, state, strict=True))
        symbols |= {key: sp.Symbol(f"p{i}", real=True) for i, key in enumerate(sorted(landscape.parameters))}

        def read(text: str) -> sp.Expr:
            return expression.to_sympy(expression.parse(text, list(symbols)), symbols)

        loss = read(landscape.text)
        gradient = sp.Matrix([expression.derivative(loss, x) for x in state])
        hessian = sp.Matrix([[expression.derivative(slope, x) for x in state] for slope in gradient])
        entries = sp.Matrix([[read(text) for text in row] for row in landscape.noise.entries])
        identity = sp.eye(landscape.dimension)
        kinds: dict[str, Callable[[], tuple[sp.Matrix, sp.Matrix]]] = {
            "isotropic": lambda: (sp.sqrt(entries[0]) * identity, entries[0] * identity),
            "factor": lambda: (entries, entries * entries.T),
            "covariance": lambda: (cholesky(entries, _singular_pivot), entries),
            "hessian": lambda: _hessian_noise(hessian),
        }
        factor, covariance = kinds[landscape.noise.kind]()
        return cls(state, loss, gradient, hessian, factor, covariance)

    def block(self, quantity: str, scalars: tuple[str, ...]) -> codegen.Block:
        """Code for one attribute as a function of the state."""
        import sympy as sp

        value: Any = getattr(self, quantity)
        flat = list(value) if isinstance(value, sp.MatrixBase) else [value]
        names = [f"out{i}" for i in range(len(flat))]
        return codegen.lower([(names, flat)], scalars, [str(x) for x in self.state])


def _hessian_noise(hessian: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix]:
    factor = cholesky(hessian, _cut_pivot)
    return factor, factor * factor.T


def _singular_pivot(pivot: sp.Expr, diagonal: sp.Expr) -> sp.Expr:
    """Pivot with rounding below zero mended; a truly negative one stays, and its root is NaN: the path is diverged."""
    import sympy as sp

    if pivot == diagonal or pivot.is_nonnegative:
        return pivot
    return sp.Piecewise((0, sp.And(pivot <= 0, pivot >= -_ROUNDING * diagonal)), (pivot, True))


def _cut_pivot(pivot: sp.Expr, diagonal: sp.Expr) -> sp.Expr:
    import sympy as sp

    return pivot if pivot.is_nonnegative else sp.Max(pivot, 0)


def cholesky(matrix: sp.Matrix, pivot: Callable[[sp.Expr, sp.Expr], sp.Expr]) -> sp.Matrix:
    """Lower-triangular A with A Aᵀ = matrix, symbolically; columns under a zero pivot are zero."""
    import sympy as sp

    d = matrix.shape[0]
    lower = sp.zeros(d, d)
    for j in range(d):
        squared = sp.simplify(matrix[j, j] - sum(lower[j, k] ** 2 for k in range(j)))
        squared = pivot(squared, matrix[j, j])
        lower[j, j] = sp.sqrt(squared)
        for i in range(j + 1, d):
            above = sp.simplify(matrix[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j)))
            if above != 0 and squared != 0:
                divided = above / lower[j, j]
                lower[i, j] = divided if squared.is_positive else sp.Piecewise((divided, squared > 0), (0, True))
    return lower
