"""Formulas for weak noise against exact times, brute-force quadrature and each other; the saddles that they need."""

import math
import re

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import dblquad, quad
from scipy.sparse.linalg import spsolve
from tables import every

import sgdsde as sg
from sgdsde.config import SGDConfig
from sgdsde.landscapes import Landscape
from sgdsde.landscapes.catalog import minima, named
from sgdsde.landscapes.saddle import find_minimum, find_saddle
from sgdsde.theory.escape import mean_exit_time, splitting_probability
from sgdsde.theory.kramers import eyring_kramers_time, hessian_noise_escape_time
from sgdsde.theory.occupancy import crossing_temperature, occupancy_ratio

WELL = Landscape("x**4/4 - x**2/2", "x", {"s2": 1.0}, noise_covariance="s2")


@every("covariance", ["1", "2.5", "1 + x**2/2", "exp(x)", "2 + x"])
def test_kramers_becomes_exact_as_the_temperature_falls(covariance):
    """The error is of first order in T: halving T halves it."""
    landscape = Landscape("x**4/4 - x**2/2", "x", noise_covariance=covariance)
    errors = []
    for temperature in (0.008, 0.004, 0.002):
        exact = mean_exit_time(landscape, temperature, -1.0, right=0.9)
        errors.append(eyring_kramers_time(landscape, temperature, -1.0, 0.0) / exact - 1)
    assert 1e-4 < abs(errors[0]) < 0.03
    np.testing.assert_allclose(np.array(errors[:2]) / errors[1:], 2, rtol=0.04)


def test_half_the_time_to_the_saddle_itself():
    """With the known coefficient: 1 + D Σ(−L⁗/(8L''²) + 5L'''²/(24|L''|³)), of well and upturned saddle, = 1 + 3D/2."""
    for temperature in (0.01, 0.005):
        exact = mean_exit_time(WELL, temperature, -1.0, right=0.0)
        ratio = exact / (eyring_kramers_time(WELL, temperature, -1.0, 0.0) / 2)
        assert ratio - 1 == pytest.approx(1.5 * temperature / 2, rel=6 * temperature)


def test_the_factors_in_it():
    """σ² and T count as their product, D is half of it, and each curvature has its place."""
    one = eyring_kramers_time(WELL.with_parameters(s2=4.0), 0.02, -1.0, 0.0)
    assert one == pytest.approx(eyring_kramers_time(WELL, 0.08, -1.0, 0.0), rel=1e-12)
    assert one == pytest.approx(2 * math.pi / math.sqrt(2) * math.exp(0.25 / 0.04), rel=1e-12)
    without_half = 2 * math.pi / math.sqrt(2) * math.exp(0.25 / 0.08)  # the negative control
    exact = mean_exit_time(WELL, 0.08, -1.0, right=0.9)
    assert abs(one / exact - 1) < 0.15
    assert without_half < exact / 10
    noisy = Landscape("x**4/4 - x**2/2", "x", noise_covariance="exp(x)")
    exact, found = mean_exit_time(noisy, 0.01, -1.0, right=0.9), eyring_kramers_time(noisy, 0.01, -1.0, 0.0)
    assert abs(found / exact - 1) < 0.02
    assert found * math.exp(-0.5) < 0.7 * exact  # without √(F_s/F_min), the negative control


def test_a_config_counts_in_updates():
    config = SGDConfig(learning_rate=0.02, batch_size=8, n_examples=64, momentum=0.75)
    t, update = config.temperature, 0.02 / 0.25
    ends = (-1.0, 0.0)
    for formula in (eyring_kramers_time, hessian_noise_escape_time):
        assert formula(WELL, config, *ends) == pytest.approx(formula(WELL, t, *ends) / update, rel=1e-12)
    exact = mean_exit_time(WELL, config, -1.0, stop="x > 0.9")
    assert eyring_kramers_time(WELL, config, *ends) == pytest.approx(exact, rel=0.03)
    tilted = Landscape("x**4/4 - x**2/2 + x/50", "x")
    wells = find_minimum(tilted, -1.0), find_minimum(tilted, 1.0)
    assert occupancy_ratio(tilted, config, *wells) == occupancy_ratio(tilted, t, *wells)


