"""One step on whole vectors: what engines run for landscapes of arrays, as a `Block` is what they run for formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sgdsde.codegen import Block

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """scale · matrix · source; without a matrix scale · source. `scale` is an index into the plan's constants."""

    source: str
    matrix: str | None
    scale: int


@dataclass(frozen=True)
class Sum:
    """target = Σ terms + Σ scale · vector, of `rows` components."""

    target: str
    rows: int
    terms: tuple[Term, ...]
    vectors: tuple[tuple[str, int], ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names that it reads."""
        return tuple(term.source for term in self.terms)


@dataclass(frozen=True)
class Elementwise:
    """target_i = function(source_i)."""

    target: str
    function: str
    sources: tuple[str]


@dataclass(frozen=True)
class Product:
    """target_i = source_i · other_i."""

    target: str
    sources: tuple[str, str]


@dataclass(frozen=True)
class Centred:
    """target = source less the mean of its components."""

    target: str
    sources: tuple[str]


@dataclass(frozen=True)
class BatchGradient:
    """target = mean over a batch of x_i (x_iᵀ ω − y_i), of ω and the batch's draw."""

    target: str
    sources: tuple[str, str]


Operation: TypeAlias = Sum | Elementwise | Product | Centred | BatchGradient


@dataclass(frozen=True, eq=False)
class MatrixBlock:
    """Operations in order, on vectors by name, of which each path has its own.

    Attributes
    ----------
    state : names of the state's vectors, d components each.
    draws : name of a draw → its numbers, in the order of the plan's noise.
    operations : in order; every name is made before it is read.
    outputs : names of the new state's vectors.
    matrices, vectors : arrays that operations name.
    functions : name → code of one output in one array, and its constants (d, constants).
    examples : (X, y) of `BatchGradient`.
    """

    state: tuple[str, ...]
    draws: Mapping[str, int]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]
    matrices: Mapping[str, Array]
    vectors: Mapping[str, Array]
    functions: Mapping[str, tuple[Block, Array]]
    examples: tuple[Array, Array] | None = None

    def last_uses(self) -> dict[str, int]:
        """Name → the last operation that reads it; as many as there are for what the step leaves."""
        found = {name: place for place, each in enumerate(self.operations) for name in each.sources}
        return found | dict.fromkeys(self.outputs, len(self.operations))
