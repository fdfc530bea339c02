"""The SymPy side of a landscape: derivatives of the loss, the noise factor of a covariance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sgdsde import codegen, expression

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.landscapes.landscape import Landscape


#: Files of this room that a landscape's code depends on, beside its own text.
SOURCES = ("landscapes/symbolic.py", "landscapes/cholesky.py")
#: An attribute's name, or "margins" and their texts.
Quantity: TypeAlias = str | tuple[str, ...]


@dataclass(frozen=True)
class Symbolic:
    """Expressions of a landscape in its symbols `state` (w0, …) and p0, ….

    Attributes
    ----------
    state : column of d symbols
    loss : expression
    gradient : d×1
    hessian : d×d
    noise_factor : d×k, A with F = A Aᵀ
    typed_noise_covariance : d×d, F as given (A Aᵀ when the factor was given, or F is cut)
    """

    state: sp.Matrix
    loss: sp.Expr
    gradient: sp.Matrix
    hessian: sp.Matrix
    noise_factor: sp.Matrix
    typed_noise_covariance: sp.Matrix

    @property
    def noise_covariance(self) -> sp.Matrix:
        """F = A Aᵀ, what the simulators run."""
        return self.noise_factor * self.noise_factor.T

    @classmethod
    def of(cls, landscape: Landscape) -> Symbolic:
        """Parse the landscape's texts and differentiate."""
        import sympy as sp

        from sgdsde.landscapes import cholesky

        state = sp.Matrix([sp.Symbol(f"w{i}", real=True) for i in range(landscape.dimension)])

        def read(text: str) -> sp.Expr:
            return read_in(landscape, text)

        loss = read(landscape.text)
        gradient = sp.Matrix([expression.derivative(loss, x) for x in state])
        rows = [[expression.derivative(gradient[i], state[j]) for j in range(i + 1)] for i in range(len(state))]
        hessian = sp.Matrix(len(state), len(state), lambda i, j: rows[max(i, j)][min(i, j)])
        _require_doubles(landscape.text, sp.Tuple(*gradient, *hessian))
        entries = sp.Matrix([[read(text) for text in row] for row in landscape.noise.entries])
        identity = sp.eye(landscape.dimension)

        def with_square(noise_factor: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix]:
            return noise_factor, noise_factor * noise_factor.T

        kinds: dict[str, Callable[[], tuple[sp.Matrix, sp.Matrix]]] = {
            "isotropic": lambda: (sp.sqrt(entries[0]) * identity, entries[0] * identity),
            "noise_factor": lambda: with_square(entries),
            "noise_covariance": lambda: (cholesky.exact(entries), entries),
            "hessian": lambda: with_square(cholesky.cut(hessian)),
            "loss": lambda: with_square(cholesky.cut(2 * loss * hessian)),
        }
        if landscape.noise.cut:
            matrix = entries if landscape.noise.kind == "noise_covariance" else entries[0] * identity
            noise_factor, noise_covariance = with_square(cholesky.cut(matrix))
        else:
            noise_factor, noise_covariance = kinds[landscape.noise.kind]()
        return cls(state, loss, gradient, hessian, noise_factor, noise_covariance)

    def block(self, quantity: Quantity, landscape: Landscape) -> codegen.Block:
        """Code for one attribute as a function of the state, or for the margins of a region."""
        import sympy as sp

        if isinstance(quantity, str):
            value: Any = getattr(self, quantity)
        else:
            value = sp.Matrix([read_in(landscape, text) for text in quantity[1:]])
        flat = list(value) if isinstance(value, sp.MatrixBase) else [value]
        names = [f"out{i}" for i in range(len(flat))]
        return codegen.lower([(names, flat)], tuple(landscape.scalars), [str(x) for x in self.state])


def _require_doubles(loss: str, derivatives: sp.Tuple) -> None:
    import sympy as sp

    from sgdsde import arithmetic

    numbers = (part for part in arithmetic.parts_of(derivatives) if isinstance(part, sp.Number))
    beyond = next((each for each in numbers if not math.isfinite(arithmetic.as_double(each))), None)
    if beyond is not None:
        raise ValueError(
            f"loss: the derivatives of {loss!r} hold the number {sp.Float(beyond, 3)}, beyond double precision "
            f"(1.8e308): choose other units"
        )


def read_in(landscape: Landscape, text: str) -> sp.Expr:
    """An expression in the landscape's variables and parameters, in our own symbols w0, … and p0, …."""
    import sympy as sp

    symbols = {name: sp.Symbol(f"w{i}", real=True) for i, name in enumerate(landscape.variables)}
    symbols |= {name: sp.Symbol(f"p{i}", real=True) for i, name in enumerate(sorted(landscape.parameters))}
    return expression.to_sympy(expression.parse(text, list(symbols)), symbols)
