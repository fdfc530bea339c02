"""The Fokker–Planck equation against quadratures, moment equations, closed forms and simulation."""

import math
import warnings

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, quad, simpson, solve_ivp
from scipy.linalg import solve_continuous_lyapunov
from scipy.sparse import diags
from tables import every

from sgdsde import Landscape, integrate
from sgdsde.theory.fokker_planck import BoxWarning, CellWarning, FokkerPlanck, extrapolated
from sgdsde.theory.fokker_planck.chain import Chain
from sgdsde.theory.fokker_planck.grid import Grid
from sgdsde.theory.fokker_planck.selling import decompose
from sgdsde.theory.fokker_planck.stepping import FIFTH, FOURTH, POLE

WELL = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
BOWL = Landscape("x**2/2", "x")
FLAT = Landscape("0*x", "x y", noise_covariance=[["1.0", "0.9"], ["0.9", "2.0"]])
OBLIQUE = Landscape(
    "x**2/2 + y**2 + x*y/2",
    "x y",
    noise_covariance=[["1 + x**2/4", "0.7 + x*y/8"], ["0.7 + x*y/8", "1 + y**2/4"]],
)


def outside_zero(w):
    return w[:, 0] > 0


def by_quadrature(landscape, temperature, start, end, low, points=200_001):
    """τ = 2 ∫_{start}^{end} e^{I(y)} ∫_{low}^{y} e^{−I(z)}/(T F(z)) dz dy, I = ∫ 2L'/(T F)."""
    w = np.linspace(low, end, points)
    noise = temperature * landscape.noise_covariance(w[:, None])[:, 0, 0]
    potential = cumulative_simpson(2 * landscape.gradient(w[:, None])[:, 0] / noise, x=w, initial=0)
    potential -= potential.min()
    inner = cumulative_simpson(np.exp(-potential) / noise, x=w, initial=0)
    beyond = w >= start - 1e-12
    return 2 * simpson((np.exp(potential) * inner)[beyond], x=w[beyond])


def exit_time(landscape, temperature, box, cells, start, region):
    plain = FokkerPlanck(landscape, temperature, box, cells)
    return float(plain.interpolate(plain.mean_exit_times(region), start))


def slope(cells, errors):
    return -np.polyfit(np.log(cells), np.log(np.abs(errors)), 1)[0]


def second_moments(temperature, times=None, start=(0.0, 0.0)):
    """E ω ωᵀ of OBLIQUE, whose moment equations close; stationary, or at times."""
    h = OBLIQUE.hessian([0.0, 0.0])

    def change(s):
        noise = np.array([[1 + s[0, 0] / 4, 0.7 + s[0, 1] / 8], [0.7 + s[0, 1] / 8, 1 + s[1, 1] / 4]])
        return -h @ s - s @ h + temperature * noise

    if times is None:
        units = [np.eye(1, 4, k).reshape(2, 2) for k in range(4)]
        linear = np.stack([(change(unit) - change(0 * unit)).ravel() for unit in units], axis=1)
        return np.linalg.solve(linear, -change(np.zeros((2, 2))).ravel()).reshape(2, 2)
    begin = np.outer(start, start).ravel()
    solution = solve_ivp(
        lambda _, s: change(s.reshape(2, 2)).ravel(), (0, times[-1]), begin, t_eval=times, rtol=1e-10, atol=1e-12
    )
    return solution.y.T.reshape(-1, 2, 2)


# --- the reference case -----------------------------------------------------------------------------------------------


def test_exit_time_of_the_reference_case():
    expected = by_quadrature(WELL, 0.2, -1.0, 0.0, -4.0)
    assert expected == pytest.approx(18.745924708, rel=1e-9)  # by mpmath
    cells = (101, 201, 401, 801)  # the boundary lies inside a cell
    errors = [exit_time(WELL, 0.2, (-3, 3), n, -1.0, outside_zero) / expected - 1 for n in cells]
    assert abs(errors[-1]) < 5e-5
    assert slope(cells, errors) == pytest.approx(2, abs=0.1)


