"""Weak schemes: formulas written out, and E φ summed over every branch of their noise."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp

from sgdsde import Landscape, schemes
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.convergence.orders import weak_order
from sgdsde.convergence.problems import PROBLEMS

LINE = Landscape("x**2/2 + x**3/4", "x", noise_factor=[["1 + x/2 + x**2/4"]])
LOSS = "x**2/2 + x*y/3 + y**2 + x**3/9 + y**4/12 + x**2*y/5"
PLANE = Landscape(LOSS, "x y", noise_factor=[["1 + x**2/4 + y/3", "x*y/2 - 0.4"], ["0.3*x - y", "0.8 + y**2/3 + x/2"]])
WIDE = Landscape(
    LOSS, "x y", noise_factor=[["1 + x/4 + y/3", "x/2 - 0.4", "y/3"], ["0.3*x - y", "0.8 + y/3", "0.5 + x/4"]]
)
CONSTANT = Landscape(LOSS, "x y", noise_factor=[["1.0", "0.3"], ["0.4", "0.7"]])
START, T, H = np.array([0.3, -0.4]), 0.7, 0.08
THREE, SIGNS = np.sqrt([3.0, 0.0, 3.0]) * [1, 0, -1], np.array([-1.0, 1.0, -1.0])


def step(name, landscape, noise, w=START, dt=H, temperature=T):
    """(d, …) after one step from w; `noise` is (numbers, …)."""
    program = schemes.build(schemes.declarations()[name], landscape)
    constants = program.constants(landscape, {"dt": dt, "temperature": temperature})
    return np.array(program.block.function(NUMPY_FUNCTIONS)(*constants, *w[: landscape.dimension], *noise))


def integrals(three, signs):
    """ΔŴ and ½(ΔŴ ΔŴᵀ + V), V_jl = −Δ·sign for j < l (Kloeden & Platen 1992, chapter 14)."""
    k = len(three)
    v = np.zeros((k, k))
    v[np.triu_indices(k, 1)] = -H * signs
    v += -v.T - H * np.eye(k)
    return np.sqrt(H) * three, (H * np.outer(three, three) + v) / 2


@pytest.mark.parametrize("signs", [[1.0, -1.0], [-1.0, -1.0]])
def test_weak_euler_is_its_formula(signs) -> None:
    expected = START - H * PLANE.gradient(START) + np.sqrt(T * H) * PLANE.noise_factor(START) @ signs
    np.testing.assert_allclose(step("weak_euler", PLANE, signs), expected, rtol=1e-14)


@pytest.mark.parametrize("three", THREE)
def test_weak_taylor_2_on_a_line(three) -> None:
    x, noise = START[0], np.sqrt(H) * three
    a, a1, a2 = -x - 0.75 * x**2, -1 - 1.5 * x, -1.5
    b, b1, b2 = np.sqrt(T) * np.array([1 + x / 2 + x**2 / 4, 0.5 + x / 2, 0.5])
    expected = x + a * H + b * noise + (a * a1 + b**2 * a2 / 2) * H**2 / 2
    expected += (a * b1 + b**2 * b2 / 2 + b * a1) * noise * H / 2 + b * b1 * (noise**2 - H) / 2
    np.testing.assert_allclose(step("weak_taylor_2", LINE, [three]), [expected], rtol=1e-14)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_weak_taylor_2_of_linear_fields_that_do_not_commute(sign) -> None:
    """A = −H, B_j matrices: L^j b_l = B_l B_j ω, j the inner one."""
    linear = Landscape("0.6*x**2 + 0.35*y**2 + 0.3*x*y", "x y", noise_factor=[["0.6*x", "0.5*y"], ["0.2*y", "0.5*x"]])
    a = -np.array([[1.2, 0.3], [0.3, 0.7]])
    b = np.sqrt(T) * np.array([[[0.6, 0.0], [0.0, 0.2]], [[0.0, 0.5], [0.5, 0.0]]])
    noise, pairs = integrals(np.array([np.sqrt(3), -np.sqrt(3)]), np.array([sign]))
    matrix = np.eye(2) + a * H + a @ a * H**2 / 2
    for j in range(2):
        matrix += b[j] * noise[j] + (b[j] @ a + a @ b[j]) * noise[j] * H / 2
        for other in range(2):
            matrix += b[other] @ b[j] * pairs[j, other]
    found = step("weak_taylor_2", linear, [np.sqrt(3), -np.sqrt(3), sign])
    np.testing.assert_allclose(found, matrix @ START, rtol=1e-13)


@pytest.mark.parametrize("three", [THREE, THREE[::-1], THREE[[0, 0, 2]]])
def test_ri5_is_its_stages(three) -> None:
    noise, pairs = integrals(three, SIGNS)
    w, root = START, np.sqrt(H)

    def a(at):
        return -WIDE.gradient(at)

    def b(at):
        return np.sqrt(T) * WIDE.noise_factor(at)

    b0 = b(w)
    a2 = a(w + a(w) * H + b0 @ noise / 3)
    a3 = a(w + (25 * a(w) + 35 * a2) * H / 144 - 5 / 6 * b0 @ noise)
    expected = w + (a(w) / 10 + 3 / 14 * a2 + 24 / 35 * a3) * H
    for j in range(3):
        across = sum(b0[:, other] * pairs[other, j] / root for other in range(3) if other != j)
        above, below = (b(w + a(w) * H / 4 + s * b0[:, j] * root / 2)[:, j] for s in (1, -1))
        left, right = (b(w + s * across)[:, j] for s in (1, -1))
        expected = expected + (b0[:, j] - above - below) * noise[j] + (above - below) * pairs[j, j] / root
        expected = expected + (b0[:, j] / 2 - left / 4 - right / 4) * noise[j] + (left - right) * root / 2
    np.testing.assert_allclose(step("ri5", WIDE, [*three, *SIGNS]), expected, rtol=1e-13)


def test_without_noise() -> None:
    """Taylor's polynomial of e^{−Δ}: to second degree, and to third by RI5's drift stages."""
    bowl = Landscape("x**2/2", "x")
    second = 1 - H + H**2 / 2
    for name, expected in (("weak_euler", 1 - H), ("weak_taylor_2", second), ("ri5", second - H**3 / 6)):
        assert step(name, bowl, [1.0], w=np.ones(1), temperature=0.0)[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("landscape", "k"), [(LINE, 1), (PLANE, 2), (WIDE, 3)])
def test_numbers_drawn(landscape, k) -> None:
    mixed = {"three": k} | ({"sign": k * (k - 1) // 2} if k > 1 else {})
    for name, draws in (("weak_euler", {"two": k}), ("weak_taylor_2", mixed), ("ri5", mixed)):
        assert schemes.build(schemes.declarations()[name], landscape).draws == draws


def branches(draws):
    """Every value of a step's noise, (numbers, branches), and the odds."""
    rules = {"two": ([-1, 1], [1, 1]), "sign": ([-1, 1], [1, 1]), "three": (np.sqrt(3) * np.arange(-1, 2), [1, 4, 1])}
    each = [rules[name] for name, numbers in draws.items() for _ in range(numbers)]
    odds = np.prod(list(itertools.product(*(rule[1] for rule in each))), axis=1, dtype=float)
    return np.array(list(itertools.product(*(rule[0] for rule in each)))).T, odds / odds.sum()


