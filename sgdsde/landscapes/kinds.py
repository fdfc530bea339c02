"""What kind of noise and of loss a landscape has, told from its formulas."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from sgdsde import codegen, expression

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.landscapes.symbolic import Symbolic

_POINTS = 40
_ZERO = 1e-9


def has_kind(symbolic: Symbolic, kind: str) -> bool:
    """Whether the noise is ``"additive"``, ``"diagonal"`` or ``"commutative"``; every noise is ``"any"``."""
    return _TESTS[kind](symbolic)


def is_quadratic(symbolic: Symbolic) -> bool:
    """Whether the Hessian is constant."""
    return _vanish(expression.derivative(entry, x) for entry in symbolic.hessian for x in symbolic.state)


def _additive(symbolic: Symbolic) -> bool:
    return _vanish(expression.derivative(entry, x) for entry in symbolic.noise_factor for x in symbolic.state)


def _diagonal(symbolic: Symbolic) -> bool:
    a, w = symbolic.noise_factor, symbolic.state
    if a.rows != a.cols:
        return False
    pairs = [(i, j) for i in range(a.rows) for j in range(a.cols) if i != j]
    return _vanish(a[i, j] for i, j in pairs) and _vanish(expression.derivative(a[i, i], w[j]) for i, j in pairs)


def _commutative(symbolic: Symbolic) -> bool:
    """L^j b_l = L^l b_j for all columns (Kloeden & Platen 1992, §10.3)."""
    a, w = symbolic.noise_factor, symbolic.state

    def along(column: int, direction: int, row: int) -> sp.Expr:
        return sum(expression.derivative(a[row, column], w[i]) * a[i, direction] for i in range(a.rows))

    return _vanish(
        along(one, other, row) - along(other, one, row)
        for one in range(a.cols)
        for other in range(one)
        for row in range(a.rows)
    )


_TESTS: dict[str, Callable[[Symbolic], bool]] = {
    "additive": _additive,
    "diagonal": _diagonal,
    "commutative": _commutative,
    "any": lambda symbolic: True,
}


def _vanish(expressions: Iterable[sp.Expr]) -> bool:
    return all(map(_vanishes, expressions))


def _vanishes(value: sp.Expr) -> bool:
    """Zero at random points: no algebra decides it for every formula."""
    if value == 0 or value.is_number:
        return bool(value == 0)
    generator, symbols = np.random.default_rng(0), sorted(map(str, value.free_symbols))
    block = codegen.lower([([f"out{i}" for i in range(1 + len(value.args))], [value, *value.args])], [], symbols)
    call = functools.partial(block.function(codegen.NUMPY_FUNCTIONS), *block.constant_values({}))
    with np.errstate(all="ignore"):
        found = np.stack(np.broadcast_arrays(*call(*generator.uniform(-2, 2, (len(symbols), _POINTS)))))
    real = np.isfinite(found).all(axis=0)
    scale = np.maximum(1.0, np.abs(found[1:, real]).max(axis=0, initial=0.0))
    return bool(real.any() and (np.abs(found[0, real]) <= _ZERO * scale).all())