def test_a_boundary_may_be_given_in_four_ways():
    expected = by_quadrature(WELL, 0.2, -1.0, 0.0, -4.0)
    wide = FokkerPlanck(WELL, 0.2, (-3, 3), 800)
    for times in (
        wide.mean_exit_times(wide.axes[0] > 0),
        wide.mean_exit_times(outside_zero),
        wide.mean_exit_times("x > 0"),
        FokkerPlanck(WELL, 0.2, (-3, 3), 800, absorbing="2*x > 0").mean_exit_times(),
        FokkerPlanck(WELL, 0.2, (-3, 3), 800, absorbing=outside_zero).mean_exit_times(),
    ):
        assert float(wide.interpolate(times, -1.0)) == pytest.approx(expected, rel=1e-4)
        assert (times[400:] == 0).all()
    assert exit_time(WELL, 0.2, (-3, 0), 400, -1.0, "right") == pytest.approx(expected, rel=1e-4)


def test_extrapolation_gains_orders():
    expected = by_quadrature(WELL, 0.2, -1.0, 0.0, -4.0)
    value, change = extrapolated(lambda n: exit_time(WELL, 0.2, (-3, 0), n, -1.0, "right"), 100)
    assert abs(value / expected - 1) < 1e-5
    assert abs(value - expected) < change


def test_a_wrong_sense_of_the_integral_would_show():
    stratonovich = Landscape("x**4/4 - x**2/2 - 0.2*x**2/8", "x", noise_covariance="1 + x**2/2")  # L − T F/4
    expected = by_quadrature(WELL, 0.2, -1.0, 0.0, -4.0)
    assert abs(exit_time(stratonovich, 0.2, (-3, 3), 400, -1.0, outside_zero) / expected - 1) > 0.05


@pytest.mark.parametrize("temperature", [0.05, 0.02, 0.012])
def test_rare_exits_keep_their_digits(temperature):
    """e^{ΔL/D} is e^{42} for the last: far beyond what a solution that cancels could give."""
    plain = Landscape("x**4/4 - x**2/2", "x")
    expected = by_quadrature(plain, temperature, -1.0, 0.0, -2.2)
    solver = FokkerPlanck(plain, temperature, (-2.2, 2.2), 1000)
    time = float(solver.interpolate(solver.mean_exit_times(outside_zero), -1.0))
    assert time == pytest.approx(expected, rel=4e-4)
    assert solver.escape_rate(outside_zero) * time == pytest.approx(1, abs=2e-4)


def test_exits_that_underflow_are_refused():
    with pytest.raises(ValueError, match=r"temperature.*too rare"):
        FokkerPlanck(Landscape("x**4/4 - x**2/2", "x"), 2e-4, (-2, 2), 2000).mean_exit_times(outside_zero)


def test_escape_rate_of_a_bowl_that_ends_at_its_side():
    """Ornstein–Uhlenbeck, absorbed at 0: the slowest mode is the first odd Hermite function, of rate h."""
    rate, change = extrapolated(lambda n: FokkerPlanck(BOWL, 0.5, (-4, 4), n).escape_rate(outside_zero), 200)
    assert abs(rate - 1) < change / 10 < 1e-4


# --- densities --------------------------------------------------------------------------------------------------------


def test_stationary_law_of_a_gibbs_landscape_is_exact_on_centres():
    for landscape, sides in (
        (Landscape("x**4/4 - x**2/2 + 0.1*x", "x", noise_covariance=0.7), (-3, 3)),
        (Landscape("x**4/4 - x**2/2 + y**2 + x*y/2", "x y", noise_covariance=0.7), ((-3, 3), (-3, 3))),
    ):
        solver = FokkerPlanck(landscape, 0.5, sides, 80)
        gibbs = np.exp(-2 * landscape.loss(solver.grid.centres) / (0.5 * 0.7))
        gibbs /= gibbs.sum() * solver.grid.volume
        np.testing.assert_allclose(solver.stationary().ravel(), gibbs, rtol=1e-7)


