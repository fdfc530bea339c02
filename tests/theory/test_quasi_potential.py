"""Least actions against closed forms, linear theory, and the Fokker–Planck equation at falling temperatures."""

import functools
import math
import re

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov
from scipy.optimize import brentq, minimize

from sgdsde.landscapes import Landscape, find_minimum, find_saddle
from sgdsde.landscapes.catalog import minima, named
from sgdsde.theory import FokkerPlanck, minimum_action_path, quasi_potential
from sgdsde.theory.action import Frame
from sgdsde.theory.batch_action import BatchFrame
from sgdsde.theory.fokker_planck import extrapolated
from sgdsde.theory.generating import generating_function
from sgdsde.whitened import whitened_examples

#: Oblique noise that depends on the place: −F⁻¹∇L is no gradient, and nothing is known in closed form.
BOWL = Landscape(
    "x**2/2 + y**2 + x*y/2",
    "x y",
    noise_covariance=[["1 + x**2", "0.4 + x*y/4"], ["0.4 + x*y/4", "1/2 + y**2/2"]],
)
WELLS = Landscape(
    "x**4/4 - x**2/2 + y**2/2 + x*y/4",
    "x y",
    noise_covariance=[["1 + x**2/2", "0.3*y"], ["0.3*y", "1/2 + y**2/4 + x**2"]],
)


@functools.cache
def ends_of(landscape, one=(-1.0, 0.2), other=(1.0, -0.2)):
    first, second = find_minimum(landscape, one), find_minimum(landscape, other)
    return first, find_saddle(landscape, between=(first, second)), second


@pytest.mark.parametrize(("name", "first", "second"), [("mueller_brown", 0, 1), ("mueller_brown", 1, 0)])
def test_isotropic_noise_climbs_the_loss(name, first, second):
    """2ΔL/σ², and the path is one of steepest ascent."""
    landscape, wells = named(name), minima(name)
    saddle = find_saddle(landscape, between=(wells[first], wells[second]))
    found = minimum_action_path(landscape, wells[first], saddle)
    strength = float(landscape.noise_covariance(saddle)[0, 0])
    exact = 2 * float(landscape.loss(saddle) - landscape.loss(wells[first])) / strength
    assert abs(found.action - exact) < found.error / 10 < 1e-4 * exact
    inner = found.path[5:-5]
    slope, along = landscape.gradient(inner), found.path[6:-4] - found.path[4:-6]
    across = slope[:, 0] * along[:, 1] - slope[:, 1] * along[:, 0]
    assert np.abs(across / np.linalg.norm(slope, axis=1) / np.linalg.norm(along, axis=1)).max() < 0.02
    climbed = 2 * (landscape.loss(found.path) - landscape.loss(wells[first])) / strength
    np.testing.assert_allclose(found.along, climbed, atol=2e-3 * exact)


def test_of_order_two_and_extrapolated_beyond():
    landscape = named("mueller_brown")
    first, second, _ = minima("mueller_brown")
    saddle = find_saddle(landscape, between=(first, second))
    exact = 2 * float(landscape.loss(saddle) - landscape.loss(first)) / float(landscape.noise_covariance(saddle)[0, 0])
    polygons, values = [], []
    for segments in (64, 128, 256):
        found = minimum_action_path(landscape, first, saddle, segments=segments)
        polygons.append(found.along[-1] - exact)
        values.append(abs(found.action - exact))
        assert values[-1] < found.error
    np.testing.assert_allclose(np.array(polygons[:-1]) / polygons[1:], 4, rtol=0.05)
    assert values[1] < values[0] / 8
    assert values[1] < abs(polygons[1]) / 100


def test_one_dimension():
    noisy = Landscape("x**4/4 - x**2/2", "x", noise_covariance="1 + x**2/2")
    for end in (0.0, -0.4, -1.7):
        exact = quad(lambda x: 2 * (x**3 - x) / (1 + x**2 / 2), -1, end, epsabs=0)[0]
        found = minimum_action_path(noisy, -1.0, end)
        assert abs(found.action - exact) < found.error
        assert found.error < 2e-4
    over = quasi_potential(noisy, -1.0, [[0.0], [0.5], [1.0]])  # beyond the barrier nothing is climbed
    np.testing.assert_allclose(over, over[0], rtol=1e-5)
    assert quasi_potential(noisy, -1.0, [[-1.0], [0.0]]).tolist() == [0.0, over[0]]


