"""The expression language: what it accepts means what it says, and everything else is a ValueError, at once."""

import math
import pickle
import random
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from tables import every

from sgdsde.expression import (
    CONSTANTS,
    FUNCTIONS,
    derivative,
    evaluate,
    names_of,
    parse,
    parse_names,
    parse_variables,
    real_symbols,
    to_sympy,
)

ROOT = Path(__file__).parents[1]

REFUSED = {
    "import": "__import__('os')",
    "import without quotes": "__import__(os)",
    "dunder name": "__builtins__",
    "attribute": "x.real",
    "attribute of a tuple": "().__class__.__bases__",
    "attribute call": "x.diff(x)",
    "subscript": "x[0]",
    "slice": "x[::]",
    "lambda": "lambda: x",
    "lambda call": "(lambda x: x)(x)",
    "keyword argument": "sin(x=1)",
    "keyword unpacking": "sin(x, **y)",
    "starred": "sin(*x)",
    "comprehension": "max(x for x in y)",
    "conditional": "x if x else y",
    "boolean operation": "x and y",
    "negation": "not x",
    "comparison": "x < y",
    "inversion": "~x",
    "assignment expression": "(x := 1)",
    "statement": "import os",
    "two statements": "x; y",
    "assignment": "x = 1",
    "tuple": "x, y",
    "empty tuple": "()",
    "set": "{x}",
    "string": "'x'",
    "f-string": "f'{x}'",
    "bytes": "b'x'",
    "ellipsis": "...",
    "comment": "x # + y",
    "await": "await x",
    "yield": "(yield x)",
    "complex": "1j",
    "true": "True",
    "none": "None",
    "integer division": "x // y",
    "remainder": "x % y",
    "matrix product": "x @ y",
    "caret": "x^2",
    "bits": "x | y",
    "shift": "1 << 9999999999",
    "implicit product": "2x",
    "implicit product of a bracket": "x(x + 1)",
    "two names": "x y",
    "unknown name": "x + z",
    "unknown function": "gamma(x)",
    "function without bracket": "sin + x",
    "call of a call": "sin(x)(y)",
    "no argument": "sin()",
    "too many arguments": "sin(x, y)",
    "too few arguments": "min(x)",
    "empty": "",
    "spaces": "  \n ",
    "open bracket": "(x",
    "nul": "x\0",
    "nul in the middle": "x\0 + y",
    "fullwidth letter": "ｘ",
    "fullwidth sine": "ｓin(x)",
    "mathematical letter": "𝑥",
    "greek": "ω",
    "surrogate": "\ud800",
    "combining": "x\u0301",
    "huge power": "9**9**9",
    "huge power of a name": "x**9**9**9",
    "huge power, bracketed": "(9**9)**(9**9)",
    "powers of powers": "(9**64)**64",
    "powers of powers of a name": "((x**64)**64)**64",
    "slowly growing powers": "((1000000000000001/1000000000000000)**64)**64",
    "exponent that cancels": "9**(9**9 + x - x)",
    "exponent 65": "x**65",
    "exponent -65": "x**-65",
    "power of e": "e**(9**9)",
    "exponential": "exp(9**9*log(9))",
    "folded product": "1e200*1e200",
    "big number": "1e999",
    "big integer": "9" * 400,
    "4000 digits": "9" * 4000,
    "5000 digits": "9" * 5000,
    "division by zero": "x + 1/0",
    "division by what is zero": "1/(1 - 1)",
    "zero to a negative power": "0**-1",
    "square root of a negative number": "sqrt(-1)",
    "cube root of a negative number": "(-8)**(1/3)",
    "logarithm of zero": "x*log(0)",
    "10 000 brackets": "(" * 10_000 + "x" + ")" * 10_000,
    "1 000 brackets": "(" * 1000 + "x" + ")" * 1000,
    "10 000 minuses": "-" * 10_000 + "x",
    "4 000 minuses": "-" * 4000 + "x",
    "2 000 spaced minuses": "- " * 2000 + "x",
    "10 000 terms": "x" + " + x" * 10_000,
    "1 000 powers": "2**" * 1000 + "x",
    "100 functions": "sin(" * 100 + "x" + ")" * 100,
    "1 000 functions": "sin(" * 1000 + "x" + ")" * 1000,
    "1 000 open brackets": "(" * 1000,
    "60 sums to the right": "x + (" * 60 + "x" + ")" * 60,
    "1 000 nots": "not " * 1000 + "x",
    "1 000 conditionals": "x if x else " * 300 + "x",
    "1 000 calls": "x" + "()" * 1000,
    "1 000 attributes": "x" + ".x" * 1000,
}