def test_stationary_law_with_noise_that_depends_on_the_place():
    solver = FokkerPlanck(WELL, 0.3, (-4, 4), 400)

    def density(x):
        potential = quad(lambda y: 2 * (y**3 - y) / (0.3 * (1 + y * y / 2)), 0, x)[0]
        return math.exp(-potential) / (1 + x * x / 2)

    norm = 2 * quad(density, 0, 4)[0]
    for at in (0, 100, 150, 230, 310):
        x = float(solver.axes[0][at])
        assert solver.stationary()[at] == pytest.approx(density(x) / norm, rel=1e-6)


def test_occupancy_of_wells_a_deep_barrier_apart():
    tilted = Landscape("x**4/4 - x**2/2 + 0.02*x", "x")
    solver = FokkerPlanck(tilted, 0.012, (-2.2, 2.2), 1001)
    gibbs = np.exp(-2 / 0.012 * (tilted.loss(solver.grid.centres) + 0.3))
    expected = gibbs[501:].sum() / gibbs.sum()
    assert solver.stationary()[501:].sum() * solver.grid.volume == pytest.approx(expected, rel=1e-9)


def test_mass_is_conserved_and_never_negative():
    for solver, start in (
        (FokkerPlanck(WELL, 0.2, (-3, 3), 300), -1.3),
        (FokkerPlanck(OBLIQUE, 0.2, ((-3, 3), (-3, 3)), 72), [0.5, -0.5]),
    ):
        densities = solver.evolve(start, [0.0, 1e-3, 0.1, 3.0])
        axes = tuple(range(1, densities.ndim))
        np.testing.assert_allclose(densities.sum(axis=axes) * solver.grid.volume, 1, atol=1e-12)
        assert densities.min() >= 0
        rates = solver.generator
        assert abs(rates.sum(axis=1)).max() < 1e-12 * abs(rates.diagonal()).max()
        assert (rates - diags(rates.diagonal())).min() >= 0  # an M-matrix
        np.testing.assert_allclose(solver.evolve(solver.stationary(), 1.0), solver.stationary(), atol=1e-8)


def test_ornstein_uhlenbeck_on_the_way():
    bowl, times = Landscape("1.5*x**2/2", "x", noise_covariance=0.8), np.array([0.1, 0.5, 2.0])

    def moments(cells):
        solver = FokkerPlanck(bowl, 0.5, (-2.5, 2.5), cells)  # 1 is between two cells
        return [[float(part.squeeze()) for part in solver.moments(density)] for density in solver.evolve(1.0, times)]

    (mean, variance), change = extrapolated(moments, 250)[0].T, extrapolated(moments, 250)[1]
    decay = np.exp(-1.5 * times)
    np.testing.assert_allclose(mean, decay, atol=2e-6)
    np.testing.assert_allclose(variance, 0.5 * 0.8 / 3 * (1 - decay**2), atol=2e-6)
    assert change.max() > 1e-5
    assert FokkerPlanck(bowl, 0.5, (-2.5, 2.5), 50).evolve(1.0, 0.5).shape == (50,)


def test_what_absorbs_takes_mass_at_the_rate_of_escape():
    solver = FokkerPlanck(WELL, 0.2, (-3, 3), 300, absorbing=outside_zero)
    alive = solver.evolve(-1.0, [60.0, 80.0]).sum(axis=1) * solver.grid.volume
    assert math.log(alive[0] / alive[1]) / 20 == pytest.approx(solver.escape_rate(), rel=1e-4)


def test_stationary_covariance_with_oblique_noise():
    h, f = np.array([[1.0, 0.3], [0.3, 2.0]]), np.array([[1.0, 1.1], [1.1, 1.5]])
    bowl = Landscape("x**2/2 + 0.3*x*y + y**2", "x y", noise_covariance=f.astype(str).tolist())

    def covariance(cells):
        solver = FokkerPlanck(bowl, 0.4, ((-3, 3), (-3, 3)), cells)
        return solver.moments(solver.stationary())[1]

    found, change = extrapolated(covariance, 80)
    assert (change < 3e-3 * found).all()
    assert (np.abs(found - solve_continuous_lyapunov(h, 0.4 * f)) < change / 10).all()