@pytest.mark.parametrize("dimension", [2, 4])
def test_linear_drift_has_lyapunovs_quadratic(dimension):
    """HΣ + ΣH = F: S = ωᵀΣ⁻¹ω/2, the stationary law being normal with the covariance TΣ."""
    rng = np.random.default_rng(dimension)
    factors = rng.normal(size=(2, dimension, dimension))
    h, f = factors @ np.swapaxes(factors, 1, 2) + 0.3 * np.eye(dimension)
    names = [f"x{i}" for i in range(dimension)]
    loss = " + ".join(f"({float(h[i, j]) / 2!r})*x{i}*x{j}" for i in range(dimension) for j in range(dimension))
    bowl = Landscape(loss, names, noise_covariance=[[repr(float(value)) for value in row] for row in f])
    points = rng.normal(size=(3, dimension))
    found = [minimum_action_path(bowl, np.zeros(dimension), point) for point in points]
    inverse = np.linalg.inv(solve_continuous_lyapunov(h, f))
    exact = np.einsum("ni,ij,nj->n", points, inverse, points) / 2
    np.testing.assert_allclose([each.action for each in found], exact, rtol=1e-5)
    assert (np.abs([each.action for each in found] - exact) < [each.error for each in found]).all()
    without = np.einsum("ni,ij,nj->n", points, h @ np.linalg.inv(f), points)  # the negative control: ωᵀHF⁻¹ω
    assert np.abs(without / exact - 1).max() > 0.02


def test_units_do_not_matter():
    """ω → uω with L → u²L and F → u²F is the same process; nine times the noise is a ninth of the action."""
    first, saddle, _ = ends_of(WELLS)
    plain = minimum_action_path(WELLS, first, saddle).action
    for u in (1e-6, 1e6):
        scaled = Landscape(
            "u**2*((x/u)**4/4 - (x/u)**2/2 + (y/u)**2/2 + x*y/u**2/4)",
            "x y",
            {"u": u},
            noise_covariance=[
                ["u**2*(1 + (x/u)**2/2)", "u**2*0.3*y/u"],
                ["u**2*0.3*y/u", "u**2*(1/2 + (y/u)**2/4 + (x/u)**2)"],
            ],
        )
        assert minimum_action_path(scaled, u * first, u * saddle).action == pytest.approx(plain, rel=1e-6)
    ninefold = Landscape(
        WELLS.text, "x y", noise_covariance=[["9*(1 + x**2/2)", "2.7*y"], ["2.7*y", "9*(1/2 + y**2/4 + x**2)"]]
    )
    assert minimum_action_path(ninefold, first, saddle).action == pytest.approx(plain / 9, rel=1e-6)


def test_the_derivatives_of_the_action():
    rng = np.random.default_rng(0)
    frame = Frame(BOWL, np.array([0.1, -0.2]), np.array([[1.0, 0.3], [0.0, 0.8]]), 1.0)
    step, middle, h = rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), 1e-5
    _, by_step, by_middle = frame.segments(step, middle)
    for i, way in enumerate(np.eye(2) * h):
        numeric = (frame.segments(step + way, middle)[0] - frame.segments(step - way, middle)[0]) / (2 * h)
        np.testing.assert_allclose(by_step[:, i], numeric, rtol=1e-7, atol=1e-8)
        numeric = (frame.segments(step, middle + way)[0] - frame.segments(step, middle - way)[0]) / (2 * h)
        np.testing.assert_allclose(by_middle[:, i], numeric, rtol=1e-7, atol=1e-8)


