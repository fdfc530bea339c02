"""The error of the SDE in the place of SGD, by routes that share nothing with the estimator."""

import itertools
import math

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.convergence.approximation import MODIFIED, SDE, Equation, approximation_errors, approximation_orders
from sgdsde.convergence.kolmogorov import on_a_line
from sgdsde.convergence.spectral import Grid, backward
from sgdsde.whitened import whitened_examples

EQUATIONS = {
    "SDE": SDE,
    "modified": MODIFIED,
    "wrong sign": Equation(correction=-1.0),
    "wrong c": Equation(correction=1.0, noise=0.9),
}
BOWL, QUARTIC = sg.Landscape("x**2/2", "x"), sg.Landscape("x**4/4 + x**2/2", "x", noise_covariance="1 + x**2/2")
LINE = Grid(((-1.7, 1.8),), 28)
N, B = 6, 2
TABLE = whitened_examples("gaussian", N, 1, 3)
BATCHES = np.array([np.mean(batch) for batch in itertools.combinations(TABLE[:, 0], B)])


def wave(w):
    return np.sin(w[:, 0] + 0.5)


def at(grid, u, *w):
    return grid.values(u, np.array([w]))[0]


def exactly_of_sgd(landscape, rate, updates, start, function, points):
    """E φ(ω_K) by carrying φ back through SGD's own transitions, interpolated on a grid: nothing is sampled."""
    grid = Grid(((-2.0, 2.0),), points)
    w = grid.nodes
    ahead = w - rate * (landscape.gradient(w) + landscape.noise_factor(w)[:, :, 0] * BATCHES)
    values = np.mean([function(to[:, None]) for to in ahead.T], axis=0)
    for _ in range(updates - 1):
        known = grid.coefficients(values)
        values = np.mean([grid.values(known, to[:, None]) for to in ahead.T], axis=0)
    return float(at(grid, grid.coefficients(values), start))


@pytest.mark.parametrize("degree", [1, 2, 5])
def test_the_grid_knows_polynomials(degree):
    grid, w = Grid(((-1.0, 2.0), (0.0, 3.0)), 8), np.random.default_rng(0).uniform(0, 2, (20, 2))
    values = grid.nodes[:, 0] ** degree * grid.nodes[:, 1]
    np.testing.assert_allclose(grid.values(grid.coefficients(values), w), w[:, 0] ** degree * w[:, 1], atol=1e-11)
    slope = degree * grid.nodes[:, 0] ** (degree - 1) * grid.nodes[:, 1]
    np.testing.assert_allclose(grid.slopes[0] @ values, slope, atol=1e-10)
    np.testing.assert_allclose(grid.slopes[1] @ values, grid.nodes[:, 0] ** degree, atol=1e-10)


def test_ornstein_uhlenbeck_is_solved_to_rounding_at_all_times():
    h, temperature, step = 0.8, 0.1, 0.25
    landscape, grid = sg.Landscape("h*x**2/2", "x", {"h": h}, noise_covariance=2), Grid(((-1.5, 2.0),), 24)
    u = at(grid, backward(landscape, temperature, step, 4, wave, grid), 1.1)
    left = step * np.arange(4, -1, -1)
    variance = temperature * 2 * -np.expm1(-2 * h * left) / (2 * h)
    np.testing.assert_allclose(u, np.exp(-variance / 2) * np.sin(1.1 * np.exp(-h * left) + 0.5), rtol=1e-12)


