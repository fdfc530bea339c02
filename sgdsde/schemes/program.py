"""Programs: a scheme applied to a landscape, as symbolic assignments that any engine runs."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import codegen
from sgdsde.codegen import ROUNDING
from sgdsde.expression import real_symbols
from sgdsde.landscapes import Landscape, kinds, symbolic
from sgdsde.regions import Region
from sgdsde.schemes.exits import margins
from sgdsde.schemes.registry import NOISE_KINDS, Declaration, check_follows_epochs
from sgdsde.schemes.step import NUMBER, SCALARS, Step
from sgdsde.schemes.tape import CARRIED

_DRAW = re.compile(r"(z|y|area|two|three|sign|batch|other|uniform)(\d+)")
_UNSET: dict[str, float] = {**dict.fromkeys(SCALARS, math.nan), "rounding": ROUNDING["float64"]}
_MATRIX_ENTRY = re.compile(r"(m_[A-Za-z]+)_(\d+)_(\d+)")


@dataclass(frozen=True)
class Program:
    """One step of many paths: state and noise in, state out.

    Attributes
    ----------
    block : codegen.Block
        Arrays are the state (w0, …, then the auxiliary v_0, …) and the noise; outputs are the new state.
    dimension : int
        d, leading components of the state that are ω.
    noise_dimension : int
        k, columns of the landscape's noise factor.
    declaration : Declaration
    epoched : bool
        Whether its normals are those of epoched Brownian motion, whose X, k components, is the end of the state.
    regions : int
        The last outputs are their margins, where a path ends when one is positive, and then as many bounds of them.
    """

    block: codegen.Block
    dimension: int
    noise_dimension: int
    declaration: Declaration
    regions: int = 0
    epoched: bool = False

    @property
    def state_dimension(self) -> int:
        """Components of the state, ω and auxiliary."""
        return len(self.block.outputs) - 2 * self.regions

    @property
    def carried(self) -> tuple[str, ...]:
        """Names of the numbers that a path carries beside vectors: the last of its state."""
        names = self.block.arrays[: self.state_dimension]
        return tuple(name.removeprefix(CARRIED) for name in names if name.startswith(CARRIED))

    @functools.cached_property
    def draws(self) -> dict[str, int]:
        """What noise a step takes, in the block's order: name of the draw → numbers (see `Step`)."""
        found = [_DRAW.fullmatch(name) for name in self.block.arrays[self.state_dimension :]]
        names = [match[1] for match in found if match]
        return {name: len(list(group)) for name, group in itertools.groupby(names)}

    def constant_rows(self, landscape: Landscape, values: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """(rows, constants): the same for run-time numbers that are arrays (rows,)."""
        given = self._given(landscape, values)
        return self.block.constant_rows({**given, **self._entries(landscape, given)})

    def constants(self, landscape: Landscape, values: Mapping[str, float]) -> tuple[float, ...]:
        """Values of the block's constants for run-time numbers (`SCALARS` by name)."""
        given = self._given(landscape, values)
        entries = {name: float(value[0]) for name, value in self._entries(landscape, given).items()}
        return self.block.constant_values({**given, **entries})

    def _given(self, landscape: Landscape, values: Mapping[str, Any]) -> dict[str, Any]:
        own = {f"{NUMBER}{name}": values[name] for name in self.declaration.numbers}
        return {**_UNSET, **values, **own, **landscape.scalars}

    def _entries(self, landscape: Landscape, values: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """Entries (rows,) of the scheme's matrices that the block takes."""
        if self.declaration.matrices is None:
            return {}
        dt, temperature = np.broadcast_arrays(*(np.atleast_1d(values[name]) for name in ("dt", "temperature")))
        found = self.declaration.matrices(landscape, dt, temperature)
        entries = [match for name in self.block.scalars if (match := _MATRIX_ENTRY.fullmatch(name))]
        return {m[0]: np.asarray(found[m[1].removeprefix("m_")])[:, int(m[2]), int(m[3])] for m in entries}


def build(
    declaration: Declaration,
    landscape: Landscape,
    regions: Sequence[Region] = (),
    bridge: bool = False,
    epoched: bool = False,
) -> Program:
    """Apply a scheme to a landscape (from the cache on disk when this was done before).

    Paths end in the regions; with `bridge`, also where they have crossed into one inside a step. Where normals are
    `epoched` they are those of epoched Brownian motion.

    Raises
    ------
    ValueError
        When the landscape's noise or loss is not of the kind that the scheme needs, or the scheme does not follow a
        path of given increments, as epoched Brownian motion is.
    """

    def make() -> codegen.Block:
        _check_fits(declaration, landscape)
        step = Step(landscape, declaration, epoched)
        result = declaration.function(step)
        vectors = result if isinstance(result, tuple) else (result,)
        values = [*(entry for vector in vectors for entry in vector), *step.next_bridge]
        values += [after for _, after in step.carried.values()]
        if epoched:
            check_follows_epochs(declaration, dict.fromkeys(name.rstrip("0123456789") for name in step.noise))
        state = [*map(str, step.state), *(str(number) for number, _ in step.carried.values())]
        names = [f"n_{symbol}" for symbol in state]
        scalars = (*SCALARS, *map(str, step.numbers.values()), *landscape.scalars, *step.matrix_entries)
        stages = [*step.stages, (names, values)]
        if regions:
            after = real_symbols(names)
            further, exact, bounds = margins(step, landscape, regions, bridge, list(after.values()))
            stages += further
            kept = [f"e_{name}" for name in names]
            kept += [f"{kind}_{i}" for kind in ("margin", "bound") for i in range(len(exact))]
            stages.append((kept, [*after.values(), *exact, *bounds]))
        return codegen.lower(stages, scalars, [*state, *step.noise])

    modules = declaration.modules or (declaration.function.__module__,)
    if all(str(module).startswith(("sgdsde.schemes.", "sgdsde.dynamics.")) for module in modules):
        ends = [[[region.alternatives, region.between and bridge] for region in regions]] if regions else []
        parts = [
            "program",
            declaration.key or (declaration.name,),
            modules,
            landscape.key,
            *["epoched"][:epoched],
            *ends,
        ]
        block = codegen.cached_block(parts, [*symbolic.SOURCES, "regions.py", *_files_of(modules)], make)
    else:  # the cache's names hold a digest of our own files; it cannot see that a user's scheme was edited
        block = make()
    return Program(block, landscape.dimension, landscape.noise_dimension, declaration, len(regions), epoched)


@functools.cache
def _files_of(modules: tuple[str, ...]) -> list[str]:
    """Files that a scheme's code depends on: its own, this one, and those of their rooms that they import."""
    found, waiting = [], [*modules, __name__]
    while waiting:
        file = f"{waiting.pop().removeprefix('sgdsde.').replace('.', '/')}.py"
        if file not in found:
            found.append(file)
            text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
            waiting += re.findall(r"^from (sgdsde\.(?:schemes|dynamics)\.\w+) import", text, re.MULTILINE)
    return sorted(found)


def fits(declaration: Declaration, landscape: Landscape) -> bool:
    """Whether the landscape's noise and loss are of the kinds that the scheme takes."""
    of = landscape.symbolic
    return kinds.has_kind(of, declaration.noise) and (declaration.loss == "any" or kinds.is_quadratic(of))


def _check_fits(declaration: Declaration, landscape: Landscape) -> None:
    if fits(declaration, landscape):
        return
    own = next(kind for kind in NOISE_KINDS if kinds.has_kind(landscape.symbolic, kind))
    needs = [f"{declaration.noise} noise"] * (declaration.noise != "any")
    needs += [f"a {declaration.loss} loss"] * (declaration.loss != "any")
    others = [
        name
        for name, other in sorted(declaration.family().items())
        if other.equation == declaration.equation and fits(other, landscape)
    ]
    raise ValueError(
        f"{declaration.kind} {declaration.name!r} needs {' and '.join(needs)}; the noise of this landscape is "
        f"{_KIND_IN_WORDS[own]}; those that fit: {', '.join(others)}"
    )


_KIND_IN_WORDS = {
    "additive": "additive (its factor is constant)",
    "diagonal": "diagonal",
    "commutative": "commutative, not diagonal",
    "any": "general (its columns do not commute)",
}
