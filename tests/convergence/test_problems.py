"""The reference problems are what they are called: their equations, kinds of noise and solutions."""

import math

import numpy as np
import pytest
import sympy as sp
from tables import every

from sgdsde.convergence.problems import PROBLEMS, Problem, of_kind
from sgdsde.landscapes import Landscape
from sgdsde.landscapes.cholesky import MendedRoot, RatioOrZero
from sgdsde.statistics import sigmas_for

SOLVED = [name for name, problem in PROBLEMS.items() if problem.solution]
POINTS = np.random.default_rng(0).uniform(-0.9, 0.9, (7, 2))

H, MINIMUM = np.array([[1.2, 0.4], [0.4, 0.7]]), np.array([0.5, -0.4])
COUPLED = np.array([[1.2, 0.3], [0.3, 0.7]])
TILTED, KICK = np.array([[2.0, 0.5], [0.5, 0.8]]), np.array([[1.0, 0.0], [0.6, 0.5]])
CROSSED = np.array([[[0.6, 0.0], [0.0, 0.2]], [[0.0, 0.5], [0.5, 0.0]]])
SINGLE = np.array([[[0.8, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.6]]])
TIED = np.array([[[0.7, 0.0], [0.0, 0.7]], [[0.0, 0.5], [0.5, 0.0]]])
MIX = np.array([[0.7, -0.3, 0.4], [0.5, 0.6, 0.0]])


def regression_noise(w):
    """Covariance of (xᵀδ − η)x over Gaussian inputs x of covariance H and labels η of variance 0.3, by Isserlis."""
    slope = (w - MINIMUM) @ H
    square = np.einsum("ni,ni->n", slope, w - MINIMUM)
    return (0.3 + square)[:, None, None] * H + slope[:, :, None] * slope[:, None, :]


def fields(matrices):
    """Σ_j B_j ω (B_j ω)ᵀ."""
    return lambda w: sum(np.einsum("ni,nj->nij", w @ b.T, w @ b.T) for b in matrices)


def on_the_line(scale):
    return lambda w: (scale(w[:, 0]) ** 2)[:, None, None]


#: Itô drift, and covariance of the noise per time without the temperature.
EQUATIONS = {
    "ornstein_uhlenbeck": (lambda w: -1.5 * (w - 0.5), on_the_line(lambda x: math.sqrt(0.8) + 0 * x)),
    "correlated": (lambda w: -w @ TILTED, lambda w: np.broadcast_to(KICK @ KICK.T, (len(w), 2, 2))),
    "two_wells": (lambda w: -w + 1.5 * np.sin(1.5 * w), on_the_line(np.ones_like)),
    "geometric": (lambda w: -w, on_the_line(lambda x: 0.8 * x)),
    "geometric_pair": (lambda w: -w * [1.2, 0.6], fields([np.diag([0.7, 0.0]), np.diag([0.0, 0.9])])),
    "geometric_coupled": (lambda w: -w @ COUPLED, fields(SINGLE)),
    "tanh": (lambda w: (-0.8 - 0.25 * w) * (1 - w**2), on_the_line(lambda x: 0.5 * (1 - x**2))),
    "arctan": (
        lambda w: 1.5 * np.cos(w) ** 2 - 0.72 * np.sin(w) * np.cos(w) ** 3,
        on_the_line(lambda x: 1.2 * np.cos(x) ** 2),
    ),
    "sinh": (lambda w: 0.18 * w + 0.5 * np.sqrt(1 + w**2), on_the_line(lambda x: 0.6 * np.sqrt(1 + x**2))),
    "commuting_linear": (lambda w: -w @ [[1.0, 0.4], [0.4, 1.0]], fields(TIED)),
    "bent": (
        lambda w: np.stack(
            [
                -1.2 * np.cos(w[:, 0]) ** 2 - 0.5 * 0.74 * np.sin(w[:, 0]) * np.cos(w[:, 0]) ** 3,
                0.6 * np.sqrt(1 + w[:, 1] ** 2) + 0.25 * 0.61 * w[:, 1],
            ],
            axis=1,
        ),
        lambda w: np.einsum("ni,nj,ij->nij", bend(w), bend(w), MIX @ MIX.T),
    ),
    "crossed_linear": (lambda w: -w @ COUPLED, fields(CROSSED)),
    "regression": (lambda w: -(w - MINIMUM) @ H, regression_noise),
}
EQUATIONS |= {
    "ripples": (lambda w: -w - 1.02 * np.cos(1.7 * w), on_the_line(np.ones_like)),
    "crossed_linear_short": EQUATIONS["crossed_linear"],
    "regression_short": EQUATIONS["regression"],
    "langevin": EQUATIONS["correlated"],
    "langevin_two_wells": EQUATIONS["two_wells"],
    "langevin_regression": EQUATIONS["regression"],
}


def bend(w):
    return np.stack([np.cos(w[:, 0]) ** 2, np.sqrt(1 + w[:, 1] ** 2)], axis=1)