def test_two_coupled_variables_are_solved_to_rounding():
    """E sin(a·ω) of a Gaussian process from its mean and covariance."""
    hessian, noise, along = (
        np.array([[1.2, 0.4], [0.4, 0.7]]),
        np.array([[1.0, 0.3], [0.3, 0.5]]),
        np.array([1.0, -0.7]),
    )
    landscape = sg.Landscape("0.6*x**2 + 0.4*x*y + 0.35*y**2", "x y", noise_covariance=noise.tolist())
    grid, start = Grid(((-1.6, 1.6), (-1.6, 1.6)), 14), np.array([0.8, -0.5])
    u = backward(landscape, 0.1, 0.5, 2, lambda w: np.sin(w @ along), grid)
    rates, axes = np.linalg.eigh(hessian)
    turned = axes.T @ noise @ axes
    total = np.add.outer(rates, rates)
    covariance = axes @ (0.1 * turned * -np.expm1(-total) / total) @ axes.T
    mean = axes @ (np.exp(-rates) * (axes.T @ start))
    expected = math.exp(-along @ covariance @ along / 2) * math.sin(along @ mean)
    assert at(grid, u, *start)[0] == pytest.approx(expected, abs=2e-8)


def test_it_agrees_with_sinc_collocation_where_the_drift_is_not_linear():
    landscape = sg.Landscape("x**4/4 + x**2/2", "x")
    expected = on_a_line(landscape, 0.7, temperature=0.4, time=1.0, reach=5.0)(wave)
    grid = Grid(((-2.6, 2.6),), 48)
    u = backward(landscape, 0.4, 0.25, 4, wave, grid)
    assert at(grid, u, 0.7)[0] == pytest.approx(expected, abs=1e-8)
    assert 0 < grid.tail(u[:, 0]) < 1e-7


def test_noise_that_depends_on_the_place_is_read_in_the_sense_of_ito():
    config = sg.SGDConfig(0.1, B, N)
    u = backward(QUARTIC, 10 * config.temperature, 0.1, 10, wave, Grid(((-3.0, 3.0),), 64))
    run = sg.integrate(QUARTIC, 1.0, 1.0, 50, 40_000, scheme="weak_taylor_2", temperature=10 * config.temperature)
    sampled = wave(run.final)
    found = at(Grid(((-3.0, 3.0),), 64), u, 1.0)[0]
    assert abs(found - sampled.mean()) < 4 * sampled.std() / 200 + 1e-4
    wrong = backward(QUARTIC, 5 * config.temperature, 0.1, 10, wave, Grid(((-3.0, 3.0),), 64))
    assert abs(at(Grid(((-3.0, 3.0),), 64), wrong, 1.0)[0] - sampled.mean()) > 4 * sampled.std() / 200 + 1e-3


@pytest.mark.parametrize("updates", [8, 40])
def test_the_error_on_a_quadratic_is_that_of_the_closed_form(updates):
    rate = 1 / updates
    config = sg.SGDConfig(rate, B, N)
    found = approximation_errors(BOWL, config, 1.0, updates, wave, EQUATIONS, LINE, paths=300, seed=1, examples=TABLE)
    shrink = (1 - rate) ** np.arange(updates + 1)
    spread = np.exp(-1j * rate * shrink[:-1, None] * BATCHES).mean(axis=1).prod()
    of_sgd = (np.exp(1j * (shrink[-1] + 0.5)) * spread).imag
    for name, equation in EQUATIONS.items():
        h = 1 + equation.correction * rate / 2
        variance = equation.noise * config.temperature * -math.expm1(-2 * h) / (2 * h)
        expectation = math.exp(-variance / 2) * math.sin(math.exp(-h) + 0.5)
        assert found[name].expectation == pytest.approx(expectation, abs=1e-12)
        assert abs(found[name].error - (of_sgd - expectation)) < 4.5 * found[name].standard_error
        assert found[name].standard_error < 0.02 * abs(found["SDE"].error)
    assert found["modified"].standard_error < 0.02 * abs(found["modified"].error)
    assert abs(found["modified"].error) < abs(found["SDE"].error) / 5


def test_linear_phi_on_a_quadratic_leaves_only_the_mean():
    found = approximation_errors(BOWL, sg.SGDConfig(0.1, 1, 5), 1.0, 10, "x", {"SDE": SDE}, LINE, paths=400, seed=2)
    assert abs(found["SDE"].error - (0.9**10 - math.exp(-1))) < 4.5 * found["SDE"].standard_error