def test_what_momentum_changes():
    """With friction γ the rate has √(γ²/4 + |λ_s|) − γ/2 for |λ_s|/γ (docs/theory.md, §7); both are of order 0 in T."""
    temperature, friction, paths, dt = 0.1, 1.0, 800, 0.05
    overdamped = friction * eyring_kramers_time(WELL, temperature, -1.0, 0.0)
    expected = overdamped / friction / (math.sqrt(friction**2 / 4 + 1) - friction / 2)
    steps = round(12 * expected / dt)
    run = sg.integrate(
        WELL,
        [-1.0],
        steps * dt,
        steps,
        paths,
        temperature=temperature,
        friction=friction,
        scheme="baoab",
        seed=1,
        stop="x > 0.9",
    )
    assert run.exits.censored == 0
    times = run.exits.update * dt
    error = times.std() / math.sqrt(paths)
    correction = 1.5 * temperature / 2  # of order T in the overdamped limit, and no larger than twice that here
    assert expected * (1 - 4 * error / expected) < times.mean() < expected * (1 + 2 * correction) + 4 * error
    assert overdamped * (1 + 2 * correction) + 4 * error < times.mean()  # the negative control


def separable():
    """A double well in x, across it a parabola of curvature 1 + 8e^{−4x²}: 9 on the saddle, nearly 1 in the wells."""
    return Landscape("x**4/4 - x**2/2 + (1 + 8*exp(-4*x**2))*y**2/2", "x y", {"s2": 1.0}, noise_covariance="s2")


def exit_time_on_a_grid(landscape, d, step):
    """D Δu − ∇L·∇u = −1 with u = 0 beyond x = 0.9, as a reversible chain: accurate to the second order in the step."""
    x, y = np.arange(-2, 1.2, step), np.arange(-1.4, 1.4 + step / 2, step)
    loss = landscape.loss(np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1))
    number = np.arange(loss.size).reshape(loss.shape)
    rates = sparse.csr_array((loss.size, loss.size))
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        climb = ((loss[there] - loss[here]) / (2 * d)).ravel()
        i, j = number[here].ravel(), number[there].ravel()
        forth = sparse.coo_array((np.exp(-climb), (i, j)), rates.shape)
        back = sparse.coo_array((np.exp(climb), (j, i)), rates.shape)
        rates = rates + (forth + back) * (d / step**2)
    generator = sparse.csr_array(rates - sparse.diags_array(np.asarray(rates.sum(axis=1)).ravel()))
    inside = number[x < 0.9].ravel()
    times = spsolve(sparse.csc_array(generator[inside][:, inside]), -np.ones(len(inside)))
    return times[number[np.abs(x + 1).argmin(), np.abs(y).argmin()]]


@pytest.mark.networks
def test_two_dimensions_against_the_boundary_problem():
    landscape = separable()
    saddle = find_saddle(landscape, between=([-1.0, 0.0], [1.0, 0.0]))
    minimum = find_minimum(landscape, [-0.9, 0.1])
    np.testing.assert_allclose(saddle, 0, atol=1e-9)
    ratios = []
    for temperature in (0.06, 0.03):
        coarse, fine = (exit_time_on_a_grid(landscape, temperature / 2, step) for step in (0.04, 0.02))
        ratios.append(eyring_kramers_time(landscape, temperature, minimum, saddle) / ((4 * fine - coarse) / 3))
    assert abs(ratios[1] - 1) < 0.07
    assert abs(ratios[1] - 1) < 0.65 * abs(ratios[0] - 1)
    one_dimension = eyring_kramers_time(WELL, 0.03, -1.0, 0.0)  # the negative control: no determinants across
    assert eyring_kramers_time(landscape, 0.03, minimum, saddle) > 2 * one_dimension


def test_of_named_landscapes():
    for name, first, second in (("mueller_brown", 0, 1), ("mueller_brown", 2, 1), ("double_well", 0, 1)):
        landscape, wells = named(name), minima(name)
        saddle = find_saddle(landscape, between=(wells[first], wells[second]))
        barrier = float(landscape.loss(saddle) - landscape.loss(wells[first]))
        temperature = barrier / 5
        curvatures = np.linalg.eigvalsh(landscape.hessian(saddle))
        rate = (
            -curvatures[0]
            / (2 * math.pi)
            * math.sqrt(np.linalg.det(landscape.hessian(wells[first])) / abs(np.prod(curvatures)))
        )
        exact = math.exp(10) / rate
        assert eyring_kramers_time(landscape, temperature, wells[first], saddle) == pytest.approx(exact, rel=1e-9)