def expansion(landscape, phi):
    """φ, Lφ, L²φ at the start, with L = −∇L·∂ + ½T A Aᵀ:∂∂."""
    state = list(landscape.symbolic.state)
    drift, factor, found = -landscape.symbolic.gradient, landscape.symbolic.noise_factor, [phi]
    square = sp.Rational(str(T)) * factor * factor.T
    for _ in range(2):
        slope = [sp.diff(found[-1], x) for x in state]
        bend = sum(square[i, j] * sp.diff(slope[i], x) for i in range(len(state)) for j, x in enumerate(state))
        found.append(sum(a * s for a, s in zip(drift, slope, strict=True)) + bend / 2)
    return [float(value.subs(dict(zip(state, START, strict=False)))) for value in found]


X, Y = sp.symbols("w0 w1", real=True)


@pytest.mark.parametrize("scheme", ["weak_euler", "weak_taylor_2", "ri5"])
@pytest.mark.parametrize("landscape", [LINE, PLANE, WIDE, CONSTANT])
def test_local_weak_order(scheme, landscape) -> None:
    """E φ after a step is Σ_{n≤p} Δⁿ Lⁿφ/n! + O(Δ^{p+1}), and not closer than that for every φ."""
    order = int(schemes.declarations()[scheme].weak["any"])
    noise, odds = branches(schemes.build(schemes.declarations()[scheme], landscape).draws)
    found = []
    for phi in (
        (X, X**2, X**3 - X) if landscape.dimension == 1 else (X, Y**2 - X, X * Y, X**3 + X * Y**2, X**4 - X * Y**3)
    ):
        values = sp.lambdify((X, Y)[: landscape.dimension], phi)
        terms = expansion(landscape, phi)[: order + 1]
        sizes = 2.0 ** -np.arange(7, 10)
        errors = [
            values(*step(scheme, landscape, noise, dt=dt)) @ odds
            - sum(dt**n / math.factorial(n) * term for n, term in enumerate(terms))
            for dt in sizes
        ]
        if max(map(abs, errors)) > 1e-13:  # φ = ω_i is matched to all digits by Taylor schemes
            found.append(math.log2(abs(errors[-2] / errors[-1])))
    assert min(found) > order + 0.85
    assert min(found) < order + 1.15


@pytest.mark.parametrize("scheme", ["weak_euler", "weak_taylor_2", "ri5"])
@pytest.mark.parametrize(("problem", "observable"), [("geometric", "x**2 + x"), ("tanh", "sin(x)")])
def test_weak_order_of_whole_paths(scheme, problem, observable) -> None:
    given = next(e for e in PROBLEMS[problem].expectations if e.name == observable)
    found = weak_order(PROBLEMS[problem], scheme, observable, given.exact, steps=(8, 10, 12))
    assert found.slope == pytest.approx(schemes.declarations()[scheme].order("weak", "any"), abs=0.2)