def test_the_error_on_a_quartic_is_that_of_the_transition_operator():
    updates, rate = 16, 1 / 16
    config = sg.SGDConfig(rate, B, N)
    found = approximation_errors(QUARTIC, config, 1.0, updates, wave, EQUATIONS, LINE, paths=2000, examples=TABLE)
    exact, coarser = (exactly_of_sgd(QUARTIC, rate, updates, 1.0, wave, points) for points in (60, 50))
    assert exact == pytest.approx(coarser, abs=1e-9)
    for point in found.values():
        assert abs(point.expectation + point.error - exact) < 4.5 * point.standard_error
    modified = found["modified"]
    for wrong in ("SDE", "wrong sign", "wrong c"):
        assert abs(found[wrong].expectation + modified.error - exact) > 10 * modified.standard_error


def test_orders_of_the_equations_and_of_wrong_ones():
    found = approximation_orders(
        QUARTIC, 1.0, (8, 12, 18, 27, 40, 60), 1.0, "sin(x + 1/2)", EQUATIONS, LINE,
        batch_size=B, n_examples=N, paths=400, examples=TABLE,
    )  # fmt: skip
    assert found["SDE"].slope == pytest.approx(1.0, abs=0.1)
    assert found["modified"].slope == pytest.approx(2.0, abs=0.2)
    for wrong in ("wrong sign", "wrong c"):
        assert found[wrong].interval[1] < 1.8
    assert found["modified"].used.all()


def test_the_variance_reduction_keeps_the_relative_error():
    """An estimate from the spread of φ alone would have a relative error that grows as ε⁻²."""
    relative = []
    for updates in (8, 32):
        config = sg.SGDConfig(1 / updates, B, N)
        found = approximation_errors(QUARTIC, config, 1.0, updates, wave, {"m": MODIFIED}, LINE, paths=300)["m"]
        relative.append(found.standard_error / abs(found.error))
    assert relative[1] < 1.2 * relative[0] < 0.05


@pytest.mark.parametrize(("sampling", "size"), [("with_replacement", 2), ("without_replacement", 1)])
def test_other_batches_are_gone_through_with_their_own_odds(sampling, size):
    config = sg.SGDConfig(0.125, size, N, sampling=sampling)
    found = approximation_errors(BOWL, config, 1.0, 8, "x**2", {"SDE": SDE}, LINE, paths=400, examples=TABLE)["SDE"]
    shrink = (1 - 0.125) ** np.arange(9)
    second = shrink[-1] ** 2 + 0.125**2 * config.batch_noise * (shrink[:-1] ** 2).sum()
    of_sde = math.exp(-2) - config.temperature * math.expm1(-2) / 2
    assert abs(found.error - (second - of_sde)) < 4.5 * found.standard_error


@every(
    ("changes", "message"),
    [
        ({"config": sg.SGDConfig(0.1, B, N, momentum=0.5)}, "config must have momentum = 0 here, got 0.5"),
        ({"config": sg.SGDConfig(0.1, B, N, sampling="reshuffle")}, "config must have independent batches here"),
        (
            {"config": sg.SGDConfig(0.1, 20, 40)},
            "config must have at most 5000 batches to go through, got 137846528820",
        ),
        ({"paths": 1}, "paths must be"),
        ({"w0": [[1.0], [2.0]]}, r"w0 must be one point, of shape \(1,\), got shape \(2, 1\)"),
        ({"grid": Grid(((0.5, 1.1),), 12)}, r"grid must have a box that holds \[\["),
    ],
)
def test_what_is_refused(changes, message):
    asked = {"config": sg.SGDConfig(0.1, B, N), "w0": 1.0, "grid": LINE, "paths": 50} | changes
    with pytest.raises(ValueError, match=message):
        approximation_errors(BOWL, updates=10, observable="x", equations={"SDE": SDE}, **asked)


@pytest.mark.parametrize(("box", "points"), [(((1.0, 0.0),), 8), (((0.0, math.inf),), 8), (((0.0, 1.0),) * 2, 60)])
def test_grids_that_are_none(box, points):
    with pytest.raises(ValueError, match=r"box must be|points must be"):
        Grid(box, points)