def test_times_there_and_back_are_as_the_occupancies():
    """Detailed balance: p_A/p_B = τ_{A→B}/τ_{B→A}, whatever F in one dimension."""
    cases = [
        (Landscape("x**4/4 - x**2/2 + x/20", "x", noise_covariance="1 + x**2/2 + x/3"), -1.0, 1.0),
        (named("mueller_brown", scale=0.05), *minima("mueller_brown")[:2]),
    ]
    for landscape, near, other in cases:
        first, second = find_minimum(landscape, near), find_minimum(landscape, other)
        saddle = find_saddle(landscape, between=(first, second))
        there = eyring_kramers_time(landscape, 0.7, first, saddle)
        back = eyring_kramers_time(landscape, 0.7, second, saddle)
        assert occupancy_ratio(landscape, 0.7, first, second) == pytest.approx(there / back, rel=1e-9)


def test_occupancy_in_two_dimensions_by_quadrature():
    """The density e^{−L/D}, D = Tσ²/2, over the half planes of two parabolas that meet at a ridge."""
    landscape = Landscape(
        "min(8*(x + 1)**2 + 3*y**2, 1/50 + (x - 1)**2/2 + y**2/4)", "x y", {"s2": 2.0}, noise_covariance="s2"
    )
    temperature = 0.02
    d = temperature * 2.0 / 2

    def weight(low, high, scale):
        def density(y, x):
            return math.exp(-float(min(8 * (x + 1) ** 2 + 3 * y**2, 0.02 + (x - 1) ** 2 / 2 + y**2 / 4)) / scale)

        return dblquad(density, low, high, -1.5, 1.5, epsabs=1e-9)[0]

    # the sharp basin is an ellipse about −1, of half width 0.6
    exact = weight(-0.5, 2.5, d) / weight(-1.5, -0.5, d)
    found = occupancy_ratio(landscape, temperature, [1.0, 0.0], [-1.0, 0.0])
    assert found == pytest.approx(exact, rel=0.02)
    assert found == pytest.approx(math.sqrt(16 * 6 / (1 * 0.5)) * math.exp(-0.02 / d), rel=1e-9)
    doubled = weight(-0.5, 2.5, 2 * d) / weight(-1.5, -0.5, 2 * d)  # with D = Tσ², the paper's slip
    assert abs(found / doubled - 1) > 0.3


def test_the_crossing_temperature():
    """There the wide minimum begins to win, in the exact density too."""
    for covariance in ("1", "3", "1 + x**2/20"):
        wells = Landscape("min(8*(x + 1)**2, 1/10 + (x - 1)**2/2 + 0*x)", "x", noise_covariance=covariance)
        crossing = crossing_temperature(wells, 1.0, -1.0)
        assert crossing == pytest.approx(crossing_temperature(wells, -1.0, 1.0), rel=1e-9)
        assert occupancy_ratio(wells, crossing, 1.0, -1.0) == pytest.approx(1, rel=1e-9)
        assert (
            occupancy_ratio(wells, crossing / 2, 1.0, -1.0)
            < 0.7
            < 1.2
            < occupancy_ratio(wells, crossing * 2, 1.0, -1.0)
        )
    wells = Landscape("min(8*(x + 1)**2, 1/10 + (x - 1)**2/2)", "x")
    crossing = crossing_temperature(wells, 1.0, -1.0)
    assert crossing == pytest.approx(2 * 2 * 0.1 / math.log(16), rel=1e-9)  # 2(L_A − L_B)/ln(H_B/H_A) = T/2
    weights = [
        quad(lambda x: math.exp(-2 * float(wells.loss(x)) / crossing), *ends, epsabs=0)[0]
        for ends in ((-2, -0.6), (-0.6, 4))
    ]
    assert weights[1] / weights[0] == pytest.approx(1, rel=0.03)
    for one, other in (("8*(x + 1)**2 + 1/10", "(x - 1)**2/2"), ("8*(x + 1)**2 + 1/10", "8*(x - 1)**2")):
        with pytest.raises(ValueError, match="first and second must be a wider and a deeper minimum"):
            crossing_temperature(Landscape(f"min({one}, {other})", "x"), 1.0, -1.0)


