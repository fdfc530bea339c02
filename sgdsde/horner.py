"""Sums rewritten for fused multiply-adds: run-time factors multiplied in once a run, polynomials nested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Set

import sympy as sp


def nested(expression: sp.Add, invariant: Set[sp.Symbol]) -> sp.Expr:
    """Return the sum with polynomials in one symbol in Horner's form; those in `invariant` count as coefficients.

    c (4x − 4x³) + x becomes x (4c − 4c x²) + x. A bare number times x stays by itself: inside, x (1 + 4c − 4c x²) would
    make the same error of rounding at every step.

    Examples
    --------
    >>> c, x, z = sp.symbols("c x z")
    >>> nested(c * (4 * x - 4 * x**3) + x + z, {c})
    x*(-4*c*x**2 + 4*c) + x + z
    """
    rest: list[sp.Expr] = []
    powers: dict[sp.Symbol, dict[int, list[sp.Expr]]] = defaultdict(lambda: defaultdict(list))
    for term in _terms(expression, invariant):
        coefficient, moving = term.as_independent(*(term.free_symbols - invariant), as_Add=False)
        base, exponent = moving.as_base_exp()
        if base.is_Symbol and exponent.is_Integer and exponent > 0:
            powers[base][int(exponent)].append(coefficient)
        else:
            rest.append(term)
    for x, coefficients in powers.items():
        scaled = any(not c.is_number for found in coefficients.values() for c in found)
        if scaled:
            kept = [c for c in coefficients[1] if c.is_number]
            rest += [c * x for c in kept]
            coefficients[1] = [c for c in coefficients[1] if not c.is_number]
        rest.append(_horner(x, {power: sp.Add(*found) for power, found in coefficients.items() if found}))
    return sp.Add(*rest)


def _terms(expression: sp.Add, invariant: Set[sp.Symbol]) -> Iterable[sp.Expr]:
    """Terms of the sum, after an invariant factor of a sum within it has been multiplied in."""
    for term in expression.args:
        fixed, moving = term.as_independent(*(term.free_symbols - invariant), as_Add=False)
        if moving.is_Add:
            yield from (fixed * inner for inner in moving.args)
        else:
            yield term


def _horner(x: sp.Symbol, coefficients: dict[int, sp.Expr]) -> sp.Expr:
    value, above = sp.Integer(0), 0
    for power in sorted(coefficients, reverse=True):
        value = value * x ** (above - power) + coefficients[power] if above else coefficients[power]
        above = power
    return value * x**above
