"""Sums of exponentials written so that no number on the way overflows where the value does not.

log(1 + eˣ), log cosh x, 1/(1 + e⁻ˣ) and their like are infinite, or 0·∞, long before their values are out of range, and
so are their derivatives as SymPy writes them. :func:`stable` puts functions of this module in their places, whose
derivatives are again of this module; :func:`plain` says what is computed, and :func:`written` goes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from sgdsde.arithmetic import from_below, parts_of

_MOST_TERMS = 32  # of a numerator that is multiplied out

#: How a sum's terms are multiplied out.
_MULTIPLIED = {"power_base": False, "power_exp": False, "log": False}

#: A sum Σ c e^a as its terms (c, a).
Terms = list[tuple[sp.Expr, sp.Expr]]


class _Exponential(sp.Function):  # type: ignore[misc]
    is_extended_real = True
    is_real = True

    def _eval_evalf(self, prec: int) -> Any:
        return written(self)._eval_evalf(prec) if self.is_number else None


class softplus(_Exponential):
    """log(1 + eˣ)."""

    nargs = 1
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return sigmoid(self.args[0])


class sigmoid(_Exponential):
    """1/(1 + e⁻ˣ)."""

    nargs = 1
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return self * sigmoid(-self.args[0])


class LogCosh(_Exponential):
    """log cosh x."""

    nargs = 1
    is_nonnegative = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return sp.tanh(self.args[0])


class LogOfSum(_Exponential):
    """log Σ c e^a of (c, a, c, a, …)."""

    def slope(self, of: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
        """The derivative, from those of the arguments."""
        slopes = ((of(c) + c * of(a), a) for c, a in _pairs(self.args))
        return sp.Add(*(slope * ExpOverSum(a, sp.S.One, *self.args) for slope, a in slopes if slope != 0))


class ExpOverSum(_Exponential):
    """e^b/(Σ c e^a)ⁿ of (b, n, c, a, c, a, …); n is a number."""

    def slope(self, of: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
        """The derivative, from those of the arguments; all terms share the one of the sum's logarithm."""
        b, n, *terms = self.args
        return self * (of(b) - n * of(LogOfSum(*terms)))

    def _eval_is_positive(self) -> bool | None:
        return True if all(coefficient.is_positive for coefficient in self.args[2::2]) else None


class largest(_Exponential):
    """The largest argument; not SymPy's Max, which tries to find out which one that is."""

    def _sympystr(self, printer: Any) -> str:
        text, *others = map(printer._print, self.args)
        for other in others:
            text = f"maximum({text}, {other})"
        return str(text)


def stable(expression: sp.Expr) -> sp.Expr:
    """The same function, free of overflow on the way.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> stable(sp.log(1 + sp.exp(2 * x))), stable(x / (1 + sp.exp(-x))), stable(sp.exp(x) / (1 + sp.exp(x)) ** 2)
    (softplus(2*x), x*sigmoid(x), sigmoid(-x)*sigmoid(x))
    """
    concerned = any(isinstance(part, _CONCERNED) for part in parts_of(expression))
    return from_below(expression, _RULES) if concerned else expression


_CONCERNED = (sp.exp, sp.cosh, sp.sinh, sp.tanh, sigmoid, sp.Pow)


def plain(expression: sp.Expr) -> sp.Expr:
    """What is computed: `softplus` and `sigmoid`, and exponentials of numbers that are not positive."""
    return from_below(expression, _COMPUTED)


def written(expression: sp.Expr) -> sp.Expr:
    """The same function without those of this module, as a user would write it."""
    return from_below(expression, _WRITTEN)


# What a term is


def _split(term: sp.Expr) -> Terms:
    """A product as Σ c e^a: one term, or two for a cosh or sinh in it."""
    coefficient, exponent = sp.S.One, sp.S.Zero
    others: Terms = []
    for factor in sp.Mul.make_args(term):
        base, power = factor.as_base_exp()
        if base == sp.E or (base.is_number and base.is_positive and power.free_symbols):
            exponent += power if base == sp.E else power * sp.log(base)
        elif isinstance(factor, (sp.cosh, sp.sinh)) and not others:
            others = [(1, factor.args[0]), (1 if isinstance(factor, sp.cosh) else -1, -factor.args[0])]
            coefficient /= 2
        else:
            coefficient *= factor
    return [(coefficient * sign, exponent + more) for sign, more in others or [(1, sp.S.Zero)]]


def _terms(value: sp.Expr) -> Terms | None:
    """The sum as Σ c e^a where that is worth it: a plain number among its terms and exponents ≤ 0 overflow nowhere."""
    if not value.is_Add:
        return None
    found: dict[sp.Expr, sp.Expr] = defaultdict(lambda: sp.S.Zero)
    for term in sp.Add(*(sp.expand(part, deep=False, **_MULTIPLIED) for part in value.args)).args:
        for coefficient, exponent in _split(term):
            # a number in the exponent is a factor
            fixed, moving = sp.expand_mul(exponent).as_independent(*exponent.free_symbols, as_Add=True)
            found[moving] += coefficient * sp.exp(fixed)
    moving = [exponent for exponent in found if exponent != 0]
    if not moving or (0 in found and all(exponent.is_nonpositive for exponent in moving)):
        return None
    return [(coefficient, exponent) for exponent, coefficient in found.items() if coefficient != 0]


