"""SymPy expressions → straight-line code, once: a `Block` of assignments that every engine runs with its own functions.

A Block is plain text in names of our own making (w0, p1, t3, …): no user's text ever reaches it, since expressions come
through `sgdsde.expression`. Blocks are kept on disk, so that a second process needs no SymPy at all.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde import cache

if TYPE_CHECKING:
    import sympy as sp


@dataclass(frozen=True)
class Block:
    """Assignments in order: `constants` from run-time numbers alone, then `lines` from the arrays as well.

    Attributes
    ----------
    scalars : names of the run-time numbers (learning rate, landscape parameters).
    arrays : names of the arrays (state, noise).
    constants, lines : (name, code) pairs; constants are computed once a run, lines once a step.
    outputs : code of the results.
    """

    scalars: tuple[str, ...]
    arrays: tuple[str, ...]
    constants: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]

    def constant_values(self, scalars: Mapping[str, float]) -> tuple[float, ...]:
        """Evaluate the constants in double precision, NaN where no real value exists; the same for every engine."""
        call = _constants(self)
        with np.errstate(all="ignore"):
            return tuple(float(value) for value in call(*(np.float64(scalars[name]) for name in self.scalars)))

    def constant_rows(self, scalars: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """(rows, constants): the same for arrays (rows,) of run-time numbers."""
        call, names = _constants(self), [name for name, _ in self.constants]
        given = np.broadcast_arrays(*(np.asarray(scalars[name], np.float64) for name in self.scalars))
        with np.errstate(all="ignore"):
            found = [np.broadcast_to(value, given[0].shape) for value in call(*given)]
        return np.array(found, np.float64).reshape(len(names), given[0].size if given else 1).T.copy()

    def function(self, functions: Mapping[str, Callable[..., Any]]) -> Callable[..., tuple[Any, ...]]:
        """Python function (*constants, *arrays) -> outputs, with `functions` for sqrt, exp, where and the like."""
        arguments = [name for name, _ in self.constants] + list(self.arrays)
        return _function("block", arguments, self.lines, self.outputs, functions)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Block:
        """Rebuild from `dataclasses.asdict` gone through JSON."""
        scalars, arrays, outputs = (tuple(map(str, data[name])) for name in ("scalars", "arrays", "outputs"))
        constants, lines = (tuple((str(a), str(b)) for a, b in data[name]) for name in ("constants", "lines"))
        return cls(scalars, arrays, constants, lines, outputs)


def _function(
    name: str,
    arguments: Iterable[str],
    lines: Iterable[tuple[str, str]],
    outputs: Iterable[str],
    functions: Mapping[str, Callable[..., Any]],
) -> Callable[..., tuple[Any, ...]]:
    body = "".join(f"    {target} = {code}\n" for target, code in lines)
    source = f"def {name}({', '.join(arguments)}):\n{body}    return ({''.join(code + ', ' for code in outputs)})\n"
    scope: dict[str, Any] = dict(functions)
    exec(compile(source, f"<sgdsde {name}>", "exec"), scope)
    return scope[name]  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=256)
def _constants(block: Block) -> Callable[..., tuple[Any, ...]]:
    """Made once: constants of a schedule are asked for in every step."""
    names = [name for name, _ in block.constants]
    return _function("constants", block.scalars, block.constants, names, NUMPY_FUNCTIONS)


#: Distance from 1 to the next number, by the dtype of a run.
ROUNDING = {"float64": 2.0**-52, "float32": 2.0**-23}

#: A pivot so far below zero, relative to its diagonal entry, is a zero of a singular matrix.
SINGULAR = {"float64": 1e-10, "float32": 1e-5}


def _mended_root(pivot: Any, diagonal: Any) -> Any:
    """√pivot, 0 for rounding below zero."""
    return np.sqrt(np.where((pivot <= 0.0) & (pivot >= -SINGULAR["float64"] * diagonal), 0.0, pivot))


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x < 0.0, small, 1.0) / (1.0 + small)


#: Every function that printed code may call, here for NumPy; each engine supplies all of them.
NUMPY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "atan": np.arctan,
    "softplus": _softplus,
    "sigmoid": _sigmoid,
    "mended_root": _mended_root,
    "rsqrt": lambda a: 1.0 / np.sqrt(a),
    "rsqrt_of_positive": lambda a: 1.0 / np.sqrt(a),
    "root_of": lambda a, reciprocal: np.where(a == 0.0, a, a * reciprocal),
    **{name: getattr(np, name) for name in ("absolute", "maximum", "minimum", "where", "power")},
}


def lower(
    stages: Sequence[tuple[Sequence[str], Sequence[sp.Expr]]], scalars: Sequence[str], arrays: Sequence[str]
) -> Block:
    """Turn stages of (names, expressions) into a Block; the last stage's values are the outputs.

    Common subexpressions are named once; whatever depends on run-time numbers alone is moved out of the step.
    """
    import sympy as sp

    from sgdsde.arithmetic import nested, with_reciprocal_roots
    from sgdsde.exponentials import plain
    from sgdsde.printing import show

    fresh = sp.numbered_symbols("t", real=True)
    invariant = {sp.Symbol(name, real=True) for name in scalars}
    constants: dict[sp.Expr, sp.Symbol] = {}

    def constant(expression: sp.Expr) -> sp.Expr:
        if expression.is_number or expression in constants.values():
            return expression
        if expression not in constants:
            symbol = sp.Symbol(f"c{len(constants)}", real=True)
            constants[expression] = symbol
            invariant.add(symbol)
        return constants[expression]

    def hoist(expression: sp.Basic) -> sp.Basic:
        if isinstance(expression, sp.Expr) and expression.free_symbols <= invariant:
            return constant(expression)
        if isinstance(expression, sp.Add):
            expression = nested(expression, invariant)
        if isinstance(expression, (sp.Add, sp.Mul)):
            fixed = [a for a in expression.args if a.free_symbols <= invariant]
            moving = [hoist(a) for a in expression.args if not a.free_symbols <= invariant]
            return expression.func(*([constant(expression.func(*fixed))] if fixed else []), *moving)
        if isinstance(expression, sp.Pow):
            exponent = expression.exp if expression.exp.is_number else hoist(expression.exp)
            return expression.func(hoist(expression.base), exponent)
        return expression.func(*map(hoist, expression.args)) if expression.args else expression

    lines: list[tuple[str, str]] = []
    known: dict[sp.Symbol, sp.Expr] = {}
    outputs: tuple[str, ...] = ()
    for names, values in stages:
        computed = with_reciprocal_roots([plain(value) for value in values], invariant)
        common, reduced = sp.cse(computed, symbols=fresh, order="none")
        for symbol, expression in common:
            hoisted = hoist(expression.xreplace(known))
            if hoisted.free_symbols <= invariant:
                known[symbol] = hoisted
            else:
                lines.append((str(symbol), show(hoisted)))
        lines += [(name, show(hoist(value.xreplace(known)))) for name, value in zip(names, reduced, strict=True)]
        outputs = tuple(names)
    ordered = tuple((str(symbol), show(expression)) for expression, symbol in constants.items())
    return Block(tuple(scalars), tuple(arrays), ordered, tuple(lines), outputs)


#: Files that turn expressions into blocks.
SOURCES = ("codegen.py", "arithmetic.py", "exponentials.py", "printing.py", "expression.py", "slopes.py")


def cached_block(parts: object, sources: Sequence[str], build: Callable[[], Block]) -> Block:
    """Block for `parts` (JSON-able) from the private cache, or built (this is what imports SymPy) and kept there.

    `sources` are the library's files that it depends on beside `SOURCES`.
    """
    name = f"{cache.digest([parts, cache.sources(*SOURCES, *sources)])}.json"
    found = cache.kept(name, lambda: json.dumps(asdict(build())).encode(), lambda stored: _block(stored) is not None)
    block = _block(found)
    assert block is not None
    return block


def _block(stored: bytes) -> Block | None:
    """The block that a file holds, if it does."""
    try:
        return Block.from_dict(json.loads(stored))
    except (ValueError, LookupError, TypeError):
        return None
