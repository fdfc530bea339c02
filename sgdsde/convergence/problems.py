"""Reference problems: SDEs of landscapes whose solutions or expectations are known, for every kind of noise.

Coefficients are such that at steps of 1/2 to 1/32 leading errors are large and the paths of explicit schemes finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import choice
from sgdsde.convergence.exact import Function, Route, along_noise, by_gaussian, by_moments
from sgdsde.convergence.kolmogorov import on_a_line
from sgdsde.convergence.problem import Expectation, Problem
from sgdsde.landscapes import Landscape
from sgdsde.schemes.registry import EQUATIONS, NOISE_KINDS

__all__ = ["PROBLEMS", "Expectation", "Problem", "of_kind"]

Array = NDArray[np.float64]

_POLYNOMIALS: Mapping[int, Mapping[str, Function]] = {
    1: {"x**2 + x": lambda w: w[:, 0] ** 2 + w[:, 0]},
    2: {
        "x**2 + x*y + y": lambda w: w[:, 0] ** 2 + w[:, 0] * w[:, 1] + w[:, 1],
        "y**2 - x": lambda w: w[:, 1] ** 2 - w[:, 0],
    },
}
_SINES: Mapping[int, Mapping[str, Function]] = {
    1: {"sin(x)": lambda w: np.sin(w[:, 0])},
    2: {"sin(x + y/2)": lambda w: np.sin(w[:, 0] + w[:, 1] / 2)},
}


def of_kind(kind: str, equation: str = "overdamped") -> tuple[Problem, ...]:
    """Problems whose noise is of this kind, and of no more special one.

    Raises
    ------
    ValueError
        For a word that is not a kind of noise or an equation.

    Examples
    --------
    >>> [problem.name for problem in of_kind("diagonal")]
    ['geometric', 'geometric_pair', 'geometric_coupled', 'tanh', 'arctan', 'sinh']
    """
    for name, word, known in (("kind", kind, NOISE_KINDS), ("equation", equation, EQUATIONS)):
        choice(name, word, known)
    return tuple(problem for problem in PROBLEMS.values() if (problem.kind, problem.equation) == (kind, equation))


def _problem(
    name: str, kind: str, landscape: Landscape, w0: Sequence[float], temperature: float, route: Route,
    functions: Mapping[str, Function], *, friction: float | None = None, solution: Function | None = None,
) -> Problem:  # fmt: skip
    return Problem(
        name, landscape, w0, temperature, equation="overdamped" if friction is None else "momentum",
        friction=1.0 if friction is None else friction, kind=kind, solution=solution,
        expectations=tuple(Expectation(text, function, route) for text, function in functions.items()),
    )  # fmt: skip


def _gaussian(
    name: str, landscape: Landscape, w0: Sequence[float], temperature: float, friction: float | None = None
) -> Problem:
    """Quadratic L and constant F."""
    d = landscape.dimension
    route = by_gaussian(landscape, w0, temperature, 1.0, friction)
    functions = {**_POLYNOMIALS[d], **_SINES[d]}
    return _problem(name, "additive", landscape, w0, temperature, route, functions, friction=friction)


def _wells(
    name: str, loss: str, numbers: Mapping[str, float], w0: float, friction: float | None = None
) -> Problem:  # fmt: skip
    """Nonlinear drift with a bounded slope."""
    landscape, functions = Landscape(loss, "x", numbers), {**_POLYNOMIALS[1], **_SINES[1]}
    route = on_a_line(landscape, w0, 0.8, 1.0, friction)
    return _problem(name, "additive", landscape, [w0], 0.8, route, functions, friction=friction)


def _closed(
    name: str, kind: str, landscape: Landscape, w0: Sequence[float], temperature: float,
    friction: float | None = None, time: float = 1.0,
) -> Problem:  # fmt: skip
    """Quadratic L, and F with entries of degree 2: the second moments close."""
    route = by_moments(landscape, w0, temperature, time, friction)
    functions = {**_POLYNOMIALS[landscape.dimension], "x": lambda w: w[:, 0]}
    problem = _problem(name, kind, landscape, w0, temperature, route, functions, friction=friction)
    return replace(problem, time=time)


def _solved(
    name: str, kind: str, landscape: Landscape, temperature: float, function: Callable[[Array], Array],
    begin: Sequence[float], mix: Sequence[Sequence[float]], rate: Sequence[float],
) -> Problem:  # fmt: skip
    """ω_s = f(V_s) with V_s = begin + rate s + √T mix W_s (Kloeden & Platen 1992, §4.4).

    For f component by component the SDE has A = f'(V) mix and the drift rate f' + ½T|row of mix|² f''.
    """

    def solution(noise: Array) -> Array:
        return function(np.asarray(begin) + np.asarray(rate) + math.sqrt(temperature) * noise @ np.transpose(mix))

    functions = {**_POLYNOMIALS[landscape.dimension], **_SINES[landscape.dimension]}
    start, route = function(np.array([begin]))[0], along_noise(solution, landscape.noise_dimension, 1.0)
    return _problem(name, kind, landscape, start, temperature, route, functions, solution=solution)


def _exponential(name: str, curvature: Sequence[float], noise: Sequence[float], temperature: float) -> Problem:
    """dx_i = −a_i x_i ds + √T b_i x_i dW_i."""
    names, d = "xy", len(noise)
    values = {f"a{i}": a for i, a in enumerate(curvature)} | {f"b{i}": b for i, b in enumerate(noise)}
    loss = " + ".join(f"a{i}*{names[i]}**2/2" for i in range(d))
    factor = [[f"b{i}*{names[i]}" if i == j else 0.0 for j in range(d)] for i in range(d)]
    rate = [-a - temperature * b**2 / 2 for a, b in zip(curvature, noise, strict=True)]
    landscape = Landscape(loss, list(names[:d]), values, noise_factor=factor)
    return _solved(name, "diagonal", landscape, temperature, np.exp, [0.0, 0.4][:d], np.diag(noise).tolist(), rate)


def _commuting() -> Problem:
    """B_1 = bI and B_2 = c(0 1; 1 0): in the basis (1, 1), (1, −1)/√2 two geometric Brownian motions."""
    h, g, b, c, t = 1.0, 0.4, 0.7, 0.5, 0.6
    landscape = Landscape(
        "h*(x**2 + y**2)/2 + g*x*y",
        "x y",
        {"h": h, "g": g, "b": b, "c": c},
        noise_factor=[["b*x", "c*y"], ["b*y", "c*x"]],
    )
    turn, damping = np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2), t * (b**2 + c**2) / 2
    return _solved(
        "commuting_linear", "commutative", landscape, t, lambda v: np.exp(v) @ turn, [0.5, -0.5], [[b, c], [b, -c]],
        [-h - g - damping, -h + g - damping],
    )  # fmt: skip


def _bent() -> Problem:
    """x = arctan, y = sinh of two correlated Brownian motions made of three."""
    t, mix, rate = 0.5, [[0.7, -0.3, 0.4], [0.5, 0.6, 0.0]], [-1.2, 0.6]
    p, q = (t * sum(s**2 for s in row) for row in mix)
    slopes = ["cos(x)**2", "sqrt(1 + y**2)"]
    factor = [[f"{s}*{slope}" for s in row] for row, slope in zip(mix, slopes, strict=True)]
    loss = "-p*cos(x)**4/4 - a*(x + sin(x)*cos(x))/2 - q*y**2/4 - c*(y*sqrt(1 + y**2) + log(y + sqrt(1 + y**2)))/2"
    landscape = Landscape(loss, "x y", {"p": p, "q": q, "a": rate[0], "c": rate[1]}, noise_factor=factor)
    return _solved(
        "bent", "commutative", landscape, t, lambda v: np.stack([np.arctan(v[:, 0]), np.sinh(v[:, 1])], axis=1),
        [0.7, 0.2], mix, rate,
    )  # fmt: skip


def _regression(name: str, temperature: float, friction: float | None = None, time: float = 1.0) -> Problem:
    """Linear regression on Gaussian inputs of covariance H, label variance s: F = (s + δᵀHδ)H + Hδ δᵀH, δ = ω − ω*."""
    h = {"a": 1.2, "b": 0.4, "c": 0.7, "s": 0.3, "u": 0.5, "v": -0.4}
    first, second = "(a*(x - u) + b*(y - v))", "(b*(x - u) + c*(y - v))"
    square = "(a*(x - u)**2 + 2*b*(x - u)*(y - v) + c*(y - v)**2)"
    corner = f"(s + {square})*b + {first}*{second}"
    covariance = [[f"(s + {square})*a + {first}**2", corner], [corner, f"(s + {square})*c + {second}**2"]]
    landscape = Landscape(f"{square}/2", "x y", h, covariance)
    return _closed(name, "any", landscape, [1.5, 0.8], temperature, friction, time)


def _all() -> tuple[Problem, ...]:
    wells = "x**2/2 + a*cos(b*x)", {"a": 1.0, "b": 1.5}, 0.3  # at ±1.33
    bowl = Landscape("h*(x - c)**2/2", "x", {"h": 1.5, "c": 0.5}, noise_covariance=0.8)
    tilted = Landscape(
        "x**2 + x*y/2 + 2*y**2/5", "x y", noise_factor=[[1.0, 0.0], [0.6, 0.5]]
    )  # F and H do not commute
    pair = {"a": 1.2, "b": 0.7, "c": 0.3}
    coupled = Landscape("(a*x**2 + b*y**2)/2 + c*x*y", "x y", pair, noise_factor=[["0.8*x", 0.0], [0.0, "0.6*y"]])
    crossed = Landscape(
        "(a*x**2 + b*y**2)/2 + c*x*y", "x y", pair, noise_factor=[["0.6*x", "0.5*y"], ["0.2*y", "0.5*x"]]
    )
    tanh = Landscape(
        "b**2*(x**2/2 - x**4/4) - a*(x - x**3/3)", "x", {"a": -0.8, "b": 0.5}, noise_factor=[["b*(1 - x**2)"]]
    )
    slopes = {"a": 1.5, "b": 1.2, "q": 0.5 * 1.2**2}
    arctan = Landscape("-q*cos(x)**4/4 - a*(x + sin(x)*cos(x))/2", "x", slopes, noise_factor=[["b*cos(x)**2"]])
    growth = "-(b**2*x**2/2 + a*(x*sqrt(1 + x**2) + log(x + sqrt(1 + x**2))))/2"
    sinh = Landscape(growth, "x", {"a": 0.5, "b": 0.6}, noise_factor=[["b*sqrt(1 + x**2)"]])
    return (
        _gaussian("ornstein_uhlenbeck", bowl, [2.0], 0.9),
        _gaussian("correlated", tilted, [1.5, -1.0], 0.5),
        _wells("two_wells", *wells),
        _wells("ripples", "x**2/2 + a*sin(b*x)", {"a": 0.6, "b": 1.7}, -0.5),
        _exponential("geometric", [1.0], [0.8], 0.8),
        _exponential("geometric_pair", [1.2, 0.6], [0.7, 0.9], 0.7),
        _closed("geometric_coupled", "diagonal", coupled, [1.0, 1.5], 0.8),
        _solved("tanh", "diagonal", tanh, 1.0, np.tanh, [0.4], [[0.5]], [-0.8]),
        _solved("arctan", "diagonal", arctan, 0.5, np.arctan, [-0.5], [[1.2]], [1.5]),
        _solved("sinh", "diagonal", sinh, 1.0, np.sinh, [0.5], [[0.6]], [0.5]),
        _commuting(),
        _bent(),
        _closed("crossed_linear", "any", crossed, [1.0, 1.5], 0.8),
        _closed("crossed_linear_short", "any", crossed, [1.0, 1.5], 0.8, time=0.25),
        _regression("regression", 0.2),
        _regression("regression_short", 0.2, time=0.25),
        _gaussian("langevin", tilted, [1.5, -1.0], 0.5, friction=1.5),
        _wells("langevin_two_wells", *wells, friction=1.3),
        _regression("langevin_regression", 0.2, friction=1.0),
    )


#: The problems by name.
PROBLEMS: Mapping[str, Problem] = MappingProxyType({problem.name: problem for problem in _all()})
