"""Exit times against closed forms, high-precision quadrature and simulation, none of which shares code with them."""

import math
from dataclasses import replace
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfi
from tables import every

import sgdsde as sg
from sgdsde.landscapes import Landscape
from sgdsde.landscapes.catalog import named
from sgdsde.theory.density import stationary_density
from sgdsde.theory.escape import exit_time_moments, mean_exit_time, splitting_probability
from sgdsde.theory.interval import interval

#: T = 0.2, and an update is 0.21.
CONFIG = sg.SGDConfig(learning_rate=0.105, batch_size=1, n_examples=21, momentum=0.5)
NOISY_WELL = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
WELL = Landscape("x**4/4 - x**2/2", "x")


#: By the double integral of `by_quadrature` with T = 1/5 in 30 digits of mpmath.
REFERENCE = 18.7459247083128076340


def exponent(x, temperature):
    """I of the noisy well in closed form: L'/F = 2x − 3x/(1 + x²/2)."""
    return 2 / temperature * (x**2 - 3 * math.log(1 + x**2 / 2))


def by_quadrature(temperature, start, right, ito=True):
    """The sheet's double integral for the noisy well; without `ito` the factor 1/F is left out."""

    def density(z):
        return math.exp(-exponent(z, temperature)) / (temperature * (1 + z * z / 2 if ito else 1))

    def inner(y):
        return quad(density, -8, y, points=[-1.5, -1.0, -0.5], epsabs=0, epsrel=1e-12)[0]

    return 2 * quad(lambda y: math.exp(exponent(y, temperature)) * inner(y), start, right, epsabs=0, epsrel=1e-11)[0]


def test_the_reference_case():
    assert mean_exit_time(NOISY_WELL, 0.2, -1.0, right=0.0) == pytest.approx(REFERENCE, rel=1e-12)
    assert mean_exit_time(NOISY_WELL, 0.2, 1.0, left=0.0) == pytest.approx(REFERENCE, rel=1e-12)
    assert by_quadrature(0.2, -1.0, 0.0) == pytest.approx(REFERENCE, rel=1e-9)
    assert abs(by_quadrature(0.2, -1.0, 0.0, ito=False) / REFERENCE - 1) > 0.2  # the negative control