@pytest.mark.slow("equations on fine grids")
def test_oblique_noise_that_depends_on_the_place_is_of_order_two():
    side, cells, stationary, transient = (-4.5, 4.5), (54, 81, 108), [], []
    for n in cells:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CellWarning)
            solver = FokkerPlanck(OBLIQUE, 0.4, (side, side), n)
        stationary.append(solver.moments(solver.stationary())[1])
        if n != 81:  # of these two (1, 1) is on a corner
            mean, covariance = solver.moments(solver.evolve([1.0, 1.0], 0.3))
            transient.append(covariance + np.outer(mean, mean))
    expected = second_moments(0.4)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert slope(cells, [(found - expected)[i, j] for found in stationary]) == pytest.approx(2, abs=0.2)
    np.testing.assert_allclose((4 * stationary[2] - stationary[0]) / 3, expected, rtol=1e-3)
    np.testing.assert_allclose(
        (4 * transient[1] - transient[0]) / 3, second_moments(0.4, [0.3], start=(1.0, 1.0))[0], rtol=1e-3
    )


def test_oblique_noise_against_a_simulation():
    solver = FokkerPlanck(OBLIQUE, 0.4, ((-4.5, 4.5), (-4.5, 4.5)), 108)
    run = integrate(OBLIQUE, [0.0, 0.0], 400.0, 20_000, 64, temperature=0.4, burn_in=1000, seed=3)
    found = solver.moments(solver.stationary())[1]
    assert (np.abs(run.covariance - found) < 5 * run.standard_error.covariance + 0.03 * np.abs(found)).all()


# --- regions in two dimensions ----------------------------------------------------------------------------------------


def test_exit_from_an_ellipse_is_exact_for_oblique_diffusion():
    """τ = (1 − ωᵀMω)/(T Tr FM) is quadratic, so that cut jumps and all others are exact."""
    m, f = np.array([[1.0, 0.4], [0.4, 0.7]]), np.array([[1.0, 0.9], [0.9, 2.0]])
    solver = FokkerPlanck(FLAT, 0.3, ((-2, 2), (-2, 2)), (50, 37))
    inside = np.einsum("ni,ij,nj->n", solver.grid.centres, m, solver.grid.centres)
    times = solver.mean_exit_times(lambda w: np.einsum("ni,ij,nj->n", w, m, w) > 1).ravel()
    expected = np.maximum(1 - inside, 0) / (0.3 * np.trace(f @ m))
    np.testing.assert_allclose(times, expected, atol=2e-4 * expected.max())  # centres within 1e-4 of the edge


def test_exit_from_a_disc_is_of_order_two():
    """A radial problem: τ(0) = ∫_0^1 r^{-1} e^{r²/T} ∫_0^r (2/T) s e^{−s²/T} ds dr = ∫ (e^{r²/T} − 1)/r dr."""
    bowl = Landscape("(x**2 + y**2)/2", "x y")
    expected = quad(lambda r: math.expm1(r * r / 0.4) / r, 0, 1)[0]
    cells = (40, 56, 80, 112, 160)
    errors = [
        exit_time(bowl, 0.4, ((-1.1, 1.1), (-1.1, 1.1)), n, [0.0, 0.0], lambda w: (w**2).sum(axis=1) > 1) - expected
        for n in cells
    ]
    assert abs(errors[-1] / expected) < 5e-4
    assert slope(cells, errors) == pytest.approx(2, abs=0.3)


def test_separable_exit_is_that_of_one_dimension():
    both = Landscape("x**4/4 - x**2/2 + y**2", "x y", noise_covariance=[["1 + x**2/2", "0"], ["0", "0.5"]])
    line = FokkerPlanck(WELL, 0.3, (-3, 0), 120)
    plane = FokkerPlanck(both, 0.3, ((-3, 0), (-1.6, 1.6)), (120, 40))
    times = plane.mean_exit_times("right")
    np.testing.assert_allclose(times, np.tile(line.mean_exit_times("right")[:, None], (1, 40)), rtol=1e-9)
    assert plane.escape_rate("right") == pytest.approx(line.escape_rate("right"), rel=1e-9)


