"""Programs: a scheme applied to a landscape, as symbolic assignments that any engine runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sgdsde import codegen
from sgdsde.landscapes import Landscape
from sgdsde.schemes.registry import Declaration

if TYPE_CHECKING:
    import sympy as sp

    Vector: TypeAlias = sp.Matrix

#: Run-time numbers that a scheme may use, besides the landscape's parameters.
SCALARS = ("dt", "temperature", "learning_rate", "momentum")


@dataclass(frozen=True)
class Program:
    """One step of many paths: state and noise in, state out.

    Attributes
    ----------
    block : codegen.Block
        Arrays are the state (w0, …, then the auxiliary v0, …) and the noise z0, …; outputs are the new state.
    dimension : int
        d, leading components of the state that are ω.
    noise_dimension : int
        k, numbers of noise per step.
    """

    block: codegen.Block
    dimension: int
    noise_dimension: int

    @property
    def state_dimension(self) -> int:
        """Components of the state, ω and auxiliary."""
        return len(self.block.outputs)


class Step:
    """What a scheme sees of one step. Columns are SymPy matrices.

    Attributes
    ----------
    w : d×1, the state; auxiliary vectors (``v``) are attributes of their declared names.
    dt, temperature, learning_rate, momentum : symbols; Δ in the clock s, T, ε, m.
    z : k×1, the step's noise as the engine draws it.
    dW : k×1, Brownian increments √Δ z.
    batch_mean : k×1, mean z̄ of a batch of whitened examples.
    """

    def __init__(self, landscape: Landscape, declaration: Declaration) -> None:
        import sympy as sp

        self._of = landscape.symbolic
        self.w = self._of.state
        self.dt, self.temperature, self.learning_rate, self.momentum = (sp.Symbol(name, real=True) for name in SCALARS)
        self.z = sp.Matrix([sp.Symbol(f"z{i}", real=True) for i in range(landscape.noise_dimension)])
        self.dW = sp.sqrt(self.dt) * self.z
        self.batch_mean = self.z
        self.state = list(self.w)
        for name in declaration.auxiliary:
            vector = sp.Matrix([sp.Symbol(f"{name}{i}", real=True) for i in range(landscape.dimension)])
            setattr(self, name, vector)
            self.state += list(vector)
        self.stages: list[tuple[list[str], list[Any]]] = []

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Vector: ...

    def _at(self, value: sp.Matrix, w: Vector) -> sp.Matrix:
        return value.xreplace(dict(zip(self.w, w, strict=True)))

    def gradient(self, w: Vector) -> Vector:
        """∇L, d×1."""
        return self._at(self._of.gradient, w)

    def factor(self, w: Vector) -> sp.Matrix:
        """A, d×k."""
        return self._at(self._of.factor, w)

    def drift(self, w: Vector) -> Vector:
        """−∇L, d×1."""
        return -self.gradient(w)

    def diffusion(self, w: Vector) -> sp.Matrix:
        """√T A, d×k."""
        import sympy as sp

        return sp.sqrt(self.temperature) * self.factor(w)

    def let(self, value: Vector) -> Vector:
        """Name an intermediate stage, so that later formulas hold its name and not its formula."""
        import sympy as sp

        names = [f"s{len(self.stages)}_{i}" for i in range(len(value))]
        self.stages.append((names, list(value)))
        return sp.Matrix([sp.Symbol(name, real=True) for name in names])


def build(declaration: Declaration, landscape: Landscape) -> Program:
    """Apply a scheme to a landscape (from the cache on disk when this was done before).

    Raises
    ------
    ValueError
        When the landscape's noise is not of the kind that the scheme needs.
    """
    scalars = (*SCALARS, *landscape.scalars)

    def make() -> codegen.Block:
        _REQUIREMENTS[declaration.noise](declaration, landscape)
        step = Step(landscape, declaration)
        result = declaration.function(step)
        vectors = result if isinstance(result, tuple) else (result,)
        values = [entry for vector in vectors for entry in vector]
        names = [f"n_{symbol}" for symbol in step.state]
        arrays = [str(symbol) for symbol in (*step.state, *step.z)]
        return codegen.lower([*step.stages, (names, values)], scalars, arrays)

    module = declaration.function.__module__
    if module.startswith("sgdsde.schemes."):
        block = codegen.cached_block(["program", declaration.name, module, landscape.key], make)
    else:  # the cache's names hold a digest of our own files; it cannot see that a user's scheme was edited
        block = make()
    return Program(block, landscape.dimension, landscape.noise_dimension)


def _any_noise(declaration: Declaration, landscape: Landscape) -> None:
    pass


#: What a declaration's `noise` asks of a landscape.
_REQUIREMENTS: dict[str, Callable[[Declaration, Landscape], None]] = {"any": _any_noise}
