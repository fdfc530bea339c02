"""Strong Runge–Kutta schemes: sdeint's paths, formulas written out, and local errors by quadrature over the noise."""

import itertools

import numpy as np
import pytest
import sdeint
from tables import every

from sgdsde import BrownianPath, Landscape, integrate, schemes
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.convergence.orders import strong_order
from sgdsde.convergence.problems import PROBLEMS

LOSS = "x**2/2 + x*y/3 + y**2 + x**3/9 + y**4/12 + x**2*y/5"
GENERAL = Landscape(LOSS, "x y", noise_factor=[["1 + x**2/4 + y/3", "x*y/2 - 0.4"], ["0.3*x - y", "0.8 + y**2/3"]])
WIDE = Landscape(LOSS, "x y", noise_factor=[["1 + y/3", "sin(x) - 0.4", "0.2"], ["0.3*x - y", "0.8 + y/4", "x/2"]])
DIAGONAL = Landscape(LOSS, "x y", noise_factor=[["1 + x**2/4", "0"], ["0", "0.8 + y**3/3 - y/2"]])
AFFINE = Landscape(LOSS, "x y", noise_factor=[["1 + x/4", "0"], ["0", "0.8 - y/2"]])
CONSTANT = Landscape(LOSS, "x y", noise_factor=[["1.0", "0.3"], ["0.4", "0.7"]])
SQUARE = Landscape(LOSS, "x y", noise_factor=[["1.1", "0"], ["0", "0.7"]])
START, T, H = np.array([0.3, -0.4]), 0.7, 0.08
NOISE = {"z": [0.9, -1.3], "y": [-0.6, 0.4], "area": [0.35]}


def step(name, landscape, noise=NOISE, w=START, dt=H, temperature=T):
    """(d, …) after one step; `noise` by draw, each (numbers, …)."""
    program = schemes.build(schemes.declarations()[name], landscape)
    constants = program.constants(landscape, {"dt": dt, "temperature": temperature})
    drawn = [row for draw, numbers in program.draws.items() for row in noise[draw][:numbers]]
    return np.array(program.block.function(NUMPY_FUNCTIONS)(*constants, *w, *drawn))


def drift(landscape, w):
    return -landscape.gradient(w)


def stratonovich_drift(landscape, w):
    """−∇L − ½ Σ_j (∂b_j) b_j."""
    of = landscape.symbolic
    columns = [of.noise_factor[:, j] for j in range(landscape.noise_dimension)]
    turn = sum((b.jacobian(of.state) * b for b in columns), 0 * of.gradient)
    return drift(landscape, w) - T / 2 * np.array(turn.subs(dict(zip(of.state, w, strict=True))), dtype=float)[:, 0]


@pytest.mark.parametrize("landscape", [GENERAL, WIDE])
@pytest.mark.parametrize(
    ("scheme", "peer", "a"),
    [("euler_maruyama", "itoEuler", drift), ("sri2", "itoSRI2", drift), ("srs2", "stratSRS2", stratonovich_drift)],
)
def test_paths_are_those_of_sdeint(landscape, scheme, peer, a):
    steps, k, rng = 40, landscape.noise_dimension, np.random.default_rng(5)
    h = 1.0 / steps
    increments, areas = np.sqrt(h) * rng.standard_normal((steps, k)), h * rng.standard_normal((steps, k, k)) / 3
    areas = areas - areas.transpose(0, 2, 1)
    path = BrownianPath(k, 1.0, steps, increments=increments[:, None], areas=areas[:, None])
    ours = integrate(landscape, START, 1.0, steps, 1, temperature=T, scheme=scheme, brownian=path, engine="numpy")
    iterated = increments[:, :, None] * increments[:, None] / 2 + areas
    given = {"itoSRI2": {"I": iterated - h * np.eye(k) / 2}, "stratSRS2": {"J": iterated}}.get(peer, {})
    theirs = getattr(sdeint, peer)(
        lambda w, _: a(landscape, w), lambda w, _: np.sqrt(T) * landscape.noise_factor(w), START,
        np.linspace(0.0, 1.0, steps + 1), dW=increments, **given,
    )  # fmt: skip
    np.testing.assert_allclose(ours.final[0], theirs[-1], rtol=0, atol=1e-12)