def parabolas(below, above):
    """A parabola of curvature `below` up to x = 1, then −`above` up to the saddle; F is the size of the curvature."""
    return Landscape(
        "a*x**2/2 - (a + b)/2*max(x - 1, 0)**2",
        "x",
        {"a": below, "b": above},
        noise_covariance="a + (b - a)*min(max((x - 1)*10**9, 0), 1)",
    )


@pytest.mark.parametrize(("below", "above"), [(1.0, 1.0), (3.0, 1.0), (1.0, 4.0)])
def test_noise_of_the_hessian_in_one_dimension(below, above):
    """Where F = |L''| in pieces the exponent is exact, and so is Kramers; the paper's prefactor is of another sense."""
    landscape, saddle = parabolas(below, above), (below + above) / above
    share = above / (below + above)  # of the barrier, climbed below 1
    temperatures = (0.1, 0.05) if above == 1 else (0.008, 0.004)
    for temperature in temperatures:
        paper = hessian_noise_escape_time(landscape, temperature, 0.0, saddle, share=share)
        ito = eyring_kramers_time(landscape, temperature, 0.0, saddle)
        exact = mean_exit_time(landscape, temperature, 0.0, right=2 * saddle)
        assert ito == pytest.approx(exact, rel=1e-3)
        assert paper * above / below == pytest.approx(ito, rel=1e-6)
    hotter = mean_exit_time(landscape, temperatures[0], 0.0, right=2 * saddle)
    slope = math.log(exact / hotter) / (1 / temperatures[1] - 1 / temperatures[0])
    barrier = below / 2 * (below + above) / above
    effective = 1 / (share / below + (1 - share) / above)
    assert slope == pytest.approx(2 * barrier / effective, rel=1e-3)  # 2BΔL/(ε H_eff) with T = ε/B


def test_noise_of_the_hessian_is_exponential_in_sharpness_and_white_noise_is_not():
    """The same barrier, sharper: ln τ falls as 1/H with F ∝ H, ln τ − ΔL/D as ln H with white noise."""
    logs = []
    for sharp in (1.0, 2.0, 4.0):
        ends = -1 / math.sqrt(sharp), 0.0
        landscape = Landscape("(s*x**2)**2/4 - s*x**2/2", "x", {"s": sharp})
        logs.append(
            [
                math.log(hessian_noise_escape_time(landscape, 0.05, *ends)),
                math.log(eyring_kramers_time(landscape, 0.05, *ends)),
            ]
        )
    steps = np.diff(np.array(logs), axis=0)
    np.testing.assert_allclose(steps[:, 1], -math.log(2), rtol=1e-9)
    exponent = 2 * 0.25 / 0.05 * (0.5 / 2 + 0.5)
    np.testing.assert_allclose(steps[:, 0], [-math.log(2) - exponent / 2, -math.log(2) - exponent / 4], rtol=1e-9)


def test_saddles():
    wells = minima("mueller_brown")
    saddles = [
        [-0.822001558732732, 0.624312802814871],
        [0.212486582000662, 0.292988325107368],
    ]  # published: to 6 digits
    for first, second, expected in ((0, 1, 0), (1, 2, 1), (2, 1, 1), (0, 2, 0)):
        found = find_saddle(named("mueller_brown"), between=(wells[first], wells[second]))
        np.testing.assert_allclose(found, saddles[expected], atol=1e-9)
    np.testing.assert_allclose(find_saddle(named("mueller_brown"), near=[0.2, 0.3]), saddles[1], atol=1e-9)
    names = " ".join(f"x{i}" for i in range(8))
    bent = Landscape("x0**4/4 - x0**2/2 + " + " + ".join(f"{i}*(x{i} - x0**2)**2" for i in range(1, 8)), names)
    found = find_saddle(bent, between=([-1.0] + 7 * [1.0], 8 * [1.0]))
    np.testing.assert_allclose(found, 0, atol=1e-8)
    tilted = find_saddle(named("sharp_flat"), between=(-1.0, 1.0))
    assert -1 < tilted[0] < 1
    assert abs(named("sharp_flat").gradient(tilted)[0]) < 1e-12
    # what the saddle is for: paths from it go to either side
    assert splitting_probability(WELL, 0.01, 0.0, -0.9, 0.9) == pytest.approx(0.5, rel=1e-9)