def test_no_polygon_has_less_action():
    """An optimiser that knows no derivatives bends the path found by two waves: it gains nothing to first order."""
    first, saddle, _ = ends_of(WELLS)
    found = minimum_action_path(WELLS, first, saddle)
    frame = Frame(WELLS, np.zeros(2), np.eye(2), 1.0)
    bumps = np.sin(np.pi * np.outer(np.arange(129) / 128, np.arange(1, 3)))

    def action(shift):
        return float(frame.actions(found.path + bumps @ shift.reshape(2, 2)).sum())

    better = minimize(action, np.zeros(4), method="Powell", options={"xtol": 1e-6, "ftol": 1e-12})
    assert action(np.zeros(4)) - better.fun < 2e-5 * found.action  # points that slide along it change the polygon
    assert action(np.full(4, 0.05)) > 1.01 * found.action  # the negative control


def test_the_stationary_density_at_falling_temperatures():
    """−T ln p(ω)/p(0) = S + cT + O(T²), c from the prefactors: taken out by two temperatures."""
    points = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.8], [-0.9, 0.7]])
    action = quasi_potential(BOWL, [0.0, 0.0], points, segments=64)

    def measured(temperature):
        def logarithms(cells):
            plain = FokkerPlanck(BOWL, temperature, ((-2, 2), (-2, 2)), cells)
            log_density = np.log(np.maximum(plain.stationary(), 1e-300))
            at = plain.interpolate(log_density, np.vstack([[0.0, 0.0], points]))
            return -temperature * (at[1:] - at[0])

        return extrapolated(logarithms, 80)[0]

    hot, cold = measured(0.16), measured(0.08)
    np.testing.assert_allclose(2 * cold - hot, action, rtol=5e-3)
    assert (np.abs(cold / action - 1) > 0.02).all()  # the limit is needed
    assert np.abs(2 * BOWL.loss(points) / action - 1).max() > 0.3  # negative controls: F = I, and F of the minimum
    inverse = np.linalg.inv(solve_continuous_lyapunov(BOWL.hessian([0.0, 0.0]), BOWL.noise_covariance([0.0, 0.0])))
    assert np.abs(np.einsum("ni,ij,nj->n", points, inverse, points) / 2 / action - 1).max() > 0.2


def test_exit_times_at_falling_temperatures():
    """ln τ = S/T + a + bT + …: slopes in 1/T err by −b T₁T₂, which a ratio of temperatures of 2 takes out."""
    first, saddle, _ = ends_of(WELLS)
    found = minimum_action_path(WELLS, first, saddle)
    logs, temperatures = [], np.array([0.06, 0.03, 0.015])
    for temperature in temperatures:
        plain = FokkerPlanck(WELLS, temperature, ((-2.0, 1.4), (-1.3, 1.6)), (170, 145))
        logs.append(math.log(plain.interpolate(plain.mean_exit_times("x > 0.8"), first)))
    slopes = np.diff(logs) / np.diff(1 / temperatures)
    assert (4 * slopes[1] - slopes[0]) / 3 == pytest.approx(found.action, rel=2e-3)
    straight = 2 * float(WELLS.loss(saddle) - WELLS.loss(first))
    assert abs(straight / found.action - 1) > 0.1  # the negative control: 2ΔL


def test_the_least_on_a_border():
    """Out of an ellipse the exit is where V is least, at the ends of the long axis of Σ⁻¹ and not where L is least."""
    angle = np.linspace(0, np.pi, 13)
    border = np.column_stack([np.cos(angle), np.sin(angle)])
    bowl = Landscape("x**2/2 + y**2", "x y", noise_covariance=[["1/4", "0"], ["0", "4"]])
    found = quasi_potential(bowl, [0.0, 0.0], border, segments=64)
    assert found.argmin() == 6
    assert bowl.loss(border).argmin() in (0, 12)
    assert found[6] == pytest.approx(0.5, rel=1e-6)  # 2h/σ² · ½ = 2·2/4 · ½