def increments(noise, dt):
    """ΔW and ΔZ."""
    z, y = np.asarray(noise["z"]), np.asarray(noise["y"])
    return np.sqrt(dt) * z, dt**1.5 * (z + y / np.sqrt(3)) / 2


def test_sriw1_is_its_stages() -> None:
    dW, dZ = increments(NOISE, H)

    def a(w):
        return drift(DIAGONAL, w)

    def b(w):
        return np.sqrt(T) * np.diag(DIAGONAL.noise_factor(w))

    root, w = np.sqrt(H), START
    ahead = w + 0.75 * a(w) * H + 1.5 * b(w) * dZ / H
    b1 = b(w)
    b2 = b(w + 0.25 * a(w) * H + 0.5 * b1 * root)
    b3 = b(w + a(w) * H - b1 * root)
    b4 = b(w + 0.25 * a(w) * H + (-5 * b1 + 3 * b2 + 0.5 * b3) * root)
    twice, thrice = (dW**2 - H) / (2 * root), (dW**3 - 3 * H * dW) / (6 * H)
    expected = w + (a(w) + 2 * a(ahead)) * H / 3 + (-b1 + 4 / 3 * b2 + 2 / 3 * b3) * dW
    expected += (-b1 + 4 / 3 * b2 - b3 / 3) * twice + (2 * b1 - 4 / 3 * b2 - 2 / 3 * b3) * dZ / H
    expected += (-2 * b1 + 5 / 3 * b2 - 2 / 3 * b3 + b4) * thrice
    np.testing.assert_allclose(step("sriw1", DIAGONAL), expected, rtol=1e-13)


def test_sra1_and_sra3_are_their_stages() -> None:
    dW, dZ = increments(NOISE, H)
    w, b = START, np.sqrt(T) * CONSTANT.noise_factor(START)
    a = drift(CONSTANT, w)
    ahead = w + 0.75 * a * H + 1.5 * b @ dZ / H
    expected = w + (a + 2 * drift(CONSTANT, ahead)) * H / 3 + b @ dW
    np.testing.assert_allclose(step("sra1", CONSTANT), expected, rtol=1e-13)
    second = drift(CONSTANT, w + a * H)
    middle = w + (a + second) * H / 4 + 1.5 * b @ dZ / H
    expected = w + (a + second + 4 * drift(CONSTANT, middle)) * H / 6 + b @ dW
    np.testing.assert_allclose(step("sra3", CONSTANT), expected, rtol=1e-13)


def test_reductions() -> None:
    """For constant noise sriw1 is sra1 and srs2 is sri2; without noise sri2 is Heun's scheme."""
    np.testing.assert_allclose(step("sriw1", SQUARE), step("sra1", SQUARE), rtol=1e-13)
    np.testing.assert_allclose(step("srs2", CONSTANT), step("sri2", CONSTANT), rtol=1e-13)
    a = drift(GENERAL, START)
    still = START + (a + drift(GENERAL, START + a * H)) * H / 2
    np.testing.assert_allclose(step("sri2", GENERAL, temperature=0.0), still, rtol=1e-13)


def quadrature(draws):
    """Nodes by draw and weights: Gauss's for normals (for areas four, of variance 1/4), or the values taken."""
    x, w = np.polynomial.hermite_e.hermegauss(7)
    few, few_w = np.polynomial.hermite_e.hermegauss(4)
    r = np.sqrt(3)
    rules = {"area": (few / 2, few_w), "three": ([-r, 0, r], [1, 4, 1]), "sign": ([-1, 1], [1, 1])}
    each = [(name, rules.get(name, (x, w))) for name, numbers in draws.items() for _ in range(numbers)]
    grid = np.array(list(itertools.product(*(rule[0] for _, rule in each)))).T
    weight = np.prod(list(itertools.product(*(rule[1] for _, rule in each))), axis=1, dtype=float)
    return {name: grid[[i for i, (n, _) in enumerate(each) if n == name]] for name in draws}, weight / weight.sum()