@every("text", REFUSED.values())
def test_refuses_at_once_and_says_where(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"^loss: .*accepted: ") as caught:
        parse(text, ["x", "y"], "loss")
    assert time.perf_counter() - began < 1.0
    message = str(caught.value)
    *_, excerpt, caret = message.splitlines()
    assert caret.strip() == "^"
    assert len(caret) <= len(excerpt) + 1
    assert len(message) < 600


@every("value", [True, None, 1j, float("nan"), float("inf"), 10**400, b"x", ["x"], np.bool_(True)])
def test_refuses_what_is_neither_text_nor_a_real_number(value: object) -> None:
    with pytest.raises(ValueError, match="loss must be a string such as"):
        parse(value, ["x"], "loss")  # type: ignore[arg-type]


@every(
    ("text", "problem", "marked"),
    [
        ("x + z*y", "z is not a known name; accepted: x, y, pi, e, sqrt()", "z*y"),
        ("2 + x^2", "'^' is not part of the language; write powers with **", "^2"),
        ("x + 9**9**9", "the exponent 387420489 is too large; accepted: a number of magnitude at most 64", "9**9"),
        ("1 + x.real", "'x.real' is not part of the language", "x.real"),
        ("x + sin(x, y)", "sin has 2 arguments; accepted: 1 argument", "sin(x, y)"),
        ("x + f(x)", "'f' is not a known function; accepted: sqrt, exp", "f(x)"),
    ],
)
def test_error_points_at_the_piece(text: str, problem: str, marked: str) -> None:
    with pytest.raises(ValueError, match=r"^F\[0\]\[1\]: ") as caught:
        parse(text, ["x", "y"], "F[0][1]")
    message = str(caught.value)
    assert problem in message
    *_, excerpt, caret = message.splitlines()
    assert excerpt[caret.index("^") :] == marked


@every(
    "text",
    ["1/(x - x)", "sqrt(x - x - 1)", "tan(tan(pi/2))", "exp(x + 9**9*log(9))", "exp(387420489*log(9 + x - x))*x"],
)
def test_what_only_sympy_sees_is_refused_by_to_sympy(text: str) -> None:
    parsed = parse(text, ["x"], "loss")
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"loss: .* must be finite and real"):
        to_sympy(parsed, real_symbols(["x"]))
    assert time.perf_counter() - began < 3.0


@pytest.mark.parametrize(
    "text",
    [
        "x" + " + x" * 1000,
        "x" + "*x" * 2000,
        "+".join(f"(9007199254740881/90071992547408{i:02d})**64" for i in range(80)),
        "*".join(["(1000000000000001/1000000000000000)**64"] * 80),
        "*".join(["(x + y + 1)**64"] * 200),
        "sin(" * 49 + "x" + ")" * 49,
        "max(" * 20 + "x" + ", y)" * 20,
        "x**y" + " + 2**-x*(3/7)**y" * 100,
        "sqrt(9007199254740881*9007199254740847*90071992547407)**(1/7)",
    ],
    ids=lambda text: text[:20],
)
def test_large_expressions_do_not_hang(text: str) -> None:
    began = time.perf_counter()
    symbols = real_symbols(["x", "y"])
    expression = to_sympy(parse(text, ["x", "y"]), symbols)
    derivative(derivative(expression, symbols["x"]), symbols["x"])
    assert time.perf_counter() - began < 20.0


@every(
    ("text", "canonical"),
    [
        ("x ** 4/4-a*x**2 /2", "x**4/4 - a*x**2/2"),
        (" (x)\n + ((y))", "x + y"),
        ("x + (y + a)", "x + (y + a)"),
        ("x - (y - a)", "x - (y - a)"),
        ("(x*y)/(a*x)", "x*y/(a*x)"),
        ("(-x)**2 + -x**2", "(-x)**2 + -x**2"),
        ("(x**y)**a", "(x**y)**a"),
        ("x**-2.0", "x**-2"),
        ("x*(-y)", "x*-y"),
        ("+x + 1_000 + 0x10 + 1e3 + .5", "x + 1000 + 16 + 1000 + 0.5"),
        ("min( x,y ,1)", "min(x, y, 1)"),
        ("e**(-x**2)", "e**-x**2"),
        (0.1, "0.1"),
        (2, "2"),
        (-1.5, "-1.5"),
        (np.float64(2), "2"),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (Fraction(1, 4), "0.25"),
        (10**20, "1e+20"),
    ],
)
def test_canonical_text(text: str | float, canonical: str) -> None:
    parsed = parse(text, ["x", "y", "a"])
    assert parsed.text == canonical
    assert parse(canonical, ["x", "y", "a"]) == parsed
    assert hash(pickle.loads(pickle.dumps(parsed))) == hash(parsed)