def test_splitting():
    scale = FokkerPlanck(WELL, 0.4, (-1.5, 1.2), 300)
    left, right = scale.splitting(["left", "right"])
    np.testing.assert_allclose(left + right, 1, rtol=1e-12)

    def potential(x):
        return math.exp(2 / 0.4 * (x * x - 3 * math.log1p(x * x / 2)))

    expected = quad(potential, -1.5, 0.3)[0] / quad(potential, -1.5, 1.2)[0]
    assert float(scale.interpolate(right, 0.3)) == pytest.approx(expected, rel=1e-4)
    ends = [lambda w: w[:, 0] < -1.2, lambda w: w[:, 0] > 1.0]
    inner = scale.splitting(ends)
    assert inner[0][0] == inner[1][-1] == 1
    assert inner[0][-1] == inner[1][0] == 0
    assert scale.splitting([*ends, "left"])[2].max() == 0
    np.testing.assert_array_equal(scale.splitting(["x < -1.2", "1 < x"]), inner)
    np.testing.assert_array_equal(scale.splitting([("x < -1.2", "left"), "1 < x"]), inner)
    overlapping = scale.mean_exit_times(("x > 1", "x > 0.9", "left"))
    np.testing.assert_allclose(overlapping, scale.mean_exit_times(("x > 0.9", "left")), rtol=1e-9)


def test_conditions_in_two_dimensions():
    bowl = Landscape("(x**2 + y**2)/2", "x y", {"r": 1.0})
    solver = FokkerPlanck(bowl, 0.4, ((-1.1, 1.1), (-1.1, 1.1)), 40)
    disc = solver.mean_exit_times(lambda w: (w**2).sum(axis=1) > 1)
    np.testing.assert_allclose(solver.mean_exit_times("x**2 + y**2 > r"), disc, rtol=1e-9)
    smaller = FokkerPlanck(bowl.with_parameters(r=0.5), 0.4, ((-1.1, 1.1), (-1.1, 1.1)), 40)
    assert smaller.escape_rate("x**2 + y**2 > r") > 1.5 * solver.escape_rate("x**2 + y**2 > r")
    sides = solver.splitting(["x > 1/2 and y < 0", ("top", "bottom", "left", "right", "x < -1/2")])
    np.testing.assert_allclose(sides.sum(axis=0), 1, rtol=1e-9)


# --- parts ------------------------------------------------------------------------------------------------------------


def test_selling_decomposes_every_positive_matrix():
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(2000, 2, 2)) * np.geomspace(0.03, 1, 2)[:, None]
    matrices = factors @ np.swapaxes(factors, 1, 2) + 1e-3 * np.eye(2)
    vectors, weights = decompose(matrices)
    assert (weights >= 0).all()
    again = np.einsum("nk,nka,nkb->nab", weights, vectors, vectors)
    np.testing.assert_allclose(again, matrices, rtol=1e-9, atol=1e-12)


def test_jumps_match_drift_and_noise_to_order_two():
    grid = Grid.of(2, ((-1, 1), (-1, 1)), 200)
    chain = Chain.of(OBLIQUE, 0.4, grid)
    rate = chain.strengths[..., None] * chain.potential / np.expm1(chain.potential)
    jump = chain.offsets * grid.spacing
    inner = (np.abs(grid.places - 99.5) < 80).all(axis=1)
    drift = (rate[..., None] * jump).sum(axis=(1, 2))[inner]
    noise = np.einsum("nks,nksa,nksb->nab", rate, jump, jump)[inner]
    points = grid.centres[inner]
    np.testing.assert_allclose(drift, -OBLIQUE.gradient(points), atol=4e-3)
    np.testing.assert_allclose(noise, 0.4 * OBLIQUE.noise_covariance(points), atol=4e-3)