def taylor_for_constant_noise(noise, dt):
    """ω + a Δ + b ΔW + ½L⁰a Δ² + (∂a) b ΔZ (Kloeden & Platen 1992)."""
    w, b, h = START, np.sqrt(T) * CONSTANT.noise_factor(START), 1e-3
    dW, dZ = increments(noise, dt)
    a, turn = drift(CONSTANT, w), -CONSTANT.hessian(w)
    bends = sum(drift(CONSTANT, w + h * c) - 2 * a + drift(CONSTANT, w - h * c) for c in b.T) / h**2
    return (w + a * dt + (turn @ a + bends / 2) * dt**2 / 2)[:, None] + b @ dW + turn @ b @ dZ


def slopes(errors):
    """Slopes of log|error| in log Δ from errors at Δ and Δ/2, in two rows."""
    return np.log2(np.abs(errors[0]) / np.abs(errors[1]))


@every(
    ("scheme", "landscape", "peer"),
    [
        ("sri2", GENERAL, "milstein_levy"), ("srs2", GENERAL, "milstein_levy"), ("sriw1", DIAGONAL, "taylor_15"),
        ("sra1", CONSTANT, None), ("sra3", CONSTANT, None),
    ],
)  # fmt: skip
def test_local_error_is_that_of_the_strong_order(scheme, landscape, peer) -> None:
    """Against Taylor's scheme of strong order p: mean O(Δ^{p+1}), mean square O(Δ^{2p+1}) (Milstein's theorem)."""
    declaration = schemes.declarations()[scheme]
    order = declaration.strong[declaration.noise]
    noise, weight = quadrature({"z": 2, "area": 1} if order == 1.0 else {"z": 2, "y": 2})
    differences = [
        step(scheme, landscape, noise, dt=dt)
        - (taylor_for_constant_noise(noise, dt) if peer is None else step(peer, landscape, noise, dt=dt))
        for dt in (1 / 256, 1 / 512)
    ]
    assert (slopes([difference @ weight for difference in differences]) > order + 0.95).all()
    assert (slopes([difference**2 @ weight for difference in differences]) > 2 * order + 0.9).all()


PHI = (lambda x, y: x, lambda x, y: y**2 - x, lambda x, y: x * y, lambda x, y: x**3 + x * y**2)


@pytest.mark.parametrize(
    ("scheme", "landscape", "kind", "order"),
    [
        ("sri2", GENERAL, "any", 1.0), ("srs2", GENERAL, "any", 1.0), ("sri2", CONSTANT, "additive", 1.0),
        ("sriw1", DIAGONAL, "diagonal", 1.5), ("sriw1", SQUARE, "additive", 2.0), ("sriw1", AFFINE, None, 2.0),
        ("sra1", CONSTANT, "additive", 2.0), ("sra3", CONSTANT, "additive", 2.0),
    ],
)  # fmt: skip
def test_local_weak_order(scheme, landscape, kind, order) -> None:
    """Against the weak Taylor scheme of order 2: E φ is off by Δ^{p+1}, by no higher power for every φ."""
    noise, weight = quadrature(schemes.build(schemes.declarations()[scheme], landscape).draws)
    peer, peer_weight = quadrature({"three": 2, "sign": 1})
    errors = []
    for dt in (1 / 2048, 1 / 4096):
        ours, theirs = step(scheme, landscape, noise, dt=dt), step("weak_taylor_2", landscape, peer, dt=dt)
        errors.append([phi(*ours) @ weight - phi(*theirs) @ peer_weight for phi in PHI])
    found = slopes(errors) - 1
    assert (found > order - 0.1).all()
    assert found.min() < order + 0.1
    assert kind is None or schemes.declarations()[scheme].order("weak", kind) == order


@pytest.mark.parametrize(
    ("scheme", "problem"),
    [("sri2", "bent"), ("srs2", "bent"), ("sriw1", "arctan"), ("sriw1", "geometric_coupled"), ("sra3", "two_wells")],
)
def test_strong_order_of_whole_paths(scheme, problem) -> None:
    declared = schemes.declarations()[scheme].order("strong", PROBLEMS[problem].kind)
    found = strong_order(PROBLEMS[problem], scheme, steps=(16, 32, 64, 128), paths=512)
    assert found.slope == pytest.approx(declared, abs=0.15)