def test_another_first_path_another_way_round():
    """A hill between two passes: the lower one is found from a path through it."""
    hill = Landscape("(x**2 - 1)**2/4 + y**2*(1 + 0*x)/2 + exp(-8*(x**2 + y**2)) + x*0 + y/20", "x y")
    first = find_minimum(hill, [-1.0, 0.0])
    second = find_minimum(hill, [1.0, 0.0])
    passes = [find_saddle(hill, near=[0.0, side]) for side in (-0.5, 0.5)]
    low, high = (minimum_action_path(hill, first, saddle).action for saddle in passes)
    exact = [2 * float(hill.loss(saddle) - hill.loss(first)) for saddle in passes]
    np.testing.assert_allclose([low, high], exact, rtol=1e-4)
    assert low < high
    assert second[0] > 0
    round_about = minimum_action_path(hill, first, passes[0], initial=[[-0.5, -0.6], [-0.2, -0.6]])
    assert round_about.action == pytest.approx(low, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"end": [-1.03077640640, 0.2576941016]}, None),
        ({"start": [0.0, 0.0]}, "start must have positive curvature in every direction"),
        ({"start": [0.3, 0.0]}, "start must be a point without slope"),
        ({"start": [[0.3, 0.0]]}, re.escape("start must have shape (2,), got (1, 2)")),
        ({"end": [0.0]}, re.escape("end must have shape (..., 2)")),
        ({"segments": 100}, "segments must be an integer of at least 64 and a multiple of 8, got 100"),
        ({"segments": True}, "segments must be an integer of at least 64 and a multiple of 8, got True"),
        ({"initial": [[[0.0, 0.0]]]}, re.escape("initial must have shape (m, 2), got (1, 1, 2)")),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    first, saddle, _ = ends_of(WELLS)
    call = {"landscape": WELLS, "start": first, "end": saddle} | change
    if message is None:
        call["end"], message = first, "end must differ from start"
    with pytest.raises(ValueError, match=message):
        minimum_action_path(**call)


def test_noise_that_is_missing_on_the_way_is_refused():
    flat = Landscape("x**2 + y**2", "x y", noise_covariance=[["1", "1"], ["1", "1"]])
    with pytest.raises(ValueError, match=r"positive definite covariance F on the way; at \(0, 0\)"):
        minimum_action_path(flat, [0.0, 0.0], [1.0, 0.0])
    fading = Landscape("x**2", "x", noise_covariance="1 - x")
    with pytest.raises(ValueError, match="positive definite covariance F on the way; at"):
        minimum_action_path(fading, 0.0, 2.0)
    broken = Landscape("x**2*sqrt(2 - x)", "x")
    with pytest.raises(ValueError, match="finite ∇L and F on the way"):
        minimum_action_path(broken, 0.0, 3.0)


def test_a_path_bent_at_a_saddle_is_refused_with_the_reason():
    first, _, second = ends_of(WELLS)
    with pytest.raises(RuntimeError, match=r"a further step would lower the action .* meets a point without slope"):
        minimum_action_path(WELLS, first, second)


# --- SGD's own, by the generating function of its examples ----------------------------------------------------------


def root(slope, noise, law):
    """θ ≠ 0 with −θ L' + K(√F θ) = 0."""

    def h(theta):
        return law(np.sqrt(noise) * theta) / theta - slope

    high = 2 * slope / noise
    while h(high) * slope < 0:
        high *= 2
    low = high
    while h(low) * slope > 0:
        low /= 2
    return brentq(h, low, high, xtol=1e-14)


def log_cosh(eta):
    return math.log(math.cosh(eta))


SKEWED = np.array([[-0.5], [-0.4], [-0.7], [-0.2], [0.1], [3.0]])
NOISY = Landscape("x**4/4 - x**2/2", "x", noise_covariance="0.3 + 0.15*x**2")


@pytest.mark.parametrize("examples", ["gaussian", "rademacher", SKEWED, -SKEWED], ids=["normal", "signs", "up", "down"])
def test_one_dimension_is_the_integral_of_the_root(examples):
    if isinstance(examples, str):
        law = log_cosh if examples == "rademacher" else lambda eta: eta**2 / 2
    else:
        table = whitened_examples(examples, 6, 1)
        law = lambda eta: float(np.log(np.mean(np.exp(-eta * table))))  # noqa: E731
    found = minimum_action_path(NOISY, -1.0, -0.1, examples=examples, segments=64)
    exact = quad(
        lambda x: root(x**3 - x, 0.3 + 0.15 * x**2, law) if abs(x + 1) > 1e-9 else 0.0, -1, -0.1, epsabs=1e-10
    )[0]
    assert abs(found.action - exact) < found.error < 1e-3 * max(1, exact)
    plain = minimum_action_path(NOISY, -1.0, -0.1, segments=64).action
    assert (abs(found.action / plain - 1) < 1e-9) == (isinstance(examples, str) and examples == "gaussian")


