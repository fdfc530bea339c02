"""SymPy → Block → numbers, against arithmetic of fifty digits."""

import json
import math
import random
from dataclasses import asdict

import mpmath
import numpy as np
import pytest
import sympy as sp
from tables import every

from sgdsde.codegen import NUMPY_FUNCTIONS, Block, lower
from sgdsde.printing import show

W0, W1, P0, P1 = (sp.Symbol(name, real=True) for name in ("w0", "w1", "p0", "p1"))
SYMBOLS = (P0, P1, W0, W1)
MP = {"Abs": mpmath.fabs, "Max": lambda *a: max(a), "Min": lambda *a: min(a), "sign": mpmath.sign}
SMOOTH = (sp.sin, sp.cos, sp.tanh, sp.atan, sp.cosh, sp.sinh, lambda x: sp.exp(sp.tanh(x)), lambda x: sp.log(1 + x**2))
ROUGH = (sp.Abs, lambda x: sp.Max(x, W0), lambda x: sp.Min(x, sp.Rational(1, 3), P0), sp.sign)


def random_expression(rng: random.Random, depth: int) -> sp.Expr:
    if depth == 0:
        return rng.choice(
            [*SYMBOLS, *SYMBOLS, sp.Integer(rng.randint(-3, 5)), sp.Rational(rng.randint(-7, 7), 4), sp.pi]
        )

    def smaller() -> sp.Expr:
        return random_expression(rng, depth - 1)

    kind = rng.randrange(8)
    if kind <= 1:
        return smaller() + smaller() - smaller()
    if kind <= 3:
        return smaller() * smaller()
    if kind == 4:
        return smaller() / (2 + smaller() ** 2)
    if kind == 5:
        return smaller() ** rng.choice([2, 3, 5, 7])
    if kind == 6:
        return (1 + smaller() ** 2) ** rng.choice([sp.Rational(1, 2), sp.Rational(-3, 2), -1, sp.Rational(1, 3), P1])
    return rng.choice([*SMOOTH, *SMOOTH, *ROUGH])(smaller())


def run(block: Block, scalars: dict[str, float], *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    with np.errstate(all="ignore"):
        return block.function(NUMPY_FUNCTIONS)(*block.constant_values(scalars), *arrays)


@pytest.mark.parametrize("seed", range(16))
def test_random_expressions_have_their_value(seed: int) -> None:
    rng = random.Random(seed)
    expressions = [random_expression(rng, 4) for _ in range(3)]
    expressions.append(sp.diff(expressions[0], W0).replace(sp.DiracDelta, lambda *_: sp.S.Zero))
    names = [f"o{i}" for i in range(len(expressions))]
    block = lower([(names, expressions)], ["p0", "p1"], ["w0", "w1"])
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (8, 4))
    with mpmath.workdps(50):
        judges = [sp.lambdify(SYMBOLS, expression, [MP, "mpmath"]) for expression in expressions]
    judged = 0
    for p0, p1, w0, w1 in points:
        found = run(block, {"p0": p0, "p1": p1}, np.array(w0), np.array(w1))
        for expression, judge, value in zip(expressions, judges, found, strict=True):
            with mpmath.workdps(50):
                exact = judge(*map(mpmath.mpf, (p0, p1, w0, w1)))
            if abs(exact) < 1e6:  # what is larger was often a difference of still larger numbers
                assert float(value) == pytest.approx(float(exact), rel=1e-10, abs=1e-10), expression
                judged += 1
    assert judged > 16


def test_derivatives_with_heaviside_and_sign() -> None:
    relu = sp.diff(sp.Max(W0, 0) ** 2 + sp.Abs(W1), W0) + sp.diff(sp.Abs(W1), W1)
    (value,) = run(lower([(["o"], [relu])], [], ["w0", "w1"]), {}, np.array([2.0, -2.0]), np.array([3.0, -3.0]))
    assert value.tolist() == [5.0, -1.0]


def test_piecewise_and_relations() -> None:
    both = sp.And(W0 > 0, W1 <= 1)
    either = sp.Or(W0 > 1, W1 > 1)
    expression = sp.Piecewise((W0, both), (-W0, either), (sp.pi, True))
    without_default = sp.Piecewise((1, W0 > 0))
    w0, w1 = np.array([0.5, 2.0, -1.0, -1.0]), np.array([0.0, 2.0, 2.0, 0.0])
    block = lower([(["a", "b"], [expression, without_default])], [], ["w0", "w1"])
    first, second = run(block, {}, w0, w1)
    assert first.tolist() == [0.5, -2.0, 1.0, math.pi]
    np.testing.assert_array_equal(second, [1.0, 1.0, np.nan, np.nan])