def _two_positive(terms: Terms) -> tuple[sp.Expr, sp.Expr] | None:
    """(a, b) of a sum e^a + e^b."""
    if len(terms) != 2 or not all(c.is_number and c.is_positive for c, _ in terms):
        return None
    first, second = (exponent + sp.log(coefficient) for coefficient, exponent in terms)
    return (first, second) if not second.is_number else (second, first)


def _flat(terms: Terms) -> list[sp.Expr]:
    return [part for term in terms for part in term]


def _pairs(parts: Iterable[sp.Expr]) -> Terms:
    flat = list(parts)
    return list(zip(flat[::2], flat[1::2], strict=True))


# Rules


def _log(value: sp.log) -> sp.Expr:
    total, rest = sp.S.Zero, []
    for factor in sp.Mul.make_args(_complement(value.args[0], tanh=True)):
        base, power = factor.as_base_exp()
        known = _log_of_positive(base)
        if known is None:
            rest.append(factor)
        else:
            total += power * known
    left = sp.Mul(*rest)
    terms = _terms(left)  # by itself it may have any sign
    if terms is not None:
        return total + _log_of_sum(terms)
    return value if total == 0 else total + sp.log(left)


def _log_of_positive(base: sp.Expr) -> sp.Expr | None:
    """Logarithm of what is positive wherever it has a value, and written in exponentials; or None."""
    if base == sp.E:
        return sp.S.One
    if base.func in _LOGARITHMS:
        return _LOGARITHMS[base.func](*base.args)
    terms = _terms(base)
    return _log_of_sum(terms) if terms and all(coefficient.is_positive for coefficient, _ in terms) else None


def _log_of_sum(terms: Terms) -> sp.Expr:
    if len(terms) == 1:
        ((coefficient, exponent),) = terms
        return exponent + sp.log(coefficient)
    pair = _two_positive(terms)
    if pair is None:
        return LogOfSum(*_flat(terms))
    least, other = pair
    return least + softplus(other - least)


_LOGARITHMS: dict[Any, Callable[..., sp.Expr]] = {
    sigmoid: lambda x: -softplus(-x),
    sp.cosh: LogCosh,
    sp.sech: lambda x: -LogCosh(x),
}


def _power(value: sp.Pow) -> sp.Expr:
    base, power = value.args
    if not (power.is_number and power.is_negative):
        return value
    if isinstance(base, sp.cosh):
        return sp.sech(base.args[0]) ** -power
    terms = _terms(base)
    return value if terms is None else _over(sp.S.Zero, -power, terms)


def _over(b: sp.Expr, n: sp.Expr, terms: Terms) -> sp.Expr:
    """e^b/(Σ c e^a)ⁿ."""
    if len(terms) == 1:
        ((coefficient, exponent),) = terms
        return sp.exp(b - n * exponent) * coefficient**-n
    pair = _two_positive(terms)
    if pair is not None:
        first, second = pair  # e^b of the first one k times, of the second one n − k times: a product of sigmoids
        for whole in range(int(n) + 1):
            for k in (sp.Integer(whole), n - whole):
                left = sp.expand(b - k * first - (n - k) * second)
                if left.is_number:
                    return sp.exp(left) * sigmoid(first - second) ** k * sigmoid(second - first) ** (n - k)
    return ExpOverSum(b, n, *_flat(terms))


def _product(value: sp.Mul) -> sp.Expr:
    exponent, rest = sp.S.Zero, []
    below: dict[tuple[sp.Expr, ...], sp.Expr] = defaultdict(lambda: sp.S.Zero)  # of a sum's terms: its power
    hyperbolic: dict[sp.Expr, dict[Any, sp.Expr]] = defaultdict(lambda: defaultdict(lambda: sp.S.Zero))
    for factor in value.args:
        base, power = factor.as_base_exp()
        if base == sp.E:
            exponent += power
        elif isinstance(base, sigmoid) and power.is_number:
            below[sp.S.One, sp.S.Zero, sp.S.One, -base.args[0]] += power
        elif isinstance(base, ExpOverSum) and power.is_number:
            exponent += base.args[0] * power
            below[base.args[2:]] += base.args[1] * power
        elif isinstance(base, (sp.sinh, sp.sech)) and power.is_number and power.is_positive:
            hyperbolic[base.args[0]][base.func] += power
        else:
            rest.append(factor)
    for x, powers in hyperbolic.items():
        if exponent != 0 and powers[sp.sech] and exponent.free_symbols & x.free_symbols:
            below[sp.S.One, x, sp.S.One, -x] += powers[sp.sech]
            rest.append(sp.Mul(2 ** powers[sp.sech], sp.sinh(x) ** powers[sp.sinh]))
        else:
            both = min(powers[sp.sinh], powers[sp.sech])
            rest += [sp.tanh(x) ** both, *(f(x) ** (power - both) for f, power in powers.items())]
    if not below:
        return value if not hyperbolic else sp.Mul(*rest, sp.exp(exponent))
    above = [each for each in rest if _is_sum_of_exponentials(each)]
    if above and all(not power.is_negative for power in below.values()):
        terms = sp.Add.make_args(sp.expand(sp.Mul(*above), deep=False))
        if len(terms) <= _MOST_TERMS:
            others = [each for each in rest if each not in above]
            others += [_over(sp.S.Zero, power, _pairs(flat)) for flat, power in below.items()]
            products = (sp.Mul(term, sp.exp(exponent), *others) for term in terms)
            return sp.Add(*(_product(each) if each.is_Mul else each for each in products))
    # one of the sums takes the exponential in, that in which it is at home
    found = []
    for flat, power in sorted(below.items(), key=lambda item: -len(_symbols(item[0]) & exponent.free_symbols)):
        alone = _over(sp.S.Zero, power, _pairs(flat))
        related = exponent != 0 and bool(_symbols(flat) & exponent.free_symbols)
        together = _over(exponent, power, _pairs(flat)) if related else alone
        if together is not alone and (isinstance(alone, ExpOverSum) or _meets(exponent, _pairs(flat), together)):
            alone, exponent = together, sp.S.Zero
        found.append(alone)
    return sp.Mul(*rest, sp.exp(exponent), *found)


