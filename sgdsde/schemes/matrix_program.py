"""Programs on whole vectors: a scheme applied to a landscape of arrays, as products with matrices."""

from __future__ import annotations

import collections
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import codegen
from sgdsde.codegen import ROUNDING, Block
from sgdsde.matrix_block import MatrixBlock, Operation, Sum, Term
from sgdsde.schemes.matrix_step import ONE, MatrixStep, Unfit, Vector
from sgdsde.schemes.registry import NOISE_KINDS, Declaration, check_follows_epochs
from sgdsde.schemes.step import NUMBER, SCALARS

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.landscapes.wide import WideLandscape

_UNSET: dict[str, ArrayLike] = {**dict.fromkeys(SCALARS, math.nan), "rounding": ROUNDING["float64"]}


@dataclass(frozen=True)
class MatrixProgram:
    """One step of many paths, as `sgdsde.schemes.Program` is, on vectors as wholes.

    Attributes
    ----------
    block : MatrixBlock
    scales : Block
        The coefficients of its sums, of run-time numbers alone.
    dimension, noise_dimension : int
        d and k.
    declaration : Declaration
    """

    block: MatrixBlock
    scales: Block
    dimension: int
    noise_dimension: int
    declaration: Declaration
    regions: int = 0
    carried: tuple[str, ...] = ()
    epoched: bool = False

    @property
    def state_dimension(self) -> int:
        """Components of the state, ω, auxiliary and the X of epoched Brownian motion."""
        return (len(self.block.state) - self.epoched) * self.dimension + self.epoched * self.noise_dimension

    @property
    def draws(self) -> Mapping[str, int]:
        """What noise a step takes: name of the draw → numbers."""
        return self.block.draws

    def constant_rows(self, landscape: WideLandscape, values: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """(rows, coefficients) for run-time numbers that are arrays (rows,) or numbers."""
        own = {f"{NUMBER}{name}": values[name] for name in self.declaration.numbers}
        given = {**_UNSET, **{name: value for name, value in values.items() if name in _UNSET}, **own}
        count = max(np.size(value) for value in given.values())
        rows = {name: np.broadcast_to(np.asarray(value, np.float64), count) for name, value in given.items()}
        found = self.scales.function(codegen.NUMPY_FUNCTIONS)(*self.scales.constant_rows(rows).T)
        return np.stack([np.broadcast_to(np.asarray(each, np.float64), count) for each in found], axis=1)

    def constants(self, landscape: WideLandscape, values: Mapping[str, ArrayLike]) -> tuple[float, ...]:
        """The coefficients for run-time numbers."""
        return tuple(map(float, self.constant_rows(landscape, values)[0]))


def build_on_arrays(
    declaration: Declaration, landscape: WideLandscape, values: Mapping[str, ArrayLike], epoched: bool = False
) -> MatrixProgram:
    """Apply a scheme to a landscape of arrays; `values` are the run-time numbers, for schemes with matrices.

    Raises
    ------
    ValueError
        When the scheme does not run on it; the message lists those that do. As :func:`sgdsde.schemes.build` with
        `epoched`.
    """
    tape, outputs = _taped(declaration, landscape, epoched)
    if epoched:
        check_follows_epochs(declaration, tape.draws)
    matrices = dict(tape.matrices)
    if tape.wanted:
        if np.ndim(values["dt"]) or np.ndim(values["temperature"]):
            raise ValueError(f"scheme {declaration.name!r} is made for one step size, and takes no schedule")
        assert declaration.matrices is not None
        found = declaration.matrices(landscape, *(np.atleast_1d(values[name]) for name in ("dt", "temperature")))
        matrices |= {name: np.asarray(found[own])[0] for name, own in tape.wanted.items()}
    lowered = _Lowered(tape, matrices)
    operations = lowered.operations(outputs)
    names = [f"scale{i}" for i in range(len(lowered.scales))]
    block = MatrixBlock(
        state=tuple(tape.state),
        draws={name: tape.draws[name] for name in sorted(tape.draws, key=lambda name: name != "z")},
        operations=operations, outputs=tuple(outputs), matrices=lowered.used, vectors=tape.vectors,
        functions=tape.functions, examples=tape.examples,
    )  # fmt: skip
    scales = codegen.lower([(names, list(lowered.scales))], [*SCALARS, *map(str, tape.numbers.values())], [])
    return MatrixProgram(block, scales, landscape.dimension, landscape.noise_dimension, declaration, epoched=epoched)


def runs_on_arrays(declaration: Declaration, landscape: WideLandscape) -> bool:
    """Whether a scheme runs on a landscape of arrays."""
    return not _obstacle(declaration, landscape)


def _obstacle(declaration: Declaration, landscape: WideLandscape) -> str:
    """Why a scheme does not run on a landscape of arrays; empty when it does."""
    if declaration.noise not in landscape.kinds:
        kind = next(kind for kind in NOISE_KINDS if kind in landscape.kinds)
        return f"whose noise is of the kind {kind!r}"
    if declaration.loss != "any" and not landscape.is_quadratic:
        return "whose loss is not quadratic"
    try:
        declaration.function(MatrixStep(landscape, declaration))
    except Unfit as unfit:
        return f"which have no {unfit}"
    return ""


def _taped(declaration: Declaration, landscape: WideLandscape, epoched: bool) -> tuple[MatrixStep, list[str]]:
    """The tape, and the names of the new state's vectors."""
    if why := _obstacle(declaration, landscape):
        others = [
            name
            for name, other in sorted(declaration.family().items())
            if other.equation == declaration.equation and runs_on_arrays(other, landscape)
        ]
        one = "one of the landscapes of arrays" if why.startswith("which") else "a landscape of arrays"
        raise ValueError(
            f"{declaration.kind} {declaration.name!r} does not run on {landscape.name}, {one}, {why}; those that do: "
            f"{', '.join(others)}"
        )
    tape = MatrixStep(landscape, declaration, epoched)
    result = declaration.function(tape)
    vectors = [*(result if isinstance(result, tuple) else (result,)), *tape.next_bridge]
    return tape, [str(tape.let(vector).name) for vector in vectors]


class _Lowered:
    """Sums of the tape as operations: products of matrices multiplied out, what is multiplied twice named."""

    def __init__(self, tape: MatrixStep, matrices: Mapping[str, NDArray[np.float64]]) -> None:

        self.tape, self.given = tape, matrices
        self.used: dict[str, NDArray[np.float64]] = {}
        self.scales: dict[sp.Expr, int] = {}

    def operations(self, outputs: Sequence[str]) -> tuple[Operation, ...]:
        """Those on which the outputs depend."""
        needed, kept = set(outputs), []
        for each in reversed(self.tape.operations):
            target = each[0] if isinstance(each, tuple) else each.target
            if target in needed:
                kept.append(each)
                needed.update((key[0] for key in each[1].terms) if isinstance(each, tuple) else each.sources)
        kept.reverse()
        products = collections.Counter(
            key for each in kept if isinstance(each, tuple) for key in each[1].terms if key[1] and key[0] != ONE
        )
        named: dict[Any, str] = {}
        found: list[Operation] = []
        for each in kept:
            if not isinstance(each, tuple):
                found.append(each)
                continue
            for key in each[1].terms:
                if products[key] > 1 and key not in named:
                    named[key] = f"m{len(named)}"
                    matrix = self._matrix(key[1])
                    found.append(Sum(named[key], len(self.used[matrix]), (Term(key[0], matrix, self._scale(1)),)))
            found.append(self._sum(each[0], each[1], named))
        return tuple(found)

    def _sum(self, target: str, vector: Vector, named: Mapping[Any, str]) -> Sum:
        terms, vectors = [], []
        for (source, word), value in vector.terms.items():
            scale = self._scale(value)
            if source == ONE:
                vectors.append((self._vector(word), scale))
            elif (source, word) in named:
                terms.append(Term(named[source, word], None, scale))
            else:
                terms.append(Term(source, self._matrix(word) if word else None, scale))
        return Sum(target, len(vector), tuple(terms), tuple(vectors))

    def _matrix(self, word: tuple[str, ...]) -> str:
        name = "·".join(word)
        if name not in self.used:
            self.used[name] = np.linalg.multi_dot([self.given[each] for each in word]) if word[1:] else self.given[name]
        return name

    def _vector(self, word: tuple[str, ...]) -> str:
        """A constant vector, behind matrices maybe."""
        name = "·".join(word)
        if name not in self.tape.vectors:
            value = self.tape.vectors[word[-1]]
            for each in reversed(word[:-1]):
                value = self.given[each] @ value
            self.tape.vectors[name] = value
        return name

    def _scale(self, value: Any) -> int:
        import sympy as sp

        return self.scales.setdefault(sp.sympify(value), len(self.scales))
