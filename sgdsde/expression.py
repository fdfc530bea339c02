"""Expressions from strings: checked node by node against a whitelist, never evaluated as Python, then made SymPy.

:func:`parse` reads and checks with ``ast`` alone, so that a process which only needs a landscape's text loads no SymPy;
:func:`to_sympy` builds the mathematics. What is accepted: numbers, the names given, ``pi`` and ``e``, ``+ - * / **``,
parentheses, and the functions in :data:`FUNCTIONS`.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeVar

from sgdsde.arguments import as_real

MAX_LENGTH = 4096  # characters
MAX_DEPTH = 50  # levels of nesting; a sum or a product of many terms counts as one
MAX_EXPONENT = 64  # of one power and of powers of powers, multiplied: keeps exact numbers in SymPy short
_EXACT = 2**53  # integers up to here are doubles

_Value = TypeVar("_Value")


class Function(NamedTuple):
    """A function: its name in SymPy or `sgdsde.exponentials`, how many arguments it takes, its value on floats."""

    sympy: str
    arity: tuple[int, int]
    value: Callable[..., float]


class _Operator(NamedTuple):
    sign: str
    precedence: int
    apply: Callable[..., Any]


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return (1.0 if x >= 0 else small) / (1.0 + small)


FUNCTIONS: dict[str, Function] = {
    "sqrt": Function("sqrt", (1, 1), math.sqrt),
    "exp": Function("exp", (1, 1), math.exp),
    "log": Function("log", (1, 1), math.log),
    "sin": Function("sin", (1, 1), math.sin),
    "cos": Function("cos", (1, 1), math.cos),
    "tan": Function("tan", (1, 1), math.tan),
    "atan": Function("atan", (1, 1), math.atan),
    "sinh": Function("sinh", (1, 1), math.sinh),
    "cosh": Function("cosh", (1, 1), math.cosh),
    "tanh": Function("tanh", (1, 1), math.tanh),
    "softplus": Function("softplus", (1, 1), _softplus),
    "sigmoid": Function("sigmoid", (1, 1), _sigmoid),
    "abs": Function("Abs", (1, 1), abs),
    "min": Function("Min", (2, 8), min),
    "max": Function("Max", (2, 8), max),
}
CONSTANTS: dict[str, tuple[str, float]] = {"pi": ("pi", math.pi), "e": ("E", math.e)}

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 6)
_OPERATORS: dict[type[ast.AST], _Operator] = {
    ast.Add: _Operator(" + ", _SUM, operator.add),
    ast.Sub: _Operator(" - ", _SUM, operator.sub),
    ast.Mult: _Operator("*", _PRODUCT, operator.mul),
    ast.Div: _Operator("/", _PRODUCT, operator.truediv),
    ast.Pow: _Operator("**", _POWER, operator.pow),
    ast.USub: _Operator("-", _SIGN, operator.neg),
    ast.UAdd: _Operator("", _SIGN, operator.pos),
}
_REFUSED_CHARACTER = re.compile(r"[^A-Za-z0-9_ .,+\-*/()]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ACCEPTED = f"numbers, names, + - * / ** ( ), pi, e, and the functions {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class ParsedExpression:
    """A checked expression; two that differ only in spacing, parentheses or how a number is written are equal.

    Attributes
    ----------
    text : str
        Canonical text: parses to the same expression again, and serves as a cache key.
    names : frozenset of str
        The variables and parameters that occur in it.
    argument : str
        What errors call it.
    tree : ast.expr
        Its syntax tree.
    """

    text: str
    names: frozenset[str]
    argument: str = field(compare=False, repr=False)
    tree: ast.expr = field(compare=False, repr=False)


def parse(text: str | float, names: Collection[str], argument: str = "expression") -> ParsedExpression:
    """Read and check an expression of the given names.

    Parameters
    ----------
    text : str or number
        At most 4096 ASCII characters, nested at most 50 deep (a sum or product of many terms counts once). An exponent
        is a number of magnitude at most 64 (powers of powers multiply), or one name, or anything when the base is
        ``e``. Parts without names must have a finite real value.
    names : collection of str
        The variables and parameters that may occur.
    argument : str
        What an error calls the expression, such as ``"loss"``.

    Raises
    ------
    ValueError
        For anything else; the message names the argument, shows the place, and says what is accepted.

    Examples
    --------
    >>> parse("x**4 / 4 - (a*x**2)/2.0", ["x", "a"], "loss").text
    'x**4/4 - a*x**2/2'
    >>> parse("9**9**9", [], "loss")
    Traceback (most recent call last):
    ...
    ValueError: loss: the exponent 387420489 is too large; accepted: a number of magnitude at most 64, ...
        9**9**9
           ^
    """
    source = _Source(_as_text(text, argument), argument)
    tree = source.tree()
    known = frozenset(names)
    root = _fold(tree, lambda node, parts: _check(node, parts, known, source))
    used = frozenset(n.id for n in _postorder(tree) if isinstance(n, ast.Name) and n.id not in CONSTANTS)
    return ParsedExpression(root.text, used, argument, tree)


def names_of(parsed: ParsedExpression) -> frozenset[str]:
    """The variables and parameters that occur in an expression.

    >>> sorted(names_of(parse("a*sin(x) + pi", ["a", "x", "y"])))
    ['a', 'x']
    """
    return parsed.names


def parse_names(value: str | Iterable[str], argument: str, taken: Collection[str] = ()) -> tuple[str, ...]:
    """Read names, such as those of a landscape's parameters: ``"x y"``, ``"x, y"`` or ``["x", "y"]``.

    Raises
    ------
    ValueError
        When one is not an ASCII identifier that starts with a letter, or is a Python keyword, a function or constant
        of the language, a repetition, or in ``taken``.

    Examples
    --------
    >>> parse_names("a, b", "parameters", taken=["x"])
    ('a', 'b')
    """
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, Iterable):
        raise ValueError(f"{argument} must be a string such as 'x y' or a sequence of strings, got {value!r}")
    names = tuple(value)
    for i, name in enumerate(names):
        _check_name(name, argument)
        if name in names[:i] or name in taken:
            raise ValueError(f"{argument}: {name!r} is used twice; each variable and parameter needs its own name")
    return names


def parse_variables(value: str | Iterable[str], argument: str = "variables") -> tuple[str, ...]:
    """Read the names of at least one variable, as :func:`parse_names` does.

    >>> parse_variables("x, y")
    ('x', 'y')
    """
    names = parse_names(value, argument)
    if not names:
        raise ValueError(f"{argument} must name at least one variable, such as 'x' or 'x y', got {value!r}")
    return names


def real_symbols(names: Iterable[str]) -> dict[str, Any]:
    """A real SymPy symbol for each name, in order.

    >>> real_symbols(["x"])["x"].is_real
    True
    """
    import sympy

    return {name: sympy.Symbol(name, real=True) for name in names}


def to_sympy(parsed: ParsedExpression, symbols: Mapping[str, Any]) -> Any:
    """The SymPy expression (``sympy.Expr``) of a parsed one.

    Integers and ratios of integers stay exact; other numbers are the double that their text stands for (those with a
    short binary fraction, such as 0.5, as exact rationals). A function of numbers is its value as a double. What
    overflows on the way, such as ``log(1 + exp(x))``, is in the functions of `sgdsde.exponentials`, which do not.

    Parameters
    ----------
    parsed : ParsedExpression
        From :func:`parse`.
    symbols : mapping of str to sympy.Symbol
        A real symbol for each name in it, such as :func:`real_symbols` makes.

    Raises
    ------
    ValueError
        When SymPy finds that it is not finite or not real, as in ``1/(x - x)``.

    Examples
    --------
    >>> to_sympy(parse("x**2.0 + 2*x**0.5/3", ["x"]), real_symbols(["x"]))
    2*sqrt(x)/3 + x**2
    """
    import sympy

    from sgdsde import arithmetic, exponentials

    def build(node: ast.AST, parts: list[Any]) -> Any:
        match node:
            case ast.Constant():
                return _exact(_number(node), sympy)
            case ast.Name():
                return getattr(sympy, CONSTANTS[node.id][0]) if node.id in CONSTANTS else symbols[node.id]
            case ast.BinOp() | ast.UnaryOp():
                result = _OPERATORS[type(node.op)].apply(*parts)
                # Exact while p and q are doubles: sums of long ratios take seconds and say nothing more.
                long = result.is_Rational and max(abs(result.p), result.q) > _EXACT
                return _exact(float(result), sympy) if long else result
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        name = FUNCTIONS[node.func.id].sympy
        result = getattr(sympy if hasattr(sympy, name) else exponentials, name)(*parts)
        # As a double at once: SymPy turns exp(n*log(9)) into 9**n, of which a large n would fill the memory.
        return _exact(float(result), sympy) if result.is_number else result

    try:
        result = arithmetic.halved(exponentials.stable(sympy.sympify(_fold(parsed.tree, build))))
        finite = not result.has(sympy.zoo, sympy.I)
        finite &= all(math.isfinite(float(number)) for number in result.atoms(sympy.Number))
    except (ArithmeticError, TypeError, ValueError, RecursionError):
        finite = False
    if not finite:
        raise ValueError(f"{parsed.argument}: {parsed.text!r} must be finite and real for some values of its names")
    return result


def evaluate(parsed: ParsedExpression, values: Mapping[str, float]) -> float:
    """The value of an expression in double precision, without SymPy.

    Parameters
    ----------
    parsed : ParsedExpression
        From :func:`parse`.
    values : mapping of str to float
        A number for each name in it.

    Raises
    ------
    ValueError
        When it has no finite real value there.

    Examples
    --------
    >>> evaluate(parse("sqrt(a) + 1", ["a"]), {"a": 4.0})
    3.0
    """
    value, _ = evaluate_with_size(parsed, values)
    if not math.isfinite(value):
        at = ", ".join(f"{name} = {values[name]}" for name in sorted(parsed.names))
        raise ValueError(f"{parsed.argument}: {parsed.text!r} has no finite real value at {at}")
    return value


def evaluate_with_size(parsed: ParsedExpression, values: Mapping[str, float]) -> tuple[float, float]:
    """The value, and the largest magnitude among all that it is computed from; both NaN where there is none.

    >>> evaluate_with_size(parse("(x + 1000) - x", ["x"]), {"x": 4.0})
    (1000.0, 1004.0)
    """

    def compute(node: ast.AST, parts: list[tuple[float, float]]) -> tuple[float, float]:
        match node:
            case ast.Constant():
                value = float(_number(node))
            case ast.Name():
                value = CONSTANTS[node.id][1] if node.id in CONSTANTS else float(values[node.id])
            case ast.BinOp() | ast.UnaryOp():
                value = _real(_OPERATORS[type(node.op)].apply, [part for part, _ in parts])
            case _:
                assert isinstance(node, ast.Call)
                assert isinstance(node.func, ast.Name)
                value = _real(FUNCTIONS[node.func.id].value, [part for part, _ in parts])
        if not all(math.isfinite(part) for part, _ in parts):
            value = math.nan  # max, min, exp, atan and tanh have a value where a part of theirs has none
        size = max([abs(value), *(size for _, size in parts)]) if math.isfinite(value) else math.nan
        return value, size

    return _fold(parsed.tree, compute)


def derivative(expression: Any, symbol: Any) -> Any:
    """The derivative almost everywhere (``sympy.Expr``): the kinks of abs, min and max add no delta functions to it.

    What is left of the kinks are ``sign`` and ``Heaviside``.

    >>> x = real_symbols("x")["x"]
    >>> derivative(derivative(to_sympy(parse("abs(x)", ["x"]), {"x": x}), x), x)
    0
    """
    from sgdsde.slopes import slope

    return slope(expression, symbol)


class _Source:
    """The text of an expression and how to complain about a place in it."""

    def __init__(self, text: str, argument: str) -> None:
        self.text, self.argument = " ".join(text.split()), argument

    def tree(self) -> ast.expr:
        if not self.text:
            self.refuse(0, "it is empty", _ACCEPTED)
        if len(self.text) > MAX_LENGTH:
            self.refuse(MAX_LENGTH, f"it has {len(self.text)} characters", f"at most {MAX_LENGTH}")
        if found := _REFUSED_CHARACTER.search(self.text):
            hint = "; write powers with **" if found[0] == "^" else ""
            self.refuse(found.start(), f"the character {found[0]!a} is not part of the language{hint}", _ACCEPTED)
        try:
            return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            at = min(max((error.offset or 1) - 1, 0), len(self.text) - 1)
            self.refuse(at, f"it does not read as an expression ({error.msg})", f"{_ACCEPTED}; products need a *")
        except (RecursionError, MemoryError):
            self.refuse_depth(0)

    def refuse_depth(self, at: int) -> NoReturn:
        self.refuse(at, "it is nested too deeply", f"at most {MAX_DEPTH} levels")

    def refuse(self, at: int, problem: str, accepted: str) -> NoReturn:
        start = max(0, at - 30)
        excerpt = self.text[start : at + 40]
        raise ValueError(
            f"{self.argument}: {problem}; accepted: {accepted}\n"
            f"    {excerpt.encode('ascii', 'replace').decode()}\n    {' ' * (at - start)}^"
        ) from None


class _Checked(NamedTuple):
    """What is known of a checked node: canonical text, value when free of names, nesting, and powers multiplied up."""

    text: str
    precedence: int
    value: float | None
    depth: int = 0
    power: float = 1.0

    def within(self, precedence: int) -> str:
        return self.text if self.precedence >= precedence else f"({self.text})"


def _children(node: ast.AST) -> Sequence[ast.expr]:
    match node:
        case ast.BinOp():
            return node.left, node.right
        case ast.UnaryOp():
            return (node.operand,)
        case ast.Call():
            return node.args
    return ()


def _postorder(root: ast.expr) -> list[ast.expr]:
    # Without recursion, for sums of a thousand terms are a thousand levels deep in Python's syntax trees.
    order, stack = [], [root]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(_children(node))
    return order[::-1]


def _fold(root: ast.expr, rule: Callable[[ast.AST, list[_Value]], _Value]) -> _Value:
    done: dict[ast.AST, _Value] = {}
    for node in _postorder(root):
        done[node] = rule(node, [done[child] for child in _children(node)])
    return done[root]


def _check(node: ast.AST, parts: list[_Checked], known: frozenset[str], source: _Source) -> _Checked:
    match node:
        case ast.Constant():
            checked = _check_constant(node, source)
        case ast.Name():
            checked = _check_symbol(node, known, source)
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) if type(op) in _OPERATORS:
            checked = _check_operation(node, parts, source)
        case ast.Call():
            checked = _check_call(node, parts, source)
        case _:
            source.refuse(_column(node), f"{_piece(node, source)} is not part of the language", _ACCEPTED)
    if checked.depth > MAX_DEPTH:
        source.refuse_depth(_column(node))
    return checked


def _check_constant(node: ast.Constant, source: _Source) -> _Checked:
    if type(node.value) not in (int, float):
        source.refuse(_column(node), f"{_piece(node, source)} is not a real number", _ACCEPTED)
    try:
        value = _number(node)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        source.refuse(_column(node), "this number is too large", "numbers below 1.8e308 in magnitude")
    return _Checked(repr(value), _ATOM, float(value))


def _check_symbol(node: ast.Name, known: frozenset[str], source: _Source) -> _Checked:
    if node.id in CONSTANTS:
        return _Checked(node.id, _ATOM, CONSTANTS[node.id][1])
    if node.id not in known:
        problem = "needs its argument in parentheses" if node.id in FUNCTIONS else "is not a known name"
        source.refuse(_column(node), f"{_short(node.id)} {problem}", _listing(known))
    return _Checked(node.id, _ATOM, None)


def _check_call(node: ast.Call, parts: list[_Checked], source: _Source) -> _Checked:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in FUNCTIONS:
        what = f"{_piece(node.func, source)} is not a known function"
        source.refuse(_column(node), what, f"{', '.join(FUNCTIONS)}; products need a *")
    function = FUNCTIONS[name]
    if node.keywords:
        source.refuse(_column(node.keywords[0].value), f"{name} has no keyword arguments", f"{name}(x)")
    least, most = function.arity
    if not least <= len(parts) <= most:
        wanted = f"{least} argument" if least == most else f"{least} to {most} arguments"
        source.refuse(_column(node), f"{name} has {len(parts)} arguments", wanted)
    text = f"{name}({', '.join(part.text for part in parts)})"
    depth, power = 1 + max(part.depth for part in parts), max(part.power for part in parts)
    return _Checked(text, _ATOM, _value(function.value, parts, node, source), depth, power)


def _check_operation(node: ast.BinOp | ast.UnaryOp, parts: list[_Checked], source: _Source) -> _Checked:
    symbol = _OPERATORS[type(node.op)]
    level = symbol.precedence
    power = max(part.power for part in parts)
    if isinstance(node, ast.UnaryOp):
        (operand,) = parts
        if isinstance(node.op, ast.UAdd):
            return operand._replace(depth=operand.depth + 1)
        text = symbol.sign + operand.within(_SIGN)
        return _Checked(text, level, _value(symbol.apply, parts, node, source), operand.depth + 1, power)
    left, right = parts
    if level == _POWER:
        power = _check_exponent(node, left, right, source)
        text = f"{left.within(_ATOM)}**{right.within(_SIGN)}"
    else:
        text = f"{left.within(level)}{symbol.sign}{right.within(level + 1)}"
    chained = left.precedence == level != _POWER
    depth = max(left.depth + (not chained), right.depth + 1)
    return _Checked(text, level, _value(symbol.apply, parts, node, source), depth, power)


def _check_exponent(node: ast.BinOp, base: _Checked, exponent: _Checked, source: _Source) -> float:
    power = max(base.power, exponent.power)
    bare = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    if base.text == "e" or (exponent.value is None and isinstance(bare, ast.Name)):
        return power
    accepted = f"a number of magnitude at most {MAX_EXPONENT}, one name, or anything above the base e"
    if exponent.value is None:
        source.refuse(_column(node.right), "this exponent is not a number", f"{accepted}; exp(b*log(a)) is a**b")
    if abs(exponent.value) > MAX_EXPONENT:
        source.refuse(_column(node.right), f"the exponent {exponent.value:.10g} is too large", accepted)
    power = max(base.power * max(abs(exponent.value), 1.0), exponent.power)
    if power > MAX_EXPONENT:
        source.refuse(_column(node.right), f"these powers of powers multiply to {power:.10g}", accepted)
    return power


def _value(function: Callable[..., Any], parts: list[_Checked], node: ast.AST, source: _Source) -> float | None:
    if any(part.value is None for part in parts):
        return None
    value = _real(function, [part.value for part in parts if part.value is not None])
    if not math.isfinite(value):
        source.refuse(_column(node), f"{_piece(node, source)} has no finite real value", "finite real numbers")
    return value


def _real(function: Callable[..., Any], arguments: Sequence[float]) -> float:
    """Apply the function; NaN where it has no real value."""
    try:
        value = function(*arguments)
    except (ArithmeticError, ValueError):
        return math.nan
    return math.nan if isinstance(value, complex) else float(value)


def _number(node: ast.Constant) -> int | float:
    assert isinstance(node.value, int | float)
    value = float(node.value)
    return int(value) if abs(value) <= _EXACT and value.is_integer() else value


def _exact(value: float, sympy: Any) -> Any:
    # Exact where the fraction is short, so that x**0.5 is √x and x**2.0 is x²; otherwise the double and no more digits.
    top, bottom = value.as_integer_ratio()
    return sympy.Rational(top, bottom) if bottom <= 1024 and abs(top) <= _EXACT else sympy.Float(value)


def _as_text(text: object, argument: str) -> str:
    if isinstance(text, str):
        return text
    value = as_real(text)
    if value is not None:
        return repr(value)
    raise ValueError(f"{argument} must be a string such as 'x**2/2' or a finite real number, got {_short(repr(text))}")


def _check_name(name: object, argument: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = "is not a name"
    elif keyword.iskeyword(name):
        problem = "is a word of Python"
    elif name in FUNCTIONS or name in CONSTANTS:
        problem = "is a function or constant of expressions"
    else:
        return
    accepted = "ASCII letters, digits and underscores, starting with a letter"
    raise ValueError(f"{argument}: {_short(ascii(name))} {problem}; accepted: {accepted}, and free to use")


def _listing(known: Iterable[str]) -> str:
    return ", ".join([*sorted(known), *CONSTANTS, *(f"{name}()" for name in FUNCTIONS)])


def _piece(node: ast.AST, source: _Source) -> str:
    return _short(repr(ast.get_source_segment(source.text, node) or ""))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _column(node: ast.AST) -> int:
    return int(getattr(node, "col_offset", 0))