@every("name", PROBLEMS)
def test_landscapes_have_the_drift_and_the_noise(name):
    problem, (drift, covariance) = PROBLEMS[name], EQUATIONS[name]
    points = POINTS[:, : problem.landscape.dimension]
    np.testing.assert_allclose(-problem.landscape.gradient(points), drift(points), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(problem.landscape.noise_covariance(points), covariance(points), rtol=1e-12, atol=1e-14)
    assert problem.name == name
    assert problem.equation == ("momentum" if name.startswith("langevin") else "overdamped")


@pytest.mark.parametrize("name", PROBLEMS)
def test_noise_is_of_the_kind_and_of_no_more_special_one(name):
    symbolic = PROBLEMS[name].landscape.symbolic
    w = symbolic.state
    a = symbolic.noise_factor.replace(RatioOrZero, lambda above, root: above / root).replace(
        MendedRoot, lambda pivot, _: sp.sqrt(pivot)
    )
    values = dict(zip(w, (0.37, -0.61), strict=False)) | {
        sp.Symbol(key, real=True): value for key, value in PROBLEMS[name].landscape.scalars.items()
    }

    def zero(entries):
        return all(abs(float(sp.sympify(entry).subs(values))) < 1e-12 for entry in entries)

    diagonal = a.rows == a.cols and zero(a[i, j] for i in range(a.rows) for j in range(a.cols) if i != j)
    brackets = (
        a.col(i).jacobian(w) * a.col(j) - a.col(j).jacobian(w) * a.col(i) for i in range(a.cols) for j in range(i)
    )
    is_a = {
        "additive": zero(sp.diff(entry, x) for entry in a for x in w),
        "diagonal": diagonal and zero(sp.diff(a[i, i], w[j]) for i in range(a.rows) for j in range(a.rows) if i != j),
        "commutative": zero(entry for bracket in brackets for entry in bracket),
        "any": True,
    }
    assert next(kind for kind, holds in is_a.items() if holds) == PROBLEMS[name].kind
    told = Problem("mine", PROBLEMS[name].landscape, PROBLEMS[name].w0)
    assert told.kind == PROBLEMS[name].kind


def test_every_kind_has_problems():
    assert {kind: len(of_kind(kind)) for kind in ("additive", "diagonal", "commutative", "any")} == {
        "additive": 4, "diagonal": 6, "commutative": 2, "any": 4,
    }  # fmt: skip
    assert [problem.name for problem in of_kind("any", "momentum")] == ["langevin_regression"]
    assert len(of_kind("additive", "momentum")) == 2
    with pytest.raises(ValueError, match="kind must be one of additive, diagonal, commutative, any, got 'scalar'"):
        of_kind("scalar")
    with pytest.raises(ValueError, match="equation must be one of overdamped, momentum"):
        of_kind("any", "none")


@every("name", SOLVED)
def test_solutions_follow_the_noise(name):
    """∂ω/∂W_j = √T A_j(ω): for W alone the solution is the flow of the fields."""
    problem = PROBLEMS[name]
    k, step = problem.landscape.noise_dimension, 1e-5
    noise = np.random.default_rng(1).normal(size=(20, k))
    slopes = [(problem.solution(noise + e) - problem.solution(noise - e)) / (2 * step) for e in step * np.eye(k)]
    expected = math.sqrt(problem.temperature) * problem.landscape.noise_factor(problem.solution(noise))
    np.testing.assert_allclose(np.stack(slopes, axis=2), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", SOLVED)
def test_paths_converge_to_the_solutions(name):
    """Euler–Maruyama, strong order 1/2: 16 times as many steps, a quarter of the distance."""
    problem, paths, finest = PROBLEMS[name], 300, 1024
    k = problem.landscape.noise_dimension
    increments = np.random.default_rng(2).normal(size=(finest, paths, k)) * math.sqrt(problem.time / finest)
    exact = problem.solution(increments.sum(axis=0))
    distance = {}
    for steps in (finest // 16, finest):
        end = euler(problem, increments.reshape(steps, finest // steps, paths, k).sum(axis=1))
        distance[steps] = np.median(np.linalg.norm(end - exact, axis=1))
    assert distance[finest] < 0.02
    assert 2.7 < distance[finest // 16] / distance[finest] < 6


def euler(problem, increments):
    """ω at the end, the momentum last moved."""
    dt = problem.time / len(increments)
    w = np.tile(problem.w0, (increments.shape[1], 1))
    p, friction = np.zeros_like(w), problem.friction
    for dw in increments:
        kick = math.sqrt(problem.temperature) * np.einsum("nik,nk->ni", problem.landscape.noise_factor(w), dw)
        force = -problem.landscape.gradient(w)
        if problem.equation == "overdamped":
            w = w + force * dt + kick
        else:
            w, p = w + p * dt, p + (force - friction * p) * dt + math.sqrt(friction) * kick
    return w


def test_expectations_are_met_by_simulation():
    """Extrapolated Euler–Maruyama, 2 E_{Δ/2} − E_Δ at Δ = 1/16, on 8 000 paths; the whole chain, to a few percent."""
    rng, paths, z = np.random.default_rng(3), 8000, {}
    for problem in PROBLEMS.values():
        k = problem.landscape.noise_dimension
        fine = rng.normal(size=(32, paths, k)) * math.sqrt(problem.time / 32)
        ends = [euler(problem, fine), euler(problem, fine.reshape(16, 2, paths, k).sum(axis=1))]
        for expectation in problem.expectations:
            halved, whole = (expectation.function(end) for end in ends)
            sample = 2 * halved - whole
            error = sample.std() / math.sqrt(paths)
            z[problem.name, expectation.name] = (sample.mean() - expectation.exact) / error
    assert max(map(abs, z.values())) < sigmas_for(len(z), 0.001), z


def test_bad_input_is_refused_by_name():
    bowl = Landscape("x**2/2", "x")
    with pytest.raises(ValueError, match="equation must be one of overdamped, momentum, got 'heat'"):
        Problem("mine", bowl, 0.0, equation="heat")
    with pytest.raises(ValueError, match="kind must be one of additive, diagonal, commutative, any, got 'scalar'"):
        Problem("mine", bowl, 0.0, kind="scalar")
    with pytest.raises(ValueError, match=r"w0 must have shape \(1,\), got \(2, 1\)"):
        Problem("mine", bowl, [[0.0], [1.0]])
