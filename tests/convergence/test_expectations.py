"""Exact expectations of the reference problems, each by a second route that shares nothing with the first."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from tables import every

from sgdsde.convergence.exact import by_gaussian, by_moments
from sgdsde.convergence.kolmogorov import on_a_line
from sgdsde.convergence.problems import PROBLEMS, Expectation
from sgdsde.landscapes import Landscape

H, MINIMUM = np.array([[1.2, 0.4], [0.4, 0.7]]), np.array([0.5, -0.4])
COUPLED = np.array([[1.2, 0.3], [0.3, 0.7]])
TILTED, KICK = np.array([[2.0, 0.5], [0.5, 0.8]]), np.array([[1.0, 0.0], [0.6, 0.5]])
CROSSED = np.array([[[0.6, 0.0], [0.0, 0.2]], [[0.0, 0.5], [0.5, 0.0]]])
SINGLE = np.array([[[0.8, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.6]]])
TIED = np.array([[[0.7, 0.0], [0.0, 0.7]], [[0.0, 0.5], [0.5, 0.0]]])


def expected(name):
    """Exact values of a problem, by name of φ."""
    return {e.name: e.exact for e in PROBLEMS[name].expectations}


QUADRATICS = ["x**2 + x*y + y", "y**2 - x"]


def from_moments(mean, second):
    return [second[0, 0] + second[0, 1] + mean[1], second[1, 1] - mean[0]]


@pytest.mark.parametrize(("name", "nodes"), [("tanh", 200), ("arctan", 200), ("sinh", 300), ("bent", 64)])
def test_against_gauss_hermite(name, nodes):
    problem = PROBLEMS[name]
    k = problem.landscape.noise_dimension
    x, weight = np.polynomial.hermite_e.hermegauss(nodes)
    weight = weight / weight.sum()
    grid = np.stack(np.meshgrid(*[x] * k, indexing="ij"), axis=-1).reshape(-1, k)
    weights = np.prod(np.stack(np.meshgrid(*[weight] * k, indexing="ij")), axis=0).ravel()
    end = problem.solution(grid)
    for expectation in problem.expectations:
        assert weights @ expectation.function(end) == pytest.approx(expectation.exact, rel=1e-8)


def test_geometric_brownian_motions_are_lognormal():
    a, variance = 1.0, 0.8**2 * 0.8
    assert expected("geometric")["x**2 + x"] == pytest.approx(math.exp(variance - 2 * a) + math.exp(-a), rel=1e-12)
    a1, a2, s1, s2, y0 = 1.2, 0.6, 0.7 * 0.49, 0.7 * 0.81, math.exp(0.4)
    moments = [
        math.exp(s1 - 2 * a1) + y0 * math.exp(-a1 - a2) + y0 * math.exp(-a2),
        y0**2 * math.exp(s2 - 2 * a2) - math.exp(-a1),
    ]
    assert [expected("geometric_pair")[key] for key in QUADRATICS] == pytest.approx(moments, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "drift", "matrices"),
    [
        ("geometric_coupled", COUPLED, SINGLE),
        ("crossed_linear", COUPLED, CROSSED),
        ("commuting_linear", np.array([[1.0, 0.4], [0.4, 1.0]]), TIED),
    ],
)
def test_linear_noise_has_linear_moments(name, drift, matrices):
    """d(ω ⊗ ω) = (−H ⊗ I − I ⊗ H + T Σ B ⊗ B)(ω ⊗ ω) ds on average."""
    problem, unit = PROBLEMS[name], np.eye(2)
    start = np.array(problem.w0)
    generator = (
        -np.kron(drift, unit) - np.kron(unit, drift) + problem.temperature * sum(np.kron(b, b) for b in matrices)
    )
    second = (expm(generator) @ np.kron(start, start)).reshape(2, 2)
    moments = from_moments(expm(-drift) @ start, second)
    assert [expected(name)[key] for key in QUADRATICS] == pytest.approx(moments, rel=1e-11)


@pytest.mark.parametrize("name", ["regression", "langevin_regression"])
def test_regression_moments_solve_their_equation(name):
    """M = E δδᵀ: Ṁ = −HM − MH + T(σ²H + HMH + tr(HM)H); with E δpᵀ and E ppᵀ where there is a momentum."""
    problem, t = PROBLEMS[name], 0.2
    start = np.array(problem.w0) - MINIMUM

    def noise(m):
        return t * ((0.3 + np.trace(H @ m)) * H + H @ m @ H)

    def overdamped(_, flat):
        mean, m = flat[:2], flat[2:].reshape(2, 2)
        return np.concatenate([-H @ mean, (-H @ m - m @ H + noise(m)).ravel()])

    def momentum(_, flat):
        mean, speed = flat[:2], flat[2:4]
        m, c, k = flat[4:].reshape(3, 2, 2)  # E δδᵀ, E δpᵀ, E ppᵀ; γ = 1
        changes = [c + c.T, k - c - m @ H, -2 * k - H @ c - c.T @ H + noise(m)]
        return np.concatenate([speed, -speed - H @ mean, *(change.ravel() for change in changes)])

    square = np.outer(start, start).ravel()
    begin = [*start, *square] if name == "regression" else [*start, 0, 0, *square, *np.zeros(8)]
    right = overdamped if name == "regression" else momentum
    end = solve_ivp(right, (0, 1), begin, rtol=1e-12, atol=1e-13, method="DOP853").y[:, -1]
    mean, m = end[:2], end[-4:] if name == "regression" else end[4:8]
    second = m.reshape(2, 2) + np.outer(mean, MINIMUM) + np.outer(MINIMUM, mean) + np.outer(MINIMUM, MINIMUM)
    moments = from_moments(mean + MINIMUM, second)
    assert [expected(name)[key] for key in QUADRATICS] == pytest.approx(moments, rel=1e-10)


def test_gaussian_laws():
    mean, variance = 0.5 + 1.5 * math.exp(-1.5), 0.9 * 0.8 / 3 * (1 - math.exp(-3))
    found = expected("ornstein_uhlenbeck")
    assert found["x**2 + x"] == pytest.approx(mean**2 + variance + mean, rel=1e-12)
    assert found["sin(x)"] == pytest.approx(math.exp(-variance / 2) * math.sin(mean), rel=1e-12)
    zero, unit = np.zeros((2, 2)), np.eye(2)
    kicks = np.block([[zero, zero], [zero, 1.5 * 0.5 * KICK @ KICK.T]])
    for name, drift, noise in (
        ("correlated", -TILTED, 0.5 * KICK @ KICK.T),
        ("langevin", np.block([[zero, unit], [-TILTED, -1.5 * unit]]), kicks),
    ):
        s, weights = np.polynomial.legendre.leggauss(40)  # Cov = ∫ e^{Bs} N e^{Bᵀs} ds
        parts = [
            w / 2 * expm(drift * (x + 1) / 2) @ noise @ expm(drift * (x + 1) / 2).T
            for x, w in zip(s, weights, strict=True)
        ]
        covariance = sum(parts)[:2, :2]
        mean = (expm(drift) @ np.pad([1.5, -1.0], (0, len(drift) - 2)))[:2]
        found = expected(name)
        assert [found[key] for key in QUADRATICS] == pytest.approx(
            from_moments(mean, covariance + np.outer(mean, mean)), rel=1e-11
        )
        along = np.array([1.0, 0.5])
        sine = math.exp(-along @ covariance @ along / 2) * math.sin(along @ mean)
        assert found["sin(x + y/2)"] == pytest.approx(sine, rel=1e-11)


def test_two_wells_by_transition_matrices():
    """Euler's Gaussian kernel on a grid, at steps 1/8 … 1/256 and extrapolated five times: no equation is solved."""
    x = np.arange(-200, 201) * 0.04 + 0.3
    for expectation in PROBLEMS["two_wells"].expectations:
        table = []
        for n in 2 ** np.arange(3, 9):
            mean, variance = x + (-x + 1.5 * np.sin(1.5 * x)) / n, 0.8 / n
            kernel = 0.04 * np.exp(-((x - mean[:, None]) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
            value = expectation.function(x[:, None])
            for _ in range(n):
                value = kernel @ value
            table.append(value[200])
        for order in range(1, 6):
            table = [(2**order * fine - coarse) / (2**order - 1) for coarse, fine in itertools.pairwise(table)]
        assert table[0] == pytest.approx(expectation.exact, abs=1e-8)


@pytest.mark.parametrize("friction", [None, 1.3])
def test_kolmogorov_equations(friction):
    """Solved for a parabola, where the law is known, and for two wells on another grid."""
    bowl, cosine = Landscape("h*(x - c)**2/2", "x", {"h": 1.5, "c": 0.5}, 0.8), lambda w: np.cos(w[:, 0]) + w[:, 0] ** 2
    known = by_gaussian(bowl, [1.2], 0.9, 0.7, friction)(cosine)
    assert on_a_line(bowl, 1.2, 0.9, 0.7, friction)(cosine) == pytest.approx(known, abs=1e-11)
    problem = PROBLEMS["two_wells" if friction is None else "langevin_two_wells"]
    other = on_a_line(problem.landscape, 0.3, 0.8, 1.0, friction, reach=7.0, points=80, modes=32)
    assert [other(e.function) for e in problem.expectations] == pytest.approx(
        [e.exact for e in problem.expectations], abs=1e-9
    )


@every("name", PROBLEMS)
def test_expectations_are_named_by_their_expressions(name):
    landscape = PROBLEMS[name].landscape
    points = np.random.default_rng(0).uniform(-1, 1, (7, landscape.dimension))
    for expectation in PROBLEMS[name].expectations:
        value = Landscape(expectation.name, landscape.variables).loss(points)
        np.testing.assert_allclose(expectation.function(points), value, rtol=1e-14)


def test_expectations_are_computed_once():
    calls = []
    expectation = Expectation("one", lambda w: w, lambda function: calls.append(1) or 1.0)
    assert (expectation.exact, expectation.exact, calls) == (1.0, 1.0, [1])


def test_equations_that_a_route_cannot_solve_are_refused():
    with pytest.raises(ValueError, match="polynomials of degree 2"):
        by_moments(Landscape("x**2/2", "x"), [0.0], 1.0, 1.0)(lambda w: np.sin(w[:, 0]))
    with pytest.raises(ValueError, match="polynomials of degree 2"):
        by_gaussian(Landscape("x**4", "x"), [0.0], 1.0, 1.0)(np.sin)
    with pytest.raises(ValueError, match="F must be constant"):
        by_gaussian(Landscape("x**2", "x", noise_covariance="1 + x**2"), [0.0], 1.0, 1.0)(np.sin)