def _symbols(parts: Iterable[sp.Expr]) -> set[sp.Symbol]:
    return set().union(*(part.free_symbols for part in parts))


def _meets(exponent: sp.Expr, terms: Terms, together: sp.Expr) -> bool:
    """Whether e^exponent grows where the sum does, so that one would be infinite and the other 0."""
    if not isinstance(together, ExpOverSum):
        return True
    ratios = [sp.cancel(exponent / a) for _, a in terms if a != 0]
    return any(ratio.is_number and ratio.is_positive for ratio in ratios)


def _is_sum_of_exponentials(factor: sp.Expr) -> bool:
    base, power = factor.as_base_exp()
    return bool(base.is_Add and power.is_Integer and 0 < power <= 4 and any(term.has(sp.exp) for term in base.args))


def _complement(value: sp.Expr, tanh: bool = False) -> sp.Expr:
    """p − p σ(x) as p σ(−x), and p − p tanh²x as p sech²x."""
    if not value.is_Add:
        return value
    terms = list(value.args)
    for term in value.args:
        for factor in sp.Mul.make_args(term):
            base, power = factor.as_base_exp()
            other = None
            if isinstance(base, sigmoid) and power == 1:
                other = sigmoid(-base.args[0])
            elif tanh and isinstance(base, sp.tanh) and power == 2:
                other = sp.sech(base.args[0]) ** 2
            if other is not None and term in terms and -term / factor in terms:
                terms.remove(term)
                terms.remove(-term / factor)
                terms.append(-term / factor * other)
                break
    return sp.Add(*terms) if len(terms) < len(value.args) else value


_RULES: dict[Any, Callable[[Any], sp.Expr]] = {
    sp.log: _log,
    sp.Pow: _power,
    sp.Mul: _product,
    sp.Add: _complement,
}


def _shifted(terms: Terms) -> tuple[sp.Expr, sp.Expr]:
    """m, the largest exponent, and Σ c e^(a − m)."""
    most = largest(*(exponent for _, exponent in terms))
    return most, sp.Add(*(coefficient * sp.exp(exponent - most) for coefficient, exponent in terms))


def _log_of_sum_computed(value: LogOfSum) -> sp.Expr:
    most, total = _shifted(_pairs(value.args))
    return most + sp.log(total)


def _over_computed(value: ExpOverSum) -> sp.Expr:
    b, n, *flat = value.args
    most, total = _shifted(_pairs(flat))
    return sp.exp(b - n * most) * total**-n


def _log_cosh_computed(value: LogCosh) -> sp.Expr:
    size = sp.Abs(value.args[0])
    return size + softplus(-2 * size) - sp.log(2)


_COMPUTED: dict[Any, Callable[[Any], sp.Expr]] = {
    LogCosh: _log_cosh_computed,
    LogOfSum: _log_of_sum_computed,
    ExpOverSum: _over_computed,
    sp.sech: lambda value: 1 / sp.cosh(value.args[0]),
}


def _sum_written(flat: Iterable[sp.Expr]) -> sp.Expr:
    return sp.Add(*(coefficient * sp.exp(exponent) for coefficient, exponent in _pairs(flat)))


_WRITTEN: dict[Any, Callable[[Any], sp.Expr]] = {
    softplus: lambda value: sp.log(1 + sp.exp(value.args[0])),
    sigmoid: lambda value: 1 / (1 + sp.exp(-value.args[0])),
    LogCosh: lambda value: sp.log(sp.cosh(value.args[0])),
    LogOfSum: lambda value: sp.log(_sum_written(value.args)),
    ExpOverSum: lambda value: sp.exp(value.args[0]) * _sum_written(value.args[2:]) ** -value.args[1],
    sp.sech: lambda value: 1 / sp.cosh(value.args[0]),
}
