"""Derivatives in which every part of an expression is differentiated once.

SymPy's own `diff` visits shared parts as often as they occur, and a product of k factors becomes one of k² and k³.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from sgdsde.arithmetic import halved
from sgdsde.exponentials import stable


def slope(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """The derivative almost everywhere: sign and Heaviside, the slopes of kinks, count as constant.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> slope(slope(sp.sin(3 * x) * x**2, x), x)
    -9*x**2*sin(3*x) + 12*x*cos(3*x) + 2*sin(3*x)
    """
    done: dict[sp.Basic, sp.Expr] = {symbol: sp.S.One}

    def of(node: sp.Basic) -> sp.Expr:
        if node not in done:
            done[node] = _RULES.get(node.func, _chain)(node, of, symbol) if node.args else sp.S.Zero
        return done[node]

    return halved(stable(of(expression)))


def _sum(node: sp.Add, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    return sp.Add(*map(of, node.args))


def _product(node: sp.Mul, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    factors = node.args
    slopes = [(place, of(factor)) for place, factor in enumerate(factors)]
    return sp.Add(*(sp.Mul(*factors[:i], each, *factors[i + 1 :]) for i, each in slopes if each != 0))


def _power(node: sp.Pow, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    base, exponent = node.args
    along, across = of(exponent), of(base)
    if exponent.is_number:
        return exponent * base ** (exponent - 1) * across if across != 0 else sp.S.Zero
    total = exponent * across / base if across != 0 else sp.S.Zero
    return node * (total + along * sp.log(base) if along != 0 else total)


def _constant(node: sp.Basic, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    return sp.S.Zero


def _size(node: sp.Abs, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    return sp.sign(node.args[0]) * of(node.args[0])


def _chain(node: sp.Basic, of: Callable[[sp.Expr], sp.Expr], symbol: sp.Symbol) -> sp.Expr:
    if hasattr(node, "slope"):
        return node.slope(of)
    if not hasattr(node, "fdiff"):
        return sp.diff(node, symbol).replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    slopes = [(place, of(part)) for place, part in enumerate(node.args, 1)]
    return sp.Add(*(node.fdiff(place) * each for place, each in slopes if each != 0))


_RULES: dict[Any, Callable[[Any, Callable[[sp.Expr], sp.Expr], sp.Symbol], sp.Expr]] = {
    sp.Add: _sum,
    sp.Mul: _product,
    sp.Pow: _power,
    sp.Abs: _size,
    sp.sign: _constant,
    sp.Heaviside: _constant,
}
