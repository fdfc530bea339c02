"""Derivatives: those of SymPy, without its growth, and within double precision."""

import random

import numpy as np
import pytest
import sympy as sp

from sgdsde import Landscape, integrate
from sgdsde.arithmetic import halved, multiplied, times
from sgdsde.codegen import NUMPY_FUNCTIONS, lower
from sgdsde.slopes import slope

X, Y, P = (sp.Symbol(name, real=True) for name in ("w0", "w1", "p0"))


def random_expression(rng: random.Random, depth: int) -> sp.Expr:
    if depth == 0:
        return rng.choice([X, X, Y, P, sp.Integer(rng.randint(1, 4)), sp.Rational(rng.randint(-7, 7), 4)])
    parts = [random_expression(rng, depth - 1) for _ in range(rng.choice([2, 3]))]
    return rng.choice(
        [
            lambda: sp.Add(*parts),
            lambda: sp.Mul(*parts),
            lambda: parts[0] ** rng.choice([2, 3, -1]),
            lambda: (2 + parts[0] ** 2) ** rng.choice([sp.Rational(1, 2), sp.Rational(-3, 2), P]),
            lambda: rng.choice([sp.sin, sp.cos, sp.tanh, sp.atan, sp.Abs, lambda u: sp.exp(sp.sin(u))])(parts[0]),
            lambda: sp.Max(*parts[:2]),
        ]
    )()


def values(expression: sp.Expr, at: np.ndarray) -> np.ndarray:
    block = lower([(["o"], [expression])], [], ["w0", "w1", "p0"])
    with np.errstate(all="ignore"):
        (found,) = block.function(NUMPY_FUNCTIONS)(*block.constant_values({}), *at)
    return np.broadcast_to(found, at.shape[1:])


@pytest.mark.parametrize("seed", range(24))
def test_random_expressions(seed: int) -> None:
    rng = random.Random(seed)
    expression = random_expression(rng, 4)
    at = np.random.default_rng(seed).uniform(0.2, 1.7, (3, 9))
    mine, theirs = slope(expression, X), sp.diff(expression, X)
    second = slope(mine, Y), sp.diff(theirs, Y).replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    for found, expected in ((mine, theirs), second):
        expected_values = values(expected, at)
        good = np.isfinite(expected_values) & (np.abs(expected_values) < 1e8)
        np.testing.assert_allclose(values(found, at)[good], expected_values[good], rtol=1e-9, atol=1e-9)


def test_long_products_are_halved_and_come_back() -> None:
    product = sp.Mul(3, *(sp.sin(k * X) for k in range(1, 14)))
    short = halved(product)
    assert short.has(times)
    assert multiplied(short) == product
    assert halved(sp.Mul(*(sp.sin(k * X) for k in range(1, 8)))).func is sp.Mul
    at = np.full((3, 1), 0.4)
    np.testing.assert_allclose(values(short, at), values(product, at), rtol=1e-13)


@pytest.mark.parametrize(
    ("loss", "names", "most"),
    [
        ("*".join(f"sin({k}*x)" for k in range(1, 61)), "x", 10_000),
        ("*".join(f"sin({k}*x{k % 6})" for k in range(1, 41)), " ".join(f"x{k}" for k in range(6)), 24_000),
        ("log(" + " + ".join(f"exp({k}*x - {k * k})" for k in range(36)) + ")", "x", 8_000),
    ],
)
def test_the_code_of_a_hessian_is_not_much_longer_than_the_loss(loss: str, names: str, most: int) -> None:
    """Written out by the rule for products it has k³ factors: 50 000 characters and half a minute for 60 sines."""
    landscape = Landscape(loss, names)
    block = landscape.symbolic.block("hessian", landscape)
    assert sum(len(code) for _, code in block.lines) < most


def test_a_long_product_has_the_right_hessian() -> None:
    landscape = Landscape("*".join(f"sin({k}*x + {k})" for k in range(1, 61)), "x")
    at, k = np.array([[0.3], [-1.1]]), np.arange(1, 61)
    inner = k * at + k
    first, second = (k / np.tan(inner)).sum(axis=1), (-(k**2) / np.sin(inner) ** 2).sum(axis=1)
    exact = np.sin(inner).prod(axis=1) * (first**2 + second)
    np.testing.assert_allclose(landscape.hessian(at)[:, 0, 0], exact, rtol=1e-9)


@pytest.mark.parametrize("loss", ["sin(1e200*x)", "exp(1e200*x)", "cosh(1e200*x)*1e200", "sin(1e160*x)*x**3"])
def test_derivatives_beyond_double_precision_name_the_loss(loss: str) -> None:
    with pytest.raises(ValueError, match=r"loss: the derivatives of .* beyond double precision"):
        Landscape(loss, "x").hessian([0.0])


def test_derivatives_of_the_noise_beyond_double_precision() -> None:
    noisy = Landscape("x**2/2", "x", noise_factor=[["2 + sin(1e200*x)"]])
    with pytest.raises(ValueError, match=r"loss or noise, or one of their derivatives.*beyond double precision"):
        integrate(noisy, 0.0, 1.0, 2, 2, scheme="weak_taylor_2", engine="numpy")