def test_names_of() -> None:
    assert names_of(parse("a*sin(x)**b + pi*e", ["a", "b", "x", "unused"])) == {"a", "b", "x"}
    assert names_of(parse("e + 1", ["x"])) == frozenset()


def sympy_of(text: str | float, names: str = "x y a") -> sympy.Expr:
    return to_sympy(parse(text, names.split()), real_symbols(names.split()))


def test_numbers_mean_what_they_say() -> None:
    x = sympy.Symbol("x", real=True)
    assert sympy_of("x**2.0") == x**2
    assert sympy_of("x**0.5") == sympy.sqrt(x)
    assert sympy_of("x/3") == x / 3
    assert sympy_of("e**x") == sympy.exp(x)
    assert sympy_of("abs(x)*min(x, 1)") == sympy.Abs(x) * sympy.Min(x, 1)
    for text in ["0.1", "1e-30", "1.2345678901234567", "1e300", "9007199254740993", "0.3333"]:
        assert float(sympy_of(text)) == float(text), text
    # The binary operation of doubles, not of their decimal texts.
    assert float(sympy_of("0.1 + 0.2")) == 0.1 + 0.2


def test_derivatives_have_no_delta_functions() -> None:
    x, y = sympy.symbols("x y", real=True)
    for text in ["abs(x*y - 1)", "min(x, y**2)", "max(x**2, y, 1)", "x*abs(x) + abs(abs(x) - 1)"]:
        second = derivative(derivative(sympy_of(text), x), y)
        assert not second.has(sympy.DiracDelta, sympy.Derivative), text
    assert derivative(derivative(sympy_of("x*abs(x)"), x), x).subs(x, -3) == -2


# Random trees, as nested tuples: their text goes through the parser and SymPy, they themselves through the evaluator.
BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
SAFE_FUNCTIONS = ["sin", "cos", "atan", "tanh", "abs"]


def random_tree(rng: random.Random, depth: int) -> tuple[object, ...]:
    kind = rng.choice(
        ["number", "name", "constant"] if depth == 0 else ["binary"] * 4 + ["power", "minus", "call", "two"]
    )
    if kind == "number":
        return kind, rng.choice([1, 2, 7, 0.1, 0.5, 2.5, 1e-3])
    if kind == "name":
        return kind, rng.choice(["x", "y"])
    if kind == "constant":
        return kind, rng.choice(["pi", "e"])
    if kind == "binary":
        return kind, rng.choice("+-*/"), random_tree(rng, depth - 1), random_tree(rng, depth - 1)
    if kind == "power":
        return kind, random_tree(rng, depth - 1), rng.choice([2, 3, -1, 2.0])
    if kind == "minus":
        return kind, random_tree(rng, depth - 1)
    if kind == "call":
        return kind, rng.choice(SAFE_FUNCTIONS), random_tree(rng, depth - 1)
    return kind, rng.choice(["min", "max"]), random_tree(rng, depth - 1), random_tree(rng, depth - 1)


def show(tree: tuple[object, ...]) -> str:
    match tree:
        case ("binary", op, a, b):
            return f"({show(a)}) {op} ({show(b)})"
        case ("power", a, n):
            return f"({show(a)})**{n}"
        case ("minus", a):
            return f"-({show(a)})"
        case ("call", name, a):
            return f"{name}({show(a)})"
        case ("two", name, a, b):
            return f"{name}({show(a)}, {show(b)})"
    return str(tree[1])


def value(tree: tuple[object, ...], at: dict[str, float]) -> float:
    match tree:
        case ("name" | "constant", name):
            return at[name]
        case ("binary", op, a, b):
            return BINARY[op](value(a, at), value(b, at))
        case ("power", a, n):
            return value(a, at) ** n
        case ("minus", a):
            return -value(a, at)
        case ("call", name, a):
            return {"abs": abs}.get(name, getattr(math, name, None))(value(a, at))
        case ("two", name, a, b):
            return {"min": min, "max": max}[name](value(a, at), value(b, at))
    return tree[1]


