"""SymPy → the text of one Python expression, in the functions of `sgdsde.codegen.NUMPY_FUNCTIONS`."""

from __future__ import annotations

import math

import sympy as sp
from sympy.printing.str import StrPrinter

from sgdsde.arithmetic import as_double, root_of, rsqrt, rsqrt_of_positive, times
from sgdsde.exponentials import sigmoid, softplus

_NAMES: dict[type, str] = {
    **{getattr(sp, name): name for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")},
    sp.Abs: "absolute",
    rsqrt: "rsqrt",
    rsqrt_of_positive: "rsqrt_of_positive",
    root_of: "root_of",
    softplus: "softplus",
    sigmoid: "sigmoid",
}
_MOST_MULTIPLICATIONS = 64


class _Printer(StrPrinter):  # type: ignore[misc]
    """Doubles everywhere, integer powers as products, so that all engines round alike."""

    def _print_Rational(self, expr: sp.Rational) -> str:
        return _number(expr)

    _print_Integer = _print_Float = _print_NumberSymbol = _print_Exp1 = _print_Pi = _print_Rational
    _print_Zero = _print_One = _print_NegativeOne = _print_Half = _print_Rational

    def _print_NaN(self, expr: sp.Expr) -> str:
        return "(1e400 - 1e400)"

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
        first, *rest = (str(self._print(term)) for term in expr.as_ordered_terms())
        return "(" + first + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in rest) + ")"

    def _print_Mul(self, expr: sp.Mul) -> str:
        coefficient, factors = expr.as_coeff_mul()
        above = [f for f in factors if not _below(f)]
        below = [f.base if f.exp == -1 else sp.Pow(f.base, -f.exp, evaluate=False) for f in factors if _below(f)]
        sign = "-" if coefficient < 0 else ""
        parts = [] if abs(coefficient) == 1 and above else [_number(abs(coefficient))]
        text = "*".join(parts + [self._factor(f) for f in above])
        if below:
            text = f"{text}/({'*'.join(map(self._factor, below))})"
        return sign + text

    def _factor(self, expr: sp.Expr) -> str:
        """Text that may stand beside * and /."""
        text = self._print(expr)
        return text if expr.is_Symbol or expr.is_Add or expr.is_Function or expr.is_Float else f"({text})"

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base, exponent = expr.base, expr.exp
        if base == sp.E:
            return f"exp({self._print(exponent)})"
        if exponent.is_number and exponent.is_negative:
            return f"1.0/({self._print(sp.Pow(base, -exponent, evaluate=False))})"
        if exponent == sp.Rational(1, 2):
            return f"sqrt({self._print(base)})"
        if exponent.is_Integer and 1 <= exponent <= _MOST_MULTIPLICATIONS:
            return _product(self._factor(base), int(exponent))
        if exponent.is_Rational and exponent.q == 2 and exponent.p <= 2 * _MOST_MULTIPLICATIONS:
            return f"{_product(self._factor(base), exponent.p // 2)}*sqrt({self._print(base)})"
        return f"power({self._print(base)}, {self._print(exponent)})"

    def _print_Function(self, expr: sp.Function) -> str:
        name = _NAMES.get(expr.func)
        if name is None:
            raise ValueError(f"no code for the function {expr.func.__name__} in {expr}")
        return f"{name}({', '.join(map(self._print, expr.args))})"

    _print_Abs = _print_Function

    def _print_times(self, expr: times) -> str:
        return f"({'*'.join(map(self._factor, expr.args))})"

    def _print_exp(self, expr: sp.Expr) -> str:
        return f"exp({self._print(expr.args[0])})"

    def _print_Max(self, expr: sp.Max) -> str:
        return self._nest("maximum", expr.args)

    def _print_Min(self, expr: sp.Min) -> str:
        return self._nest("minimum", expr.args)

    def _nest(self, name: str, arguments: tuple[sp.Expr, ...]) -> str:
        ordered = sorted(arguments, key=sp.default_sort_key)
        text = str(self._print(ordered[0]))
        for argument in ordered[1:]:
            text = f"{name}({text}, {self._print(argument)})"
        return text

    def _print_sign(self, expr: sp.Expr) -> str:
        inner = self._print(expr.args[0])
        return f"where({inner} > 0.0, 1.0, where({inner} < 0.0, -1.0, 0.0))"

    def _print_Heaviside(self, expr: sp.Expr) -> str:
        return f"where({self._print(expr.args[0])} > 0.0, 1.0, 0.0)"

    def _print_Piecewise(self, expr: sp.Piecewise) -> str:
        *pairs, (last, condition) = expr.args
        text = str(self._print(last if condition == True else sp.nan))  # noqa: E712 (SymPy's own true)
        if condition != True:  # noqa: E712
            pairs.append((last, condition))
        for value, test in reversed(pairs):
            text = f"where({self._print(test)}, {self._print(value)}, {text})"
        return text

    def _print_Relational(self, expr: sp.Rel) -> str:
        return f"({self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)})"

    def _print_And(self, expr: sp.And) -> str:
        return "(" + " & ".join(map(self._print, expr.args)) + ")"

    def _print_Or(self, expr: sp.Or) -> str:
        return "(" + " | ".join(map(self._print, expr.args)) + ")"


def _below(factor: sp.Expr) -> bool:
    return bool(factor.is_Pow and factor.base != sp.E and factor.exp.is_number and factor.exp.is_negative)


def _number(value: sp.Expr) -> str:
    number = as_double(value)
    if not math.isfinite(number):
        raise ValueError(
            f"the landscape's loss or noise, or one of their derivatives, holds the number {sp.Float(value, 3)}, "
            f"beyond double precision (1.8e308): choose other units"
        )
    return repr(number)


def _product(base: str, times: int) -> str:
    """Product of `times` equal factors by repeated squaring, written out."""
    if times <= 3:
        return "*".join([base] * times) or "1.0"
    half = _product(base, times // 2)
    return f"({half})*({half})" + (f"*{base}" if times % 2 else "")


def show(expression: sp.Basic) -> str:
    """Text of the expression, in names and `NUMPY_FUNCTIONS` only."""
    return str(_Printer().doprint(expression))