def test_steps_are_stable_and_of_their_orders():
    y = np.concatenate([np.geomspace(1e-3, 1e4, 4000), [1e8]]) * 1j
    for weights, order in ((FIFTH, 5), (FOURTH, 4)):

        def growth(z, weights=weights):
            return sum(weight / (1 - POLE * z) ** (j + 1) for j, weight in enumerate(weights))

        assert np.abs(growth(y)).max() <= 1 + 1e-12
        assert abs(growth(-1e9)) < 1e-7
        errors = [abs(growth(z) - np.exp(z)) for z in (-0.2, -0.1)]
        assert math.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.3)


# --- what is refused --------------------------------------------------------------------------------------------------


@every(
    ("make", "message"),
    [
        (
            lambda: FokkerPlanck(Landscape("x**2 + y**2 + z**2", "x y z"), 1.0, [(-1, 1)] * 3, 20),
            "1 or 2 variables, got 3: x, y, z",
        ),
        (lambda: FokkerPlanck("x**2", 1.0, (-1, 1), 20), "landscape"),
        (lambda: FokkerPlanck(BOWL, 0.0, (-1, 1), 20), "temperature"),
        (lambda: FokkerPlanck(BOWL, 1.0, (1, -1), 20), "box"),
        (lambda: FokkerPlanck(BOWL, 1.0, "wide", 20), "box"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 4), "cells"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 2.5), "cells"),
        (
            lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20, absorbing="top"),
            "absorbing must be a condition such as 'x > 0'",
        ),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20, absorbing="y > 0"), "absorbing: y is not a known name"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).escape_rate("x > 0 > -x**x**"), "region: .* does not read"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).splitting(["x > 0", "x > 1/2"]), r"regions\[1\] overlaps"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).mean_exit_times(lambda w: w), "region must return"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).mean_exit_times(), "region must hold"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).escape_rate(np.zeros(20, dtype=bool)), "region must hold"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).escape_rate(np.ones(20, dtype=bool)), "region must hold"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).splitting(["left", "left"]), r"regions\[1\] overlaps"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).splitting([outside_zero] * 2), r"regions\[1\] overlaps"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20, absorbing="left").stationary(), "absorbing"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).evolve(2.0, 1.0), "start"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).evolve(-np.ones(20), 1.0), "start"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).evolve(0.0, [1.0, 0.5]), "times"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).evolve(0.0, 1.0, tolerance=0), "tolerance"),
        (lambda: FokkerPlanck(BOWL, 1.0, (-1, 1), 20).interpolate(np.zeros(3), 0.0), "values"),
        (
            lambda: FokkerPlanck(Landscape("x**2", "x", noise_covariance="x"), 1.0, (-1, 1), 20),
            "F must be positive definite",
        ),
        (lambda: FokkerPlanck(Landscape("1/x", "x"), 1.0, (-1, 1), 21), "finite"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_noise_too_elongated_for_the_cells_is_refused():
    thin = Landscape("x**2 + y**2", "x y", noise_covariance=[["1", "0.09"], ["0.09", "0.01"]])
    with pytest.raises(ValueError, match=r"cells.*elongated.*1 : 0.1"):
        FokkerPlanck(thin, 1.0, ((-1, 1), (-1, 1)), 40)
    FokkerPlanck(thin, 1.0, ((-1, 1), (-1, 1)), (20, 200))


def test_a_small_box_and_coarse_cells_are_noticed():
    with pytest.warns(BoxWarning, match="stationary density"):
        FokkerPlanck(BOWL, 1.0, (-1, 1), 40).stationary()
    with pytest.warns(BoxWarning, match="larger"):
        FokkerPlanck(BOWL, 1.0, (-1, 1), 40).evolve(0.0, 1.0)
    with pytest.warns(BoxWarning, match="quasi-stationary"):
        FokkerPlanck(BOWL, 1.0, (-1, 1), 40).mean_exit_times("left")
    with pytest.warns(CellWarning, match="3 times smaller"):
        FokkerPlanck(BOWL, 0.02, (-1.5, 1.5), 20)
    with pytest.warns(CellWarning, match="barrier"):
        FokkerPlanck(Landscape("25*sin(10*x) + 25*x**2", "x"), 1.0, (-2, 2), 40)