def test_random_expressions_have_the_value_of_an_independent_evaluator() -> None:
    rng = random.Random(20260728)
    at = {"x": 0.7310585, "y": -1.2345678, "pi": math.pi, "e": math.e}
    symbols = real_symbols(["x", "y"])
    compared = unseen = 0
    for _ in range(300):
        tree = random_tree(rng, rng.choice([1, 2, 3]))
        try:
            expected = value(tree, at)
        except ArithmeticError:
            continue
        if not 1e-9 < abs(expected) < 1e9:  # elsewhere the rounding of the two orders of evaluation differs
            continue
        try:
            parsed = parse(show(tree), ["x", "y"])
            expression = to_sympy(parsed, symbols)
        except ValueError:  # such as 1/(x - x), which SymPy sees through and floats do not
            unseen += 1
            continue
        measured = sympy.lambdify(list(symbols.values()), expression, "math")(at["x"], at["y"])
        again = to_sympy(parse(parsed.text, ["x", "y"]), symbols)
        assert measured == pytest.approx(expected, rel=1e-6), show(tree)
        assert again == expression, show(tree)
        assert evaluate(parsed, {"x": at["x"], "y": at["y"]}) == pytest.approx(expected, rel=1e-12), show(tree)
        compared += 1
    assert compared > 200
    assert unseen < 10


def test_every_function_and_constant_is_what_it_is_called() -> None:
    x = sympy.Symbol("x", real=True)
    for name, function in FUNCTIONS.items():
        arguments = ("x", "0.3")[: function.arity[0]]
        expression = sympy_of(f"{name}({', '.join(arguments)})")
        own = {"softplus": lambda x: math.log(1 + math.exp(x)), "sigmoid": lambda x: 1 / (1 + math.exp(-x))}
        expected = {"abs": abs, "min": min, "max": max, **own}.get(name) or getattr(math, name)
        for at in (0.2, 0.9):
            assert float(expression.subs(x, at)) == pytest.approx(expected(*(at, 0.3)[: function.arity[0]]), rel=1e-14)
            value = function.value(*(at, 0.3)[: function.arity[0]])
            assert value == pytest.approx(expected(*(at, 0.3)[: function.arity[0]]), rel=1e-15)
    for name in CONSTANTS:
        assert float(sympy_of(name)) == getattr(math, name)


@every("text", ["1/(a - 1)", "sqrt(-a)", "log(a - 1)", "(-a)**0.5", "exp(1000*a)"])
def test_evaluate_refuses_what_is_not_finite(text: str) -> None:
    with pytest.raises(ValueError, match=r"minimum: .* has no finite real value at a = 1\.0"):
        evaluate(parse(text, ["a"], "minimum"), {"a": 1.0})


def test_variables() -> None:
    assert parse_variables("x y") == parse_variables("x, y") == parse_variables(["x", "y"]) == ("x", "y")
    assert parse_variables("w_1,w_2") == ("w_1", "w_2")
    assert parse_names({"a": 1.0, "b": 2.0}, "parameters") == ("a", "b")
    assert parse_names((), "parameters") == ()


@every(
    "bad",
    [
        "",
        [],
        "x x",
        "1x",
        "_x",
        "__x",
        "x-y",
        "lambda",
        "sin",
        "pi",
        "e",
        "ω",
        "ｘ",
        "x.y",
        ["x y"],
        [1],
        3,
        None,
        ["x", ""],
        "x\0",
    ],
)
def test_bad_variables(bad: object) -> None:
    with pytest.raises(ValueError, match=r"^variables"):
        parse_variables(bad)  # type: ignore[arg-type]


def test_parameters_may_not_repeat_variables() -> None:
    with pytest.raises(ValueError, match="parameters: 'x' is used twice"):
        parse_names(["a", "x"], "parameters", taken=("x",))


def test_parsing_loads_no_sympy() -> None:
    code = (
        "import sys; from sgdsde.expression import parse, parse_variables, parse_names; "
        "parse('x**4/4 - a*x**2/2 + min(exp(x), 3)', parse_variables('x') + parse_names('a', 'parameters')).text; "
        "sys.exit(any(name in sys.modules for name in ('sympy', 'numpy', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
