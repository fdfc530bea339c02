"""The tape on whole vectors: schemes as they are written, on landscapes of arrays.

A vector of it is Σ coefficient · matrices · named vector, so that whatever a scheme does to vectors as wholes (sums,
multiples, gradients, noise) stays a few products with matrices. What it does to single components, or to the products
of two vectors, has no place here, and the scheme is refused.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.codegen import Block
from sgdsde.matrix_block import BatchGradient, Centred, Elementwise, Product
from sgdsde.schemes.registry import Declaration
from sgdsde.schemes.step import NUMBER, SCALARS

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.landscapes.wide import WideLandscape

Array = NDArray[np.float64]

#: (named vector, names of the matrices before it, the leftmost first) → coefficient.
Terms: TypeAlias = "Mapping[tuple[str, tuple[str, ...]], sp.Expr]"
#: What constant vectors are multiples of.
ONE = "1"
#: The X of epoched Brownian motion, among the vectors of the state.
BRIDGE = "bridge_x"
_BATCHES = ("batch", "other")


class Unfit(AttributeError):
    """A scheme asks what this tape does not have."""


class Vector:
    """Σ coefficient · matrices · named vector."""

    __array_ufunc__ = None

    def __init__(self, tape: MatrixStep, terms: Terms, rows: int) -> None:
        self._tape, self._rows = tape, rows
        self._terms = {key: value for key, value in terms.items() if value != 0}

    @property
    def terms(self) -> dict[tuple[str, tuple[str, ...]], sp.Expr]:
        """(named vector, matrices) → coefficient, none of them zero."""
        return self._terms

    @property
    def name(self) -> str | None:
        """Its name, when it is a named vector as it is."""
        if len(self._terms) != 1:
            return None
        (((source, word), value),) = self._terms.items()
        return source if not word and value == 1 else None

    @property
    def is_batch(self) -> bool:
        """Whether it is the mean of a batch of examples."""
        return self.name in _BATCHES

    def __len__(self) -> int:
        return self._rows

    def __add__(self, other: Any) -> Vector:
        if not isinstance(other, Vector):
            return self if isinstance(other, int) and other == 0 else NotImplemented
        if len(other) != len(self):
            raise ValueError(f"vectors of {len(self)} and {len(other)} components cannot be added")
        total = dict(self._terms)
        for key, value in other.terms.items():
            total[key] = total.get(key, 0) + value
        return Vector(self._tape, total, self._rows)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __mul__(self, scalar: Any) -> Any:
        import sympy as sp

        if isinstance(scalar, (Vector, Factor)):
            raise Unfit("products of vectors")
        return Vector(self._tape, {key: sp.sympify(scalar) * value for key, value in self._terms.items()}, self._rows)

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> Any:
        import sympy as sp

        return self * (1 / sp.sympify(scalar))

    def _unfit(self, *_: Any) -> NoReturn:
        raise Unfit("components of a vector")

    __getitem__ = __iter__ = _unfit

    def __getattr__(self, name: str) -> NoReturn:
        raise Unfit(f"{name} of a vector")


class Factor:
    """Σ coefficient · A(ω): the noise factor at one or several vectors."""

    def __init__(self, tape: MatrixStep, parts: tuple[tuple[Any, Vector], ...]) -> None:
        self._tape, self._parts = tape, parts

    def __add__(self, other: Factor) -> Factor:
        return Factor(self._tape, self._parts + other._parts)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Vector):
            return Factor(self._tape, tuple((other * scale, w) for scale, w in self._parts))
        total = self._tape.w * 0
        for (source, word), value in other.terms.items():
            if word:
                raise Unfit("noise of what is no draw")
            for scale, w in self._parts:
                total = total + self._tape.noise_of(w, source) * (scale * value)
        return total

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> Any:
        import sympy as sp

        return self * (1 / sp.sympify(scalar))

    def __getattr__(self, name: str) -> NoReturn:
        raise Unfit(f"{name} of the noise factor")

    def __getitem__(self, _: Any) -> NoReturn:
        raise Unfit("columns of the noise factor")


class _Matrix:
    def __init__(self, tape: MatrixStep, name: str, rows: int) -> None:
        self._tape, self._name, self._rows = tape, name, rows

    def __mul__(self, other: Any) -> Vector:
        if not isinstance(other, Vector):
            raise Unfit("multiples of a matrix")
        return self._tape.times(self._name, self._rows, other)


class MatrixStep:
    """What a scheme sees of one step, `sgdsde.schemes.step.Step`, as far as it takes vectors as wholes.

    Attributes
    ----------
    operations : list of Operation or (name, Vector)
        What is to be done, in order; a vector of that name is to be summed up.
    matrices, vectors, functions : dict
        As of `sgdsde.matrix_block.MatrixBlock`.
    state : list of str
        Names of the state's vectors.
    wanted : dict of str to str
        Names of matrices that the declaration gives → its own names of them.
    draws : dict of str to int
        Numbers drawn, by name.
    """

    def __init__(self, landscape: WideLandscape, declaration: Declaration, epoched: bool = False) -> None:
        import sympy as sp

        self._landscape, self.declaration, self._epoched = landscape, declaration, epoched
        self.sizes = dict.fromkeys(("w", *declaration.auxiliary), landscape.dimension)
        self.sizes |= {BRIDGE: landscape.noise_dimension} if epoched else {}
        self.state = list(self.sizes)
        self.operations: list[Any] = []
        self.numbers = {name: sp.Symbol(f"{NUMBER}{name}", real=True) for name in declaration.numbers}
        for name in SCALARS:
            setattr(self, name, sp.Symbol(name, real=True))
        for name in self.sizes:
            setattr(self, name, self._named(name))
        self.matrices: dict[str, Array] = {}
        self.vectors: dict[str, Array] = {}
        self.functions: dict[str, tuple[Block, Array]] = {}
        self.examples: tuple[Array, Array] | None = None
        self.wanted: dict[str, str] = {}
        self.draws: dict[str, int] = {}
        self._made: dict[tuple[str, ...], Vector] = {}
        self._count = itertools.count()

    def __getattr__(self, name: str) -> Any:
        raise Unfit(name)

    # The equation

    def gradient(self, w: Vector) -> Vector:
        """∇L."""
        found: Vector = self._landscape.gradient_on(self, w) + w * self._landscape.decay
        return found

    def noise_factor(self, w: Vector) -> Factor:
        """A."""
        return Factor(self, ((1, w),))

    def drift(self, w: Vector) -> Any:
        """−∇L; less ½ Σ_j (∂b_j) b_j for a scheme in the sense of Stratonovich."""
        if self.declaration.interpretation == "stratonovich":
            return -self.gradient(w) - self._landscape.correction_on(self, w) * self.temperature
        return -self.gradient(w)

    def diffusion(self, w: Vector) -> Any:
        """√T A."""
        import sympy as sp

        return self.noise_factor(w) * sp.sqrt(self.temperature)

    def noise_of(self, w: Vector, source: str) -> Vector:
        """A(ω) of a draw by its name."""
        found: Vector = self._landscape.noise_on(self, w, self._named(source))
        return found

    # Noise

    def _draw(self, name: str) -> Vector:
        self.draws[name] = self.sizes[name] = self._landscape.noise_dimension
        return self._named(name)

    @property
    def z(self) -> Vector:
        """Standard normals, or increments of a bridge in their place, as `sgdsde.schemes.step.Step.z`."""
        return self._of_bridge if self._epoched else self._draw("z")

    @functools.cached_property
    def _of_bridge(self) -> Vector:
        return self.let(self._draw("z") * self.keep - self._named(BRIDGE) * self.pull)

    @property
    def next_bridge(self) -> list[Vector]:
        """The next X of a bridge."""
        return [self._named(BRIDGE) + self.z * self.share] if self._epoched else []

    @property
    def y(self) -> Vector:
        """Standard normals beside `z`."""
        return self._draw("y")

    @property
    def batch_mean(self) -> Vector:
        """Mean of a batch of whitened examples."""
        return self._draw("batch")

    @property
    def other_batch_mean(self) -> Vector:
        """That of a second batch."""
        return self._draw("other")

    @property
    def dW(self) -> Any:
        """√Δ z."""
        import sympy as sp

        return self.z * sp.sqrt(self.dt)

    @property
    def dZ(self) -> Any:
        """Δ^{3/2} (z + y/√3)/2."""
        import sympy as sp

        return (self.z + self.y / sp.sqrt(3)) * (self.dt * sp.sqrt(self.dt) / 2)

    @property
    def signs(self) -> Vector:
        """±1."""
        return self._draw("two")

    @property
    def two_point(self) -> Any:
        """±√Δ."""
        import sympy as sp

        return self.signs * sp.sqrt(self.dt)

    @property
    def three_point(self) -> Any:
        """±√(3Δ) or 0."""
        import sympy as sp

        return self._draw("three") * sp.sqrt(self.dt)

    # The tape

    def let(self, value: Any) -> Vector:
        """Name a vector, so that it is summed up once."""
        if not isinstance(value, Vector):
            raise Unfit("stages that are no vectors")
        if value.name is not None:
            return value
        name = f"s{next(self._count)}"
        self.operations.append((name, value))
        self.sizes[name] = len(value)
        return self._named(name)

    def name(self, value: Any) -> Any:
        """As :meth:`let`."""
        return self.let(value) if isinstance(value, Vector) else value

    def function(self, name: str, *_: Any) -> NoReturn:
        """What whole vectors do not have."""
        raise Unfit(f"{name.lower()} of components")

    def carry(self, name: str, _: Any) -> NoReturn:
        """What paths do not carry here."""
        raise Unfit(f"{name.replace('_', ' ')}, a number that changes from step to step")

    carried_before = carry

    def by_component(self, step: Any, *vectors: Vector) -> Any:
        """What `step`, of sums and multiples alone, makes of whole vectors."""
        return step(*vectors)

    def matrix(self, name: str, rows: int | None = None, columns: int | None = None) -> _Matrix:
        """Numbers that the declaration's `matrices` gives under this name."""
        self.wanted[f"m_{name}"] = name
        return _Matrix(self, f"m_{name}", rows or len(self.w))

    # For landscapes

    def apply(self, name: str, matrix: Array, vector: Vector) -> Vector:
        """A matrix of the landscape, by its name, times a vector."""
        self.matrices[name] = matrix
        return self.times(name, len(matrix), vector)

    def times(self, name: str, rows: int, vector: Vector) -> Vector:
        """A matrix by its name times a vector."""
        return Vector(self, {(source, (name, *word)): value for (source, word), value in vector.terms.items()}, rows)

    def vector(self, name: str, array: Array) -> Vector:
        """A constant vector, by its name."""
        import sympy as sp

        self.vectors[name] = array
        return Vector(self, {(ONE, (name,)): sp.Integer(1)} if array.any() else {}, len(array))

    def elementwise(self, name: str, function: tuple[Block, Array], vector: Vector) -> Vector:
        """A function of each component."""
        self.functions[name] = function
        return self._operation(len(vector), Elementwise, (name,), vector)

    def product(self, one: Vector, other: Vector) -> Vector:
        """Component by component."""
        return self._operation(len(one), Product, (), one, other)

    def centred(self, vector: Vector) -> Vector:
        """Less the mean of the components."""
        return self._operation(len(vector), Centred, (), vector)

    def batch_gradient(self, w: Vector, draw: Vector, inputs: Array, outputs: Array) -> Vector:
        """Mean over a batch of x_i(x_iᵀω − y_i)."""
        self.examples = inputs, outputs
        return self._operation(len(w), BatchGradient, (), w, draw)

    def unfit(self, what: str) -> NoReturn:
        """Say that this tape does not have it."""
        raise Unfit(what)

    def _operation(self, rows: int, kind: Any, before: tuple[str, ...], *vectors: Vector) -> Vector:
        """One for the same arguments."""
        sources = tuple(str(self.let(vector).name) for vector in vectors)
        key = (kind.__name__, *before, *sources)
        if key not in self._made:
            name = f"s{next(self._count)}"
            self.operations.append(kind(name, *before, sources))
            self.sizes[name] = rows
            self._made[key] = self._named(name)
        return self._made[key]

    def _named(self, name: str) -> Vector:
        import sympy as sp

        return Vector(self, {(name, ()): sp.Integer(1)}, self.sizes[name])