def test_normal_examples_are_the_sde():
    end = [0.6, 0.5]
    plain = minimum_action_path(BOWL, [0.0, 0.0], end, segments=64)
    normal = minimum_action_path(BOWL, [0.0, 0.0], end, examples="gaussian", segments=64)
    assert normal.action == pytest.approx(plain.action, rel=1e-8)
    np.testing.assert_allclose(normal.path, plain.path, atol=1e-6)


def test_signs_of_two_variables_add_up():
    """Where L and A are sums and diagonal, S is the sum of those of one variable, and no straight line reaches it."""
    bowl = Landscape("x**2/2 + y**2", "x y", noise_factor=[["1.2", "0"], ["0", "2.5"]])
    end = (0.8, 0.6)
    found = quasi_potential(bowl, [0.0, 0.0], [end], examples="rademacher", segments=64)[0]
    exact = sum(
        quad(lambda x, h=h, f=f: root(h * x, f, log_cosh) if x > 1e-9 else 0.0, 0, z)[0]
        for z, h, f in zip(end, (1.0, 2.0), (1.44, 6.25), strict=True)
    )
    assert found == pytest.approx(exact, rel=1e-5)
    assert quasi_potential(bowl, [0.0, 0.0], [end], segments=64)[0] < 0.9 * exact


def test_the_derivatives_of_the_action_of_batches():
    rng = np.random.default_rng(0)
    wide = Landscape(BOWL.text, "x y", noise_covariance=[["8 + x**2", "0.4 + x*y/4"], ["0.4 + x*y/4", "7 + y**2/2"]])
    axes = np.array([[1.0, 0.3], [0.0, 0.8]])
    step, middle, h = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), 1e-5
    for examples in ("rademacher", whitened_examples("student_t:4", 40, 2)):
        frame = BatchFrame(wide, np.array([0.1, -0.2]), axes, 1.0, generating_function(examples, 2))
        _, by_step, by_middle = frame.segments(step, middle)
        for i, way in enumerate(np.eye(2) * h):
            for found, (one, other) in (
                (by_step, ((way, 0), (-way, 0))),
                (by_middle, ((0, way), (0, -way))),
            ):
                ahead, behind = (frame.segments(step + a, middle + b)[0] for a, b in (one, other))
                np.testing.assert_allclose(found[:, i], (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-7)


def test_signs_climb_no_slope_above_their_length():
    for strength, climbs in ((0.15, True), (0.14, False)):  # the steepest slope is 2/√27, its square 0.1481
        weak = Landscape("x**4/4 - x**2/2", "x", noise_covariance=strength)
        found = minimum_action_path(weak, -1.0, 0.0, examples="rademacher")
        assert (found.action < math.inf) == climbs
        assert math.isfinite(minimum_action_path(weak, -1.0, 0.0).action)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ("student_t:3", r"generating function; of 'student_t:3' E e\^\(pz\) = inf for every p: S is 0"),
        ("uniform", "examples must be one of gaussian, rademacher, or an array"),
        ("gaussian:2", "examples must be one of gaussian, rademacher, or an array"),
        (np.ones((5, 2)), r"examples must have shape \(n_examples, noise dimension\) = \(5, 1\), got \(5, 2\)"),
        (np.ones((5, 1)), "examples must span all 1 dimensions of the noise"),
        (3.0, "n_examples must exceed the noise dimension 1"),
    ],
)
def test_bad_examples_are_refused(examples, message):
    with pytest.raises(ValueError, match=message):
        minimum_action_path(NOISY, -1.0, 0.0, examples=examples)