@every(
    ("loss", "call", "message"),
    [
        ("x**2", {"near": 0.1}, "near = 0.1: the landscape has no saddle"),
        ("x**2", {"between": (0.0, 1.0)}, "no saddle between these points"),
        ("-x**4", {"near": 0.1}, "no saddle"),
        ("x", {"near": 0.1}, "no saddle"),
        ("log(x)", {"near": -1.0}, "no saddle"),
        ("x**2", {}, "give near or between"),
        ("x**2", {"near": 0.1, "between": (0.0, 1.0)}, "give near or between"),
        ("x**2", {"between": (0.0,)}, "between must be two points"),
        ("x**2", {"near": [0.0, 1.0]}, re.escape("near must have shape (..., 1)")),
        ("x**2", {"near": [[0.0], [1.0]]}, re.escape("near must have shape (1,), got (2, 1)")),
    ],
)
def test_a_landscape_without_the_asked_saddle(loss, call, message):
    with pytest.raises(ValueError, match=message):
        find_saddle(Landscape(loss, "x"), **call)


def test_a_landscape_without_the_asked_minimum():
    with pytest.raises(ValueError, match=r"near = 1\.0: the landscape has no minimum"):
        find_minimum(Landscape("x", "x"), near=1.0)
    with pytest.raises(ValueError, match="no saddle"):
        find_saddle(Landscape("-x**2 - y**2", "x y"), near=[0.1, 0.0])  # a maximum: two negative curvatures


@every(
    ("change", "message"),
    [
        ({"config": -1.0}, "config must be a positive finite number, the temperature T, or an SGDConfig, got -1.0"),
        ({"minimum": 0.0}, r"minimum must have positive curvature in every direction, got \(-1\) at \(0\)"),
        ({"minimum": 0.5}, r"minimum must be a point without slope; the gradient at \(0.5\) is \(-0.375\)"),
        ({"saddle": 1.0}, "saddle must have one negative curvature"),
        (
            {"landscape": Landscape("x**4/4 - x**2/2 + 0*y", "x y"), "minimum": [-1, 0]},
            "minimum must have positive curv",
        ),
        (
            {"landscape": Landscape("-x**2 - y**2 + (x - 3)**2*(y - 3)**2/9", "x y"), "saddle": [0.0, 0.0]},
            "minimum must",
        ),
        ({"minimum": [-1.0, 0.0]}, r"minimum must have shape \(..., 1\)"),
        (
            {"landscape": Landscape("sin(x) - x/10", "x"), "minimum": 4.8124, "saddle": 1.4706},
            "minimum must be a point",
        ),
        (
            {
                "landscape": Landscape("x**4/4 - x**2/2 + y**2", "x y", noise_covariance=[["1", "0"], ["0", "2"]]),
                "minimum": [-1.0, 0.0],
                "saddle": [0.0, 0.0],
            },
            "landscape must have the covariance F = σ²·I",
        ),
        (
            {
                "landscape": Landscape("x**4/4 - x**2/2 + y**2", "x y", noise_covariance="1 + x**2"),
                "minimum": [-1.0, 0.0],
                "saddle": [0.0, 0.0],
            },
            "landscape must have the covariance F = σ²·I",
        ),
        ({"landscape": Landscape("x**4/4 - x**2/2", "x", noise_covariance="x + 1/2")}, "positive covariance F"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    call = {"landscape": WELL, "config": 0.1, "minimum": -1.0, "saddle": 0.0} | change
    with pytest.raises(ValueError, match=message):
        eyring_kramers_time(**call)


def test_a_saddle_below_the_minimum():
    steps = Landscape("sin(x) + x/5", "x")
    minimum = find_minimum(steps, 4.5)
    lower = find_saddle(steps, near=1.7 - 4 * math.pi)
    with pytest.raises(ValueError, match="saddle must be higher than the minimum"):
        eyring_kramers_time(steps, 0.1, minimum, lower)
    with pytest.raises(ValueError, match="share must be a finite real number from 0 to 1, got 2"):
        hessian_noise_escape_time(WELL, 0.1, -1.0, 0.0, share=2)