def test_a_finite_difference_solution_of_the_boundary_problem():
    """−L'u' + (T F/2)u'' = −1, u(0) = 0, u'(−4) = 0, Richardson over two grids; moments by the same recursion."""

    def solve(n):
        x = np.linspace(-4, 0, n + 1)
        step, drift, diffusion = 4 / n, -(x**3 - x), 0.2 * (1 + x**2 / 2) / 2
        low, high = diffusion / step**2 - drift / (2 * step), diffusion / step**2 + drift / (2 * step)
        matrix = np.diag(-2 * diffusion / step**2) + np.diag(low[1:], -1) + np.diag(high[:-1], 1)
        matrix[0, 1] += low[0]
        u = np.ones(n)
        found = []
        for order in (1, 2):
            u = np.linalg.solve(matrix[:-1, :-1], -order * u)
            found.append(u[3 * n // 4])
        return np.array(found)

    coarse, fine = solve(1000), solve(2000)
    exact = exit_time_moments(NOISY_WELL, 0.2, -1.0, right=0.0)
    np.testing.assert_allclose((4 * fine - coarse) / 3, exact, rtol=1e-6)


@every("temperature", [5.0, 1.0, 0.1, 1 / 30, 1 / 200])
@every("strength", [1.0, 2.5])
def test_ornstein_uhlenbeck(temperature, strength):
    """From 0 through ±b with D = Tσ²/2: ∫₀^{b/√D} √(π/2) e^{u²/2} erf(u/√2) du; through b alone (π/2) erfi more."""
    landscape, scale = Landscape("x**2/2", "x", noise_covariance=strength), math.sqrt(temperature * strength / 2)

    def density(u):
        return math.sqrt(math.pi / 2) * math.exp(u * u / 2) * math.erf(u / math.sqrt(2))

    parts = pairwise(np.linspace(0, 1 / scale, 9))  # positive: each is known to 1e-12, and their sum
    both = sum(quad(density, *part, epsabs=0, epsrel=1e-12)[0] for part in parts)
    one = both + math.pi / 2 * erfi(1 / scale / math.sqrt(2))
    assert mean_exit_time(landscape, temperature, 0.0, -1.0, 1.0) == pytest.approx(both, rel=1e-10)
    assert mean_exit_time(landscape, temperature, 0.0, right=1.0) == pytest.approx(one, rel=1e-10)
    assert mean_exit_time(landscape, temperature, 0.0, left=-1.0) == pytest.approx(one, rel=1e-10)
    ratio = erfi(0.3 / scale / math.sqrt(2)) / erfi(1 / scale / math.sqrt(2)) if temperature > 0.01 else None
    if ratio is not None:
        found = splitting_probability(landscape, temperature, 0.3, 0.0, 1.0)
        assert found == pytest.approx(ratio, rel=1e-10)


@every("drift", [-30.0, -2.0, 0.0, 1e-9, 0.5, 30.0])
def test_brownian_motion_with_drift(drift):
    """Between 0 and b from x, with μ and D = T/2: Wald's identities E τ = (b P − x)/μ."""
    temperature, x, b = 0.8, 0.3, 1.0
    landscape = Landscape("-m*x", "x", {"m": drift})
    with mpmath.workdps(40):
        rate = 2 * mpmath.mpf(drift) / mpmath.mpf(temperature)
        a, e = mpmath.mpf(x), mpmath.mpf(b)
        if drift:
            chance = mpmath.expm1(-rate * a) / mpmath.expm1(-rate * e)
            time = (e * chance - a) / mpmath.mpf(drift)
        else:
            chance, time = a / e, a * (e - a) / mpmath.mpf(temperature)
    assert splitting_probability(landscape, temperature, x, 0.0, b) == pytest.approx(float(chance), rel=1e-11)
    assert mean_exit_time(landscape, temperature, x, 0.0, b) == pytest.approx(float(time), rel=1e-10)
    if drift > 0:  # with nothing on the left: the mean is distance/μ, the variance T·distance/μ³
        first, second = exit_time_moments(landscape, temperature, x, right=b)
        assert first == pytest.approx((b - x) / drift, rel=1e-10)
        assert second == pytest.approx(first**2 + temperature * (b - x) / drift**3, rel=1e-10)
    else:
        with pytest.raises(ValueError, match=r"left must be a number.*nothing holds the paths"):
            mean_exit_time(landscape, temperature, x, right=b)


def test_moments_of_free_brownian_motion():
    """E τ and E τ² of W from the middle of (−1, 1): 1 and 5/3, and the third moment is 61/15."""
    found = exit_time_moments(Landscape("0", "x"), 1.0, 0.0, -1.0, 1.0, moments=3)
    np.testing.assert_allclose(found, [1, 5 / 3, 61 / 15], rtol=1e-12)


def test_multiplicative_noise_with_power_law_tails():
    """L = x²/2, F = 1 + r x²: the density is a Student's t, whose tails reach far; against quadrature in x = sinh."""
    r, temperature = 0.5, 4.0
    power = 2 / (temperature * r) / 2
    found = mean_exit_time(named("multiplicative", r=r), temperature, 0.0, right=1.0)

    def mass(y):
        tail = 2 / temperature
        return tail * quad(lambda u: (1 + r * math.sinh(u) ** 2) ** (-1 - power) * math.cosh(u), -80, math.asinh(y))[0]

    exact = quad(lambda y: (1 + r * y * y) ** power * mass(y), 0, 1)[0]
    assert found == pytest.approx(exact, rel=1e-8)


def test_far_wells_behind_high_barriers_count():
    """Equal wells at −1, 0, 1 with equal barriers: left open, the paths also wait in the well at −1."""
    wells, temperature = Landscape("x**2*(x**2 - 1)**2", "x"), 0.005
    one_sided = mean_exit_time(wells, temperature, 0.0, right=0.8)

    def weight(low, high):
        scale = math.sqrt(temperature)
        points = np.linspace(low, high, 40)
        return sum(
            quad(lambda x: math.exp(-2 * x**2 * (x**2 - 1) ** 2 / temperature) / scale, a, b, epsabs=0)[0]
            for a, b in pairwise(points)
        )

    with mpmath.workdps(20):
        over = mpmath.quad(
            lambda x: mpmath.e ** (2 * x**2 * (x**2 - 1) ** 2 / mpmath.mpf(temperature)), [0.3, 0.5, 0.577, 0.65, 0.75]
        )
    both_wells = float(over) * weight(-1.5, 0.4) * 2 / math.sqrt(temperature)
    assert one_sided == pytest.approx(both_wells, rel=1e-4)
    assert one_sided > 2.5 * mean_exit_time(wells, temperature, 0.0, left=-0.8, right=0.8)


def test_escape_from_deep_wells_is_exponential():
    moments = exit_time_moments(WELL, 0.02, -1.0, right=0.5, moments=3)
    np.testing.assert_allclose(moments / moments[0] ** np.arange(1, 4), [1, 2, 6], rtol=1e-6)
    shallow = exit_time_moments(WELL, 2.0, -1.0, right=0.5)
    assert abs(shallow[1] / shallow[0] ** 2 - 2) > 0.1  # the negative control


def test_scales_of_any_size():
    """x → 10⁶x and 10⁻⁶x; barriers of thousands of temperatures end at inf, not in an error."""
    for size in (1e-6, 1e6):
        landscape = Landscape("(x/s)**4/4 - (x/s)**2/2", "x", {"s": size}, noise_covariance="1 + (x/s)**2/2")
        found = mean_exit_time(landscape, 0.2 * 1.0, -size, right=0.0) / size**2
        assert found == pytest.approx(mean_exit_time(NOISY_WELL, 0.2, -1.0, right=0.0), rel=1e-10)
    assert mean_exit_time(WELL, 1e-4, -1.0, right=0.0) == math.inf
    assert mean_exit_time(WELL, 1e-3, 3.0, left=0.5) > 1e120


def test_kinks_jumps_and_steep_tails():
    """L = |x|, F = 1 or 2 by side, in closed form on the left of 0; cosh for tails steeper than any power."""
    landscape = Landscape("abs(x)", "x", noise_covariance="1.5 + max(min(x*10**13, 1), -1)/2")
    temperature = 1.0
    inner = 2 * quad(lambda y: math.exp(y) * (0.5 + 0.5 * (1 - math.exp(-y))), 0, 1)[0]
    assert mean_exit_time(landscape, temperature, 0.0, right=1.0) == pytest.approx(inner, rel=1e-9)
    assert 0 < mean_exit_time(Landscape("cosh(10*x)/100", "x"), 0.3, 0.0, right=0.5) < 1e3


def test_the_stationary_density():
    density = stationary_density(NOISY_WELL, 0.2, (-4.0, 4.0))
    x = np.linspace(-2, 2, 41)
    norm = quad(lambda z: math.exp(-exponent(z, 0.2)) / (1 + z * z / 2), -4, 4, epsabs=0, epsrel=1e-12, limit=200)[0]
    exact = np.array([math.exp(-exponent(z, 0.2)) / (1 + z * z / 2) for z in x]) / norm
    np.testing.assert_allclose(density(x), exact, rtol=1e-9)
    without = exact * (1 + x**2 / 2)
    assert np.abs(without / without.sum() / (exact / exact.sum()) - 1).max() > 0.2  # the negative control
    assert density(np.array([[-5.0, 4.1]])).tolist() == [[0.0, 0.0]]
    assert density(0.3).shape == ()
    assert np.isnan(density([np.nan, 0.0])).tolist() == [True, False]
    narrow = stationary_density(NOISY_WELL, 1e-3, (-4.0, 4.0))
    assert quad(narrow, 0.6, 1.4, points=[1.0], epsrel=1e-9)[0] == pytest.approx(0.5, rel=1e-7)


def test_simulated_exits():
    """Paths looked at every dt: exits are of a bound 0.5826 √(T F dt) further (Broadie, Glasserman & Kou 1997)."""
    temperature, paths, dt = 0.4, 4000, 0.02
    run = sg.integrate(
        NOISY_WELL, [-1.0], 50.0, 10_000, paths, temperature=temperature, scheme="milstein", seed=3, save_every=4
    )
    out = run.snapshots[:, :, 0] > 0.0
    times = np.where(out.any(axis=0), out.argmax(axis=0), len(out)) * dt
    moved = 0.5826 * math.sqrt(temperature * dt)
    exact = exit_time_moments(NOISY_WELL, temperature, -1.0, right=moved)
    error = math.sqrt((exact[1] - exact[0] ** 2) / paths)
    assert error < 0.018 * exact[0]
    assert abs(times.mean() - exact[0]) < 4 * error
    assert abs(times.mean() - by_quadrature(temperature, -1.0, moved, ito=False)) > 8 * error  # the negative control


@every(
    ("change", "message"),
    [
        ({"config": 0.0}, "config must be a positive finite number, the temperature T, or an SGDConfig, got 0.0"),
        ({"config": math.nan}, "config must be a positive finite number, the temperature T, or an SGDConfig, got nan"),
        ({"config": "hot"}, "config must be a positive finite number, the temperature T, or an SGDConfig, got 'hot'"),
        ({"config": True}, "config must be a positive finite number, the temperature T, or an SGDConfig, got True"),
        ({"config": replace(CONFIG, weight_decay=0.1)}, "config must have weight_decay = 0 here, got 0.1"),
        ({"config": replace(CONFIG, batch_size=21)}, "config must have noise"),
        ({"config": 1e-7}, "config must have a temperature above 1e-07"),
        ({"w0": 0.0}, "right must be above w0 = 0, got 0.0"),
        ({"left": -0.5}, "left must be below w0 = -1, got -0.5"),
        ({"right": math.inf}, "right must be a finite real number, got inf"),
        ({"right": None}, "left or right must be a number, or stop a condition"),
        ({"stop": "x > 0"}, "give stop, or left and right, not both"),
        ({"right": None, "stop": "x < 0"}, "w0 must be outside of stop, where paths end; 'x < 0' holds at -1"),
        ({"right": None, "stop": "x > -1"}, "w0 must be outside of stop, where paths end; -1 is on the edge"),
        ({"right": None, "stop": "x > 1 and x < 1"}, "stop must hold somewhere that paths from w0 = -1 can reach"),
        ({"right": None, "stop": "sin(x) > 2"}, "stop must hold somewhere that paths from w0 = -1 can reach"),
        ({"right": None, "stop": "y > 1"}, "stop: y is not a known name"),
        ({"right": None, "stop": 3}, "stop must be a condition such as 'x > 0', or several by name, got 3"),
        ({"right": None, "stop": "x > 0", "landscape": Landscape("x", "x")}, "stop must hold somewhere on the left: "),
        ({"landscape": Landscape("x**2 + y**2", "x y")}, "landscape must have one variable, got 2: x, y"),
        ({"landscape": Landscape("-x**2", "x")}, "left must be a number"),
        (
            {"landscape": Landscape("x**2", "x", noise_covariance="x**2"), "left": -2.0, "right": 1.0},
            "positive covariance F",
        ),
        ({"landscape": Landscape("log(x)", "x"), "left": -2.0}, "finite gradient"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    call = {"landscape": WELL, "config": 0.2, "w0": -1.0, "right": 0.0} | change
    with pytest.raises(ValueError, match=message):
        mean_exit_time(**call)


def test_a_config_counts_in_updates():
    """An update is ε/(1 − m) of the SDE's time s, and T is the config's: moments, densities and probabilities too."""
    t = CONFIG.temperature
    assert t == pytest.approx(0.2)
    found = exit_time_moments(NOISY_WELL, CONFIG, -1.0, right=0.0, moments=3)
    in_time = exit_time_moments(NOISY_WELL, t, -1.0, right=0.0, moments=3)
    np.testing.assert_allclose(found, in_time / 0.21 ** np.arange(1, 4), rtol=1e-12)
    assert found[0] == pytest.approx(REFERENCE / 0.21, rel=1e-9)
    assert mean_exit_time(NOISY_WELL, CONFIG, w0=-1.0, stop="x > 0") == pytest.approx(found[0], rel=1e-12)
    assert splitting_probability(WELL, CONFIG, 0.1, -1.0, 1.0) == splitting_probability(WELL, t, 0.1, -1.0, 1.0)
    assert stationary_density(WELL, CONFIG, (-3, 3))(0.5) == stationary_density(WELL, t, (-3, 3))(0.5)
    assert abs(REFERENCE / CONFIG.learning_rate / found[0] - 1) > 0.5  # without 1 − m, the negative control


def test_a_config_counts_updates_as_a_simulation_does():
    """Bridges end paths inside of steps, ten a update: what is left of the bias is less than 1 %."""
    config, paths = sg.SGDConfig(learning_rate=0.02, batch_size=1, n_examples=41, momentum=0.9), 3000
    exact = exit_time_moments(NOISY_WELL, config, -1.0, stop="x > 0")
    run = sg.simulate_sde(
        NOISY_WELL, config, [-1.0], updates=4000, paths=paths, substeps=10, scheme="milstein", seed=4, stop="x > 0"
    )
    error = math.sqrt((exact[1] - exact[0] ** 2) / paths)
    assert run.exits.censored == 0
    assert abs(run.exits.update.mean() - exact[0]) < 4 * error + 0.01 * exact[0]
    assert 4 * error < 0.08 * exact[0]


@pytest.mark.parametrize(
    ("stop", "ends"),
    [
        ("x > 0", (None, 0.0)),
        ("x > 0 or x < -2", (-2.0, 0.0)),
        ("x > a/3", (None, 0.1 / 3)),
        ("3*x > a or -x/7 > 1", (-7.0, 0.1 / 3)),
        ("x > 1 and x < 1.0000001 or x > 5", (None, 1.0)),  # no grid would see this one
        ("x > 1e15", (None, 1e15)),
        ("x > 1e-200 - 1 and x > -1/2", (None, -0.5)),
        ("x**2 < 1/4", (None, -0.5)),
        ("x**2 < 1/4 or x**2 > 3", (-math.sqrt(3), -0.5)),
        ("exp(x) > 2 or sin(x) < -0.9", (-math.asin(0.9), math.log(2))),
        ("log(x) > 1", (None, math.e)),
        ({"up": "x > 2", "down": "x < -3", "far": "x > 4"}, (-3.0, 2.0)),
    ],
)
def test_ends_of_a_condition(stop, ends):
    start = -0.99 if "sin" not in str(stop) else -1.0
    landscape = Landscape("x**2", "x", {"a": 0.1})
    x0, found = interval(landscape, start, stop=stop)
    assert x0 == start
    for end, expected in zip(found, ends, strict=True):
        assert (end is None) == (expected is None)
        assert end is None or end == pytest.approx(expected, rel=1e-15, abs=0)


def test_other_functions_refuse_too():
    with pytest.raises(ValueError, match="moments must be an integer of at least 1, got 0"):
        exit_time_moments(WELL, 0.2, -1.0, right=0.0, moments=0)
    with pytest.raises(ValueError, match="right must be above w0 = 2"):
        splitting_probability(WELL, 0.2, 2.0, -1.0, 1.0)
    for box in ((1.0, -1.0), 3.0, (0.0, math.inf), (0.0, 1.0, 2.0)):
        with pytest.raises(ValueError, match="box must be two finite numbers"):
            stationary_density(WELL, 0.2, box)
