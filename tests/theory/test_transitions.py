"""Committors, reactive paths and quasi-stationary densities against quadratures, duality, and simulated paths."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov

from sgdsde import Landscape, integrate
from sgdsde.theory import FokkerPlanck, exit_time_moments, mean_exit_time, splitting_probability

WELL = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
#: Oblique noise that depends on the place: no detailed balance.
WELLS = Landscape(
    "x**4/4 - x**2/2 + y**2/2 + x*y/4",
    "x y",
    noise_covariance=[["1 + x**2/2", "0.3*y"], ["0.3*y", "1/2 + y**2/4 + x**2"]],
)
BOX = ((-2.4, 2.4), (-2.9, 2.9))
LEFT, RIGHT = -1.003, 0.97


@pytest.fixture(scope="module")
def line():
    equation = FokkerPlanck(WELL, 0.2, (-2.6, 2.6), 2500)
    return equation.reactive_transition(f"x < {LEFT}", f"x > {RIGHT}")


@pytest.fixture(scope="module")
def plane():
    equation = FokkerPlanck(WELLS, 0.2, BOX, (70, 85))
    return equation.reactive_transition("x < -0.8", "x > 0.8")


def test_committor_of_a_double_well_is_the_quadrature(line):
    x = np.linspace(-0.9, 0.9, 37)
    exact = splitting_probability(WELL, 0.2, x, LEFT, RIGHT)
    found = line.equation.interpolate(line.forward_committor, x[:, None])
    assert np.abs(found - exact).max() < 1e-6
    assert np.abs(splitting_probability(WELL, 0.22, x, LEFT, RIGHT) - exact).max() > 1e-2  # the negative control
    np.testing.assert_allclose(exact[18], splitting_probability(WELL, 0.2, 0.0, LEFT, RIGHT), rtol=1e-12)
    between = line.region < 0
    np.testing.assert_allclose((line.backward_committor + line.forward_committor)[between], 1, atol=1e-11)


def test_rate_and_density_of_reactive_paths_are_quadratures(line):
    """k = (T/2)/(∫ e^{−I}/F · ∫ e^I over the way), p q⁺q⁻."""

    def exponent(x):
        return quad(lambda y: 2 * (y**3 - y) / (1 + y**2 / 2) / 0.2, 0, x)[0]

    weight = quad(lambda x: np.exp(-exponent(x)) / (1 + x**2 / 2), -3, 3, limit=200)[0]
    way = quad(lambda x: np.exp(exponent(x)), LEFT, RIGHT)[0]
    assert line.reactive_rate == pytest.approx(0.1 / (weight * way), rel=1e-5)
    q = splitting_probability(WELL, 0.2, 0.25, LEFT, RIGHT)
    density = np.exp(-exponent(0.25)) / (1 + 0.25**2 / 2) / weight
    assert line.equation.interpolate(line.reactive_density, 0.25) == pytest.approx(density * q * (1 - q), rel=1e-5)
    inner = np.abs(line.equation.axes[0]) < 0.9
    np.testing.assert_allclose(line.reactive_current[0][inner], line.reactive_rate, rtol=1e-9)
    assert line.probability_reactive == pytest.approx(line.reactive_density.sum() * line.equation.grid.volume)


def test_times_from_well_to_well(line):
    """Of a cycle, τ(A → B) + τ(B → A) = 1/k, the mean exit times of §6."""
    there = mean_exit_time(WELL, 0.2, LEFT, right=RIGHT)
    back = mean_exit_time(WELL, 0.2, RIGHT, left=LEFT)
    assert 1 / line.reactive_rate == pytest.approx(there + back, rel=1e-5)
    assert line.probability_last_a / line.reactive_rate == pytest.approx(there, rel=1e-5)


def test_committor_in_the_plane_is_that_of_paths(plane):
    starts = np.repeat([[0.0, 0.0], [-0.4, 0.6], [0.3, -0.8]], 1000, axis=0)
    run = integrate(
        WELLS, starts, 20.0, 4000, len(starts), temperature=0.2,
        stop={"A": "x < -0.8", "B": "x > 0.8"}, seed=4,
    )  # fmt: skip
    assert run.exits.ended.all()
    shares = (run.exits.region == 1).reshape(3, -1).mean(axis=1)
    errors = np.sqrt(shares * (1 - shares) / 1000)
    found = plane.equation.interpolate(plane.forward_committor, starts[::1000])
    assert (np.abs(found - shares) < 4 * errors).all()
    assert np.abs(found[1:] - [0.2, 0.75]).max() > 4 * errors.max()


def test_the_flux_is_the_same_everywhere(plane):
    """Through each line between A and B, and from B to A, whose backward committor is one minus that of A to B."""
    across = plane.reactive_current[0].sum(axis=1) * plane.equation.grid.spacing[1]
    inner = np.abs(plane.equation.axes[0]) < 0.7
    np.testing.assert_allclose(across[inner], plane.reactive_rate, rtol=1e-10)
    other = plane.equation.reactive_transition("x > 0.8", "x < -0.8")
    assert other.reactive_rate == pytest.approx(plane.reactive_rate, rel=2e-3)
    between = plane.region < 0
    np.testing.assert_allclose((other.backward_committor + plane.backward_committor)[between], 1, atol=1e-10)
    assert np.abs((plane.backward_committor + plane.forward_committor - 1)[between]).max() > 0.05  # no detailed balance
    np.testing.assert_allclose(plane.stationary_density, plane.equation.stationary(), rtol=0.02, atol=1e-4)


class Reversed:
    """Drift and noise of a linear equation run backwards in time: −(FΣ⁻¹ − H)ω, HΣ + ΣH = F; no gradient."""

    dimension, variables, parameters = 2, ("x", "y"), {}

    def __init__(self, landscape):
        self.landscape = landscape
        h, f = landscape.hessian([0.0, 0.0]), landscape.noise_covariance([0.0, 0.0])
        self.drift = f @ np.linalg.inv(solve_continuous_lyapunov(h, f)) - h

    def gradient(self, w):
        return w @ self.drift.T

    def __getattr__(self, name):
        return getattr(self.landscape, name)


def test_backward_committor_is_that_of_the_reversed_process():
    bowl = Landscape("x**2 + y**2/4", "x y", noise_covariance=[["1", "0.6"], ["0.6", "1"]])
    box, regions = ((-2.4, 2.4), (-4.0, 4.0)), ("x + y < -0.6", "x + y > 0.7")
    points = np.array([[0.0, 0.0], [0.6, -0.5], [-0.8, 0.6], [1.0, -1.2]])
    found, errors = [], []
    for cells in (40, 80):
        plain = FokkerPlanck(bowl, 0.4, box, cells)
        backwards = FokkerPlanck(Reversed(bowl), 0.4, box, cells)
        here = plain.reactive_transition(*regions)
        exact = backwards.interpolate(backwards.splitting(regions)[0], points)
        found.append(plain.interpolate(here.backward_committor, points) - exact)
        errors.append(np.abs(found[-1]).max())
        assert np.abs(1 - plain.interpolate(here.forward_committor, points) - exact).max() > 0.1
    assert errors[1] < 2e-3
    assert errors[1] < 0.4 * errors[0]  # of order 2


def test_quasi_stationary_density():
    """Of a bowl cut at ±1: the first eigenfunction of x² with F = 1; and paths from it leave at the escape rate."""
    flat = FokkerPlanck(Landscape("0*x", "x"), 2.0, (-1.25, 1.25), 400)
    density = flat.quasi_stationary("x < -1 or x > 1")
    np.testing.assert_allclose(density, np.maximum(np.pi / 4 * np.cos(np.pi / 2 * flat.axes[0]), 0), atol=1e-4)
    well = FokkerPlanck(WELL, 0.2, (-2.6, 2.6), 800)
    density, rate = well.quasi_stationary("x > 0"), well.escape_rate("x > 0")
    assert density.sum() * well.grid.volume == pytest.approx(1)
    times = well.mean_exit_times("x > 0")
    assert (density * times).sum() * well.grid.volume == pytest.approx(1 / rate, rel=1e-4)
    later = FokkerPlanck(WELL, 0.2, (-2.6, 2.6), 800, absorbing="x > 0").evolve(density, 3.0, tolerance=1e-8)
    inner = well.axes[0] < -0.01  # the cell beside the region is narrower for `evolve`, which holds masses
    np.testing.assert_allclose(later[inner], np.exp(-3 * rate) * density[inner], atol=2e-4)
    first, second = exit_time_moments(WELL, 0.2, -1.0, right=0.0)
    assert second / first**2 != pytest.approx(2.0, rel=1e-3)  # from a point it is not exponential


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("x < -0.8", "x > -0.9", "b overlaps a"),
        ("x < -9", "x > 0.8", "a must hold cells of the box, or some of its walls"),
        ("x < 0", "x > -0.0001", "b overlaps a|leave cells of the box between them"),
        ("left", 3, "b must be a condition such as 'x > 0'"),
    ],
)
def test_bad_regions_are_refused_by_name(a, b, message):
    with pytest.raises(ValueError, match=message):
        FokkerPlanck(WELL, 0.2, (-2.6, 2.6), 100).reactive_transition(a, b)


def test_walls_may_be_regions_and_absorbing_is_refused():
    flat = FokkerPlanck(Landscape("0*x", "x"), 2.0, (0.0, 1.0), 50)
    with pytest.warns(match="reflecting walls"):
        found = flat.reactive_transition("left", "right")
    np.testing.assert_allclose(found.forward_committor, flat.axes[0], atol=1e-12)
    assert found.reactive_rate == pytest.approx(1.0)  # (T/2)/length²
    with pytest.raises(ValueError, match="leave out absorbing"):
        FokkerPlanck(WELL, 0.2, (-2.6, 2.6), 100, absorbing="x > 2").reactive_transition("x < -1", "x > 1")


def test_starts_of_the_quadrature_are_checked():
    with pytest.raises(ValueError, match=r"right must be above w0 = 1.5"):
        splitting_probability(WELL, 0.2, [0.0, 1.5], -1.0, 1.0)
    with pytest.raises(ValueError, match="w0 must have a number at least"):
        splitting_probability(WELL, 0.2, [], -1.0, 1.0)


def test_an_edge_through_centres_of_cells():
    """Centres on the edge are inside or not by rounding, which must not matter: jumps went astray there once."""
    bowl = Landscape("x**2 + y**2/4", "x y", noise_covariance=[["1", "0.6"], ["0.6", "1"]])
    points, found = np.array([[0.0, 0.0], [0.6, -0.5], [-0.8, 0.6]]), []
    for cells in ((48, 80), (49, 81)):
        plain = FokkerPlanck(bowl, 0.4, ((-2.4, 2.4), (-4, 4)), cells)
        here = plain.reactive_transition("x + y < -0.6", "x + y > 0.7")
        split = plain.splitting(("x + y < -0.6", "x + y > 0.7"))[1]
        found.append([plain.interpolate(q, points) for q in (split, here.forward_committor, here.backward_committor)])
    np.testing.assert_allclose(found[0], found[1], atol=6e-3)