@every("exponent", [*range(-9, 10), 13, 31, 63, 64, 65, 100])
@every("half", [False, True])
def test_powers(exponent: int, half: bool) -> None:
    power = sp.Rational(2 * exponent + 1, 2) if half else sp.Integer(exponent)
    x = np.array([0.3, 1.0, 1.7])
    (value,) = run(lower([(["o"], [W0**power + 0 * W0])], [], ["w0"]), {}, x) if power else (np.ones(3),)
    np.testing.assert_allclose(value, x ** float(power), rtol=64 * 2.3e-16)


def test_small_integer_powers_of_negative_numbers_stay_real() -> None:
    (value,) = run(lower([(["o"], [W0**3 - W0**2 + W0**-3])], [], ["w0"]), {}, np.array([-2.0]))
    assert value == [-8.0 - 4.0 - 0.125]


@pytest.mark.parametrize("text", ["p0*p1*w0", "w0**p0", "(w0**2 + 1)**(p0 - 1)*p1", "sin(p0)*sin(w0) + exp(p0*p1)*w0"])
def test_what_depends_on_numbers_alone_is_hoisted(text: str) -> None:
    expression = sp.sympify(text, {str(s): s for s in SYMBOLS})
    block = lower([(["o"], [expression])], ["p0", "p1"], ["w0"])
    code = " ".join(line for _, line in block.lines)
    assert "p0" not in code
    assert "p1" not in code
    assert "w0" not in " ".join(line for _, line in block.constants)
    scalars, w0 = {"p0": 1.3, "p1": 0.7}, 1.9
    exact = float(expression.subs({P0: 1.3, P1: 0.7, W0: w0}))
    assert run(block, scalars, np.array(w0))[0] == pytest.approx(exact, rel=1e-14)


def test_the_number_of_constants_is_that_of_the_groups() -> None:
    block = lower([(["o"], [P0 * P1 * W0 + P0 * P1 * W1])], ["p0", "p1"], ["w0", "w1"])
    assert len(block.constants) == 1
    assert len(block.scalars) == 2


def test_no_numbers_are_hoisted_into_constants() -> None:
    assert lower([(["o"], [2 * sp.pi * W0 + 3])], [], ["w0"]).constants == ()


def test_later_stages_read_earlier_ones_by_name() -> None:
    s = sp.Symbol("s0", real=True)
    block = lower([(["s0"], [sp.sin(W0) * P0]), (["o"], [s**2 + W0])], ["p0"], ["w0"])
    assert [name for name, _ in block.lines][-2:] == ["s0", "o"]
    assert run(block, {"p0": 2.0}, np.array(0.3))[0] == pytest.approx((2 * math.sin(0.3)) ** 2 + 0.3, rel=1e-15)


def test_common_parts_are_computed_once() -> None:
    common = sp.exp(W0 * W1)
    block = lower([(["a", "b"], [common + 1, common * W0])], [], ["w0", "w1"])
    assert sum(line.count("exp(") for _, line in block.lines) == 1


def test_constants_without_a_real_value_are_nan() -> None:
    block = lower([(["o"], [sp.sqrt(P0) * W0 + sp.log(P0) * W0**2 + W0 / P0])], ["p0"], ["w0"])
    assert np.isnan(block.constant_values({"p0": -1.0})).any()
    assert np.isinf(block.constant_values({"p0": 0.0})).any()


def test_outputs_that_do_not_depend_on_the_state() -> None:
    block = lower([(["a", "b"], [sp.S.Zero, P0])], ["p0"], ["w0"])
    assert [float(x) for x in run(block, {"p0": 3.0}, np.array([1.0]))] == [0.0, 3.0]


def test_a_block_survives_json() -> None:
    block = lower([(["o"], [P0 * sp.sin(W0) * P1 + 1])], ["p0", "p1"], ["w0"])
    assert Block.from_dict(json.loads(json.dumps(asdict(block)))) == block


def test_numbers_are_printed_to_the_last_bit() -> None:
    for value in (0.1, 1e-300, 1.7976931348623157e308, -2.5e-8, math.pi):
        assert eval(show(sp.Float(value, 17))) == value
    assert eval(show(sp.Rational(1, 3))) == 1 / 3


def test_functions_without_code_are_refused() -> None:
    with pytest.raises(ValueError, match="no code for the function gamma"):
        show(sp.gamma(W0))
