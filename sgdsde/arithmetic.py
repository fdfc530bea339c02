"""Expressions rewritten for the processor: sums for fused multiply-adds, and roots that are divided by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

import sympy as sp


class rsqrt(sp.Function):  # type: ignore[misc]
    """1/√a, which is cheaper than a root and a division."""


class rsqrt_of_positive(sp.Function):  # type: ignore[misc]
    """1/√a of an a that is positive whatever the state: nothing to guard against."""


class root_of(sp.Function):  # type: ignore[misc]
    """√a from a and 1/√a."""


def with_reciprocal_roots(values: Sequence[sp.Expr], invariant: Set[sp.Symbol]) -> list[sp.Expr]:
    """Write a**(-n/2) as powers of rsqrt(a); where there is one, 1/a and √a come from it too."""
    found: set[sp.Expr] = set()

    def reciprocal(power: sp.Pow) -> sp.Expr:
        found.add(power.base)
        return _reciprocal(power.base) ** (-2 * power.exp)

    def moving(power: sp.Expr, sign: int) -> bool:
        if not (power.is_Pow and power.exp.is_Rational and power.exp.q == 2 and power.exp * sign > 0):
            return False
        return not power.base.free_symbols <= invariant

    divided = [value.replace(lambda e: moving(e, -1), reciprocal) for value in values]

    def inverse(power: sp.Expr) -> bool:
        return bool(power.is_Pow and power.exp.is_Integer and power.exp < 0 and power.base in found)

    divided = [value.replace(inverse, reciprocal) for value in divided]

    def root(power: sp.Pow) -> sp.Expr:
        base = power.base
        if base not in found:
            return power
        once = base * _reciprocal(base) if base.is_positive else root_of(base, rsqrt(base))
        return base ** (power.exp - sp.Rational(1, 2)) * once

    return [value.replace(lambda e: moving(e, 1), root) for value in divided]


def _reciprocal(base: sp.Expr) -> sp.Expr:
    return rsqrt_of_positive(base) if base.is_positive else rsqrt(base)


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
