"""Expressions rewritten for the processor: sums for fused multiply-adds, and roots that are divided by."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import sympy as sp


class rsqrt(sp.Function):  # type: ignore[misc]
    """1/√a, which is cheaper than a root and a division."""


class rsqrt_of_positive(sp.Function):  # type: ignore[misc]
    """1/√a of an a that is positive whatever the state: nothing to guard against."""


class root_of(sp.Function):  # type: ignore[misc]
    """√a from a and 1/√a."""


class times(sp.Function):  # type: ignore[misc]
    """a·b, which SymPy does not take apart."""

    nargs = 2
    is_real = is_extended_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return self.args[2 - argindex]

    def _eval_is_zero(self) -> bool | None:
        return True if any(factor.is_zero for factor in self.args) else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return sp.Mul(*self.args)._eval_evalf(prec)


_MOST_FACTORS = 8


def halved(expression: sp.Expr) -> sp.Expr:
    """Return it with products of more than eight factors as products of two halves, and these halved again.

    The n-th derivative of a product of k factors is then of length k (log k)ⁿ, not kⁿ⁺¹, since the halves share what
    they have in common.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> halved(sp.Mul(*(sp.sin(k * x) for k in range(1, 10)))).func
    times
    """

    def product(factors: Sequence[sp.Expr]) -> sp.Expr:
        if len(factors) == 1:
            return factors[0]
        middle = len(factors) // 2
        return times(product(factors[:middle]), product(factors[middle:]))

    def halve(node: sp.Mul) -> sp.Expr:
        if len(node.args) <= _MOST_FACTORS:
            return node
        coefficient, factors = node.as_coeff_mul()
        return coefficient * product(factors)

    return from_below(expression, {sp.Mul: halve})


def from_below(expression: sp.Expr, rules: Mapping[Any, Callable[[Any], sp.Expr]]) -> sp.Expr:
    """Apply the rule for its class to each part once its own parts are done; a part that occurs often is done once."""
    done: dict[sp.Basic, sp.Basic] = {}

    def visit(node: sp.Basic) -> sp.Basic:
        if node not in done:
            parts = [visit(part) for part in node.args]
            new = node if all(a is b for a, b in zip(parts, node.args, strict=True)) else node.func(*parts)
            rule = rules.get(new.func)
            done[node] = rule(new) if rule else new
        return done[node]

    return visit(expression)


def parts_of(expression: sp.Basic) -> set[sp.Basic]:
    """The expression and all that it is made of."""
    seen, stack = {expression}, [expression]
    while stack:
        for part in stack.pop().args:
            if part not in seen:
                seen.add(part)
                stack.append(part)
    return seen


def as_double(number: sp.Expr) -> float:
    """Its nearest double, infinite beyond them."""
    try:
        return float(number)
    except OverflowError:  # of a long integer
        return math.inf


def multiplied(expression: sp.Expr) -> sp.Expr:
    """The opposite of :func:`halved`."""
    return expression.replace(times, sp.Mul)


def with_reciprocal_roots(values: Sequence[sp.Expr], invariant: Set[sp.Symbol]) -> list[sp.Expr]:
    """Write a**(-n/2) as powers of rsqrt(a); where there is one, 1/a and √a come from it too."""
    found: set[sp.Expr] = set()
    moves: dict[sp.Expr, bool] = {}

    def moving(power: sp.Pow, sign: int) -> bool:
        base, exponent = power.args
        if not (exponent.is_Rational and exponent.q == 2 and exponent * sign > 0):
            return False
        if base not in moves:
            moves[base] = not base.free_symbols <= invariant
        return moves[base]

    def below(power: sp.Pow) -> sp.Expr:
        if not moving(power, -1):
            return power
        found.add(power.base)
        return _reciprocal(power.base) ** (-2 * power.exp)

    def inverse(power: sp.Pow) -> sp.Expr:
        known = power.exp.is_Integer and power.exp < 0 and power.base in found
        return _reciprocal(power.base) ** (-2 * power.exp) if known else power

    def root(power: sp.Pow) -> sp.Expr:
        base = power.base
        if not moving(power, 1) or base not in found:
            return power
        once = base * _reciprocal(base) if base.is_positive else root_of(base, rsqrt(base))
        return base ** (power.exp - sp.Rational(1, 2)) * once

    whole = sp.Tuple(*values)
    for rule in (below, inverse, root):
        whole = from_below(whole, {sp.Pow: rule})
    return list(whole)


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
