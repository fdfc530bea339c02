"""The laboratory's other rooms: no noise, long times, extrapolation, multilevel, and words for what does not fit."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from tables import every

from sgdsde import Landscape, convergence
from sgdsde.convergence import PROBLEMS, Problem

BOWL = PROBLEMS["ornstein_uhlenbeck"]
QUARTIC = Problem("quartic", Landscape("x**4/4", "x"), 0.5, temperature=1.0)
ORDERS = pytest.mark.slow("orders from hundreds of thousands of paths")


@pytest.mark.parametrize(
    ("scheme", "order"), [("euler_maruyama", 1), ("heun", 2), ("taylor_15", 2), ("implicit_euler", 1), ("sra3", 3)]
)
def test_order_without_noise(scheme: str, order: int) -> None:
    problem = PROBLEMS["two_wells"]
    found = convergence.deterministic_order(problem, scheme, steps=(8, 16, 32, 64), next_power=1.0)
    assert found.slope == pytest.approx(order, abs=0.1)


@ORDERS
def test_leimkuhler_matthews_is_second_order_for_the_invariant_law_and_euler_first() -> None:
    weights = [quad(lambda x, n=n: x**n * math.exp(-(x**4) / 2), -6, 6, epsabs=1e-13)[0] for n in (0, 2)]
    exact = weights[1] / weights[0]
    for scheme, order, sizes, paths in (
        ("euler_maruyama", 1.0, (0.1, 0.07, 0.05, 0.035), 16_384),
        ("leimkuhler_matthews", 2.0, (0.25, 0.21, 0.17, 0.13), 65_536),
    ):
        found = convergence.invariant_order(
            QUARTIC, scheme, exact, sizes, relaxation=8.0, length=400.0, paths=paths, seed=1
        )
        assert found.used.all(), str(found)
        assert abs(found.slope - order) < 4 * found.standard_error
        assert found.standard_error < 0.2


@ORDERS
def test_extrapolated_euler_is_of_weak_order_two() -> None:
    problem = PROBLEMS["sinh"]
    phi = problem.expectations[0]
    order = convergence.weak_order(
        problem, "euler_maruyama", phi.function, steps=(4, 6, 8, 12, 16), paths=400_000, extrapolate=True
    )
    assert order.slope - 2 < 0.5
    assert order.slope - 4 * order.standard_error > 1.2
    plain = convergence.weak_order(problem, "euler_maruyama", phi.function, steps=(4, 6, 8, 12, 16), paths=20_000)
    assert abs(plain.slope - 1) < 0.2


def test_extrapolated_expectation() -> None:
    exact = 2.0 * math.exp(-1.5) + 0.5 * (1 - math.exp(-1.5))
    assert BOWL.expectations[0].route(lambda w: w[:, 0]) == pytest.approx(exact)
    found = convergence.extrapolated(BOWL, "euler_maruyama", "x", steps=4, paths=20_000, engine="numpy")
    assert abs(found.value - exact) < 0.02 + 4 * found.standard_error
    plain = 0.5 + 1.5 * (1 - 1.5 / 4) ** 4
    assert abs(plain - exact) > 0.1 > 5 * found.standard_error


def test_extrapolation_needs_an_order() -> None:
    with pytest.raises(ValueError, match="scheme 'exact_ou' declares no finite weak order to extrapolate from"):
        convergence.extrapolated(BOWL, "exact_ou", "x", steps=4, paths=10)


@ORDERS
def test_multilevel_expectation_meets_its_tolerance_for_less() -> None:
    problem = PROBLEMS["sinh"]
    phi = problem.expectations[0]
    tolerance = 0.06
    found = [
        convergence.multilevel_expectation(
            problem, phi.function, tolerance, scheme="euler_maruyama", seed=s, engine="numpy"
        )
        for s in range(8)
    ]
    errors = np.array([run.value - phi.exact for run in found])
    assert np.sqrt((errors**2).mean()) < 1.7 * tolerance  # χ² of 8 at 4σ
    assert all(run.converged for run in found)
    assert all(run.cost < run.cost_of_plain / 3 for run in found)
    assert {"level", "steps", "paths"} <= set(found[0].to_xarray().variables)


@every(
    ("call", "message"),
    [
        (
            lambda: convergence.strong_order(BOWL, "weak_euler"),
            "scheme 'weak_euler' approximates no path: it draws two",
        ),
        (lambda: convergence.weak_order(BOWL, "weak_euler", "x"), "exact must be given for scheme 'weak_euler'"),
        (lambda: convergence.weak_order(BOWL, "weak_euler", "x", 0.0, steps=(40,)), "steps must be few enough"),
        (lambda: convergence.strong_order(BOWL, "runge"), "scheme must be one of .*euler_maruyama"),
        (lambda: convergence.strong_order(PROBLEMS["regression"], "sriw1"), "scheme 'sriw1' needs diagonal noise"),
    ],
)
def test_what_does_not_fit(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
