"""The tape: what a scheme sees of one step."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sgdsde import expression
from sgdsde.landscapes import Landscape
from sgdsde.schemes.registry import Declaration
from sgdsde.schemes.tape import Tape

if TYPE_CHECKING:
    import sympy as sp

    Vector: TypeAlias = sp.Matrix

#: Run-time numbers that a scheme may use, besides the landscape's parameters.
SCALARS = (
    "dt", "temperature", "learning_rate", "momentum", "friction", "batch_noise", "spread", "rounding", "keep", "pull",
    "share",
)  # fmt: skip
#: How names begin of the numbers that a declaration asks for.
NUMBER = "h_"


class Step(Tape):
    """What a scheme sees of one step. Vectors are SymPy columns; noise is drawn when first asked for.

    Attributes
    ----------
    w : d×1, the state; auxiliary vectors (``v``) are attributes of their declared names.
    dt, temperature, learning_rate, momentum, friction, batch_noise, spread, rounding : symbols; Δ in the equation's own
        clock, T, ε, m, γ, c, √(2l − 1), and the distance from 1 to the next number of the run's dtype.
    epoched : whether `z` is of epoched Brownian motion, whose X is then a part of the state.
    numbers : dict of symbols, those that the declaration asks for beside these.
    """

    def __init__(self, landscape: Landscape, declaration: Declaration, epoched: bool = False) -> None:
        import sympy as sp

        super().__init__()
        self._of, self._declaration, self._epoched = landscape.symbolic, declaration, epoched
        self._k = landscape.noise_dimension
        self._drawn: dict[str, list[sp.Symbol]] = {}
        self.w = self._of.state
        scalars = (sp.Symbol(name, real=True) for name in SCALARS)
        self.dt, self.temperature, self.learning_rate, self.momentum, self.friction = itertools.islice(scalars, 5)
        self.batch_noise, self.spread, self.rounding, self._keep, self._pull, self._share = scalars
        self.state = list(self.w)
        for name in declaration.auxiliary:
            vector = sp.Matrix([sp.Symbol(f"{name}_{i}", real=True) for i in range(landscape.dimension)])
            setattr(self, name, vector)
            self.state += list(vector)
        if epoched:
            self._x = sp.Matrix([sp.Symbol(f"bridge_{i}", real=True) for i in range(self._k)])
            self.state += list(self._x)
        self.numbers = {name: sp.Symbol(f"{NUMBER}{name}", real=True) for name in declaration.numbers}
        self.matrix_entries: list[str] = []

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Vector: ...

    # The equation

    def gradient(self, w: Vector) -> Vector:
        """∇L, d×1."""
        return self._at(self._of.gradient, w)

    def noise_factor(self, w: Vector) -> sp.Matrix:
        """A, d×k."""
        return self._at(self._of.noise_factor, w)

    def drift(self, w: Vector) -> Vector:
        """−∇L, d×1; less ½ Σ_j (∂b_j) b_j for a scheme in the sense of Stratonovich, so that the SDE is the same."""
        return self._at(self._drift, w)

    def diffusion(self, w: Vector) -> sp.Matrix:
        """√T A, d×k."""
        return self._at(self._diffusion, w)

    @functools.cached_property
    def _diffusion(self) -> sp.Matrix:
        import sympy as sp

        return sp.sqrt(self.temperature) * self._of.noise_factor

    @functools.cached_property
    def _drift(self) -> Vector:
        drift, b = -self._of.gradient, self._of.noise_factor
        if self._declaration.interpretation == "stratonovich":
            for j in range(self._k):
                drift -= self.temperature * self.along(b[:, j], b[:, j]) / 2
        return drift

    def _at(self, value: sp.Matrix, w: Vector) -> sp.Matrix:
        return value.xreplace(dict(zip(self.w, w, strict=True)))

    # Derivatives, at the state

    def along(self, values: sp.Matrix, direction: Vector) -> sp.Matrix:
        """Σ_i direction_i ∂values/∂ω_i, of expressions in `w`; the shape of `values`."""

        def derived(value: sp.Expr) -> sp.Expr:
            return sum(expression.derivative(value, x) * c for x, c in zip(self.w, direction, strict=True) if c != 0)

        return values.applyfunc(derived)

    def generator(self, values: sp.Matrix) -> sp.Matrix:
        """L⁰ values = Σ a_i ∂_i + ½ Σ (b bᵀ)_il ∂_i ∂_l, of expressions in `w`."""
        product = self._diffusion * self._diffusion.T

        def of(value: sp.Expr) -> sp.Expr:
            slopes = [expression.derivative(value, x) for x in self.w]
            total = sum(a * slope for a, slope in zip(self._drift, slopes, strict=True))
            for i, slope in enumerate(slopes):
                for j, x in enumerate(self.w):
                    if product[i, j] != 0:
                        total += product[i, j] * expression.derivative(slope, x) / 2
            return total

        return values.applyfunc(of)

    # Noise

    def _draw(self, name: str, numbers: int) -> Vector:
        import sympy as sp

        if name not in self._drawn:
            self._drawn[name] = [sp.Symbol(f"{name}{i}", real=True) for i in range(numbers)]
        return sp.Matrix(self._drawn[name])

    @property
    def noise(self) -> list[str]:
        """Names of the numbers drawn; the increments always come first, since areas depend on them."""
        drawn = {"z": self._drawn["z"], **self._drawn} if "z" in self._drawn else self._drawn
        return [str(symbol) for symbols in drawn.values() for symbol in symbols]

    @property
    def z(self) -> Vector:
        """k×1 standard normals; of a bridge its increments, in units of Brownian motion's deviation over the step."""
        return self._of_bridge if self._epoched else self._draw("z", self._k)

    @functools.cached_property
    def _of_bridge(self) -> Vector:
        return self.let(self._draw("z", self._k) * self._keep - self._x * self._pull)

    @property
    def next_bridge(self) -> list[Any]:
        """The next X of a bridge."""
        return list(self._x + self.z * self._share) if self._epoched else []

    def normals(self, numbers: int) -> Vector:
        """Standard normals in the place of `z`, as many as are asked for."""
        return self._draw("z", numbers)

    @property
    def y(self) -> Vector:
        """k×1 standard normals beside `z`."""
        return self._draw("y", self._k)

    @property
    def batch_mean(self) -> Vector:
        """k×1, mean z̄ of a batch of whitened examples."""
        return self._draw("batch", self._k)

    @property
    def other_batch_mean(self) -> Vector:
        """k×1, that of a second batch, drawn apart."""
        return self._draw("other", self._k)

    @property
    def dW(self) -> Vector:
        """k×1 increments of Brownian motion, √Δ z."""
        import sympy as sp

        return sp.sqrt(self.dt) * self.z

    @property
    def dZ(self) -> Vector:
        """k×1 integrals ∫(W_s − W_0) ds over the step, Δ^{3/2} (z + y/√3)/2 (Kloeden & Platen 1992)."""
        import sympy as sp

        return self.dt * sp.sqrt(self.dt) * (self.z + self.y / sp.sqrt(3)) / 2

    @property
    def symmetric_integrals(self) -> sp.Matrix:
        """k×k symmetric part of `integrals`: ½(ΔW_j ΔW_l − δ_jl Δ) of Itô, ½ ΔW_j ΔW_l of Stratonovich."""
        import sympy as sp

        square = self.dW * self.dW.T
        return (square - self.dt * sp.eye(self._k) if self._declaration.interpretation == "ito" else square) / 2

    @property
    def integrals(self) -> sp.Matrix:
        """k×k iterated integrals I_jl = ∫∫ dW_j dW_l, j the inner one, in the scheme's own sense."""
        symmetric = self.symmetric_integrals
        return symmetric + self._antisymmetric(self._draw("area", self._k * (self._k - 1) // 2), self.dt)

    @property
    def signs(self) -> Vector:
        """k×1, ±1 with equal odds."""
        return self._draw("two", self._k)

    @property
    def two_point(self) -> Vector:
        """k×1, ±√Δ with equal odds."""
        import sympy as sp

        return sp.sqrt(self.dt) * self.signs

    @property
    def three_point(self) -> Vector:
        """k×1, ±√(3Δ) with odds 1/6 each, else 0."""
        import sympy as sp

        return sp.sqrt(self.dt) * self._draw("three", self._k)

    def uniform(self, numbers: int) -> Vector:
        """Uniform numbers in (0, 1), for crossings inside a step."""
        return self._draw("uniform", numbers)

    @property
    def declaration(self) -> Declaration:
        """What the scheme was declared to be: its equation, kind of noise and orders."""
        return self._declaration

    @property
    def mixed(self) -> sp.Matrix:
        """k×k, V_jj = −Δ, V_jl = −V_lj = ±Δ with equal odds (Kloeden & Platen 1992, eqs 14.2.8–10)."""
        import sympy as sp

        signs = self._draw("sign", self._k * (self._k - 1) // 2)
        return -self._antisymmetric(signs, self.dt) - self.dt * sp.eye(self._k)

    def _antisymmetric(self, upper: Sequence[Any], scale: Any) -> sp.Matrix:
        import sympy as sp

        matrix, entries = sp.zeros(self._k, self._k), iter(upper)
        for j in range(self._k):
            for other in range(j + 1, self._k):
                matrix[j, other] = scale * next(entries)
                matrix[other, j] = -matrix[j, other]
        return matrix

    # The tape

    def by_component(self, step: Callable[..., Sequence[Any]], *vectors: Vector) -> list[Vector]:
        """Vectors of what `step` makes of each component of some."""
        import sympy as sp

        return [sp.Matrix(column) for column in zip(*(step(*each) for each in zip(*vectors, strict=True)), strict=True)]

    def matrix(self, name: str, rows: int | None = None, columns: int | None = None) -> sp.Matrix:
        """rows × columns (default d×d) numbers that the declaration's `matrices` gives under this name."""
        import sympy as sp

        shape = (rows or len(self.w), columns or len(self.w))
        entries = [[f"m_{name}_{i}_{j}" for j in range(shape[1])] for i in range(shape[0])]
        self.matrix_entries += [entry for row in entries for entry in row if entry not in self.matrix_entries]
        return sp.Matrix([[sp.Symbol(entry, real=True) for entry in row] for row in entries])
