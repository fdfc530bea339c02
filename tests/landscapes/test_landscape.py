"""A landscape's loss, derivatives and noise; what it refuses."""

import math
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from tables import every

from sgdsde.landscapes import Landscape
from sgdsde.regions import parse_regions

RNG = np.random.default_rng(11)
POINTS = RNG.uniform(-1.5, 1.5, (40, 3))

CASES = {
    "one": Landscape("x**4/4 - a*x**2/2", "x", {"a": 1.3}, noise_covariance="1 + x**2/2"),
    "rough": Landscape("abs(x)**3 + max(x, 0.2)**2 + min(x, 1)**3 + sqrt(1 + x**2)", "x"),
    "functions": Landscape("sin(x)*cosh(y) + exp(-x**2)*atan(y) + log(2 + x*y)", "x y", noise_covariance="exp(x/4)"),
    "powers": Landscape("(1 + x**2)**a + 2**x + x/(1 + y**2)", "x y", {"a": 1.7}),
    "full": Landscape("x**2 + x*y**3", "x y", {"c": 0.3}, noise_covariance=[["2 + x**2", "c*x"], ["c*x", "1 + y**2"]]),
    "hessian": Landscape("x**2/2 + k*(y - x**2/2)**2/2", "x y", {"k": 20.0}, noise_covariance="hessian"),
    "wide": Landscape("x**2 + y**2", "x y", noise_factor=[["1", "x", "0"], ["y", "2", "sin(x)"]]),
    "narrow": Landscape("x**2 + y**2", "x y", noise_factor=[["x"], ["1 + y**2"]]),
    "three": Landscape(
        "x**4/4 + y**2*x**2 + cos(z)",
        "x y z",
        noise_covariance=[["2 + x**2", "0.5", "0.1"], ["0.5", "1 + y**2", "x/9"], ["0.1", "x/9", "1 + exp(-z**2)"]],
    ),
    "rank_one": Landscape(
        "x + y + z", "x y z", noise_covariance=[["x*x", "x*y", "x*z"], ["x*y", "y*y", "y*z"], ["x*z", "y*z", "z*z"]]
    ),
}


def points(landscape: Landscape) -> np.ndarray:
    return POINTS[:, : landscape.dimension]


@pytest.mark.parametrize("name", CASES)
def test_derivatives_are_those_of_the_loss(name: str) -> None:
    landscape, w, step = CASES[name], points(CASES[name]), 1e-4
    for i in range(landscape.dimension):
        e = step * np.eye(landscape.dimension)[i]

        def slope(f, e=e):  # fourth order: error step⁴ = 1e-16 times the fifth derivative
            return (8 * (f(w + e) - f(w - e)) - (f(w + 2 * e) - f(w - 2 * e))) / (12 * step)

        np.testing.assert_allclose(landscape.gradient(w)[:, i], slope(landscape.loss), rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(landscape.hessian(w)[:, i], slope(landscape.gradient), rtol=1e-8, atol=1e-8)


@every("name", CASES)
def test_the_noise_is_what_was_given(name: str) -> None:
    landscape, w = CASES[name], points(CASES[name])
    factor, covariance = landscape.noise_factor(w), landscape.noise_covariance(w)
    np.testing.assert_allclose(factor @ factor.transpose(0, 2, 1), covariance, rtol=1e-12, atol=1e-12)
    if landscape.noise.kind not in ("hessian", "noise_factor"):
        typed = np.empty_like(covariance)
        entries = landscape.noise.entries
        for n, at in enumerate(w):
            scope = {**dict(zip(landscape.variables, at, strict=True)), **landscape.parameters, "exp": np.exp}
            table = [[eval(text, {}, scope) for text in row] for row in entries]
            typed[n] = table[0][0] * np.eye(landscape.dimension) if landscape.noise.kind == "isotropic" else table
        np.testing.assert_allclose(covariance, typed, rtol=1e-12, atol=1e-12)


def test_the_factor_is_triangular_or_as_given() -> None:
    assert np.allclose(CASES["full"].noise_factor(points(CASES["full"]))[:, 0, 1], 0)
    assert CASES["wide"].noise_factor([0.5, 2.0]).tolist() == [[1, 0.5, 0], [2, 2, np.sin(0.5)]]
    assert CASES["wide"].noise_dimension == 3
    assert CASES["narrow"].noise_dimension == 1


def test_hessian_noise_is_the_hessian_where_it_can_be_and_bounded_elsewhere() -> None:
    landscape = CASES["hessian"]
    w = RNG.uniform(-2, 2, (20_000, 2))
    hessian, covariance = landscape.hessian(w), landscape.noise_covariance(w)
    positive = np.linalg.eigvalsh(hessian)[:, 0] > 1e-9
    assert 0.2 < positive.mean() < 0.9
    np.testing.assert_allclose(covariance[positive], hessian[positive], rtol=1e-9, atol=1e-9)
    assert np.isfinite(covariance).all()
    diagonal = np.einsum("nii->ni", hessian)
    assert (np.einsum("nii->ni", covariance) <= np.maximum(diagonal, 0) * (1 + 1e-9) + 1e-12).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_hessian_noise_of_three_constant_curvatures(sign: int) -> None:
    a = np.random.default_rng(2).standard_normal((3, 3))
    h = sign * (a @ a.T)
    names = "xyz"
    loss = " + ".join(f"({float(h[i, j])!r})*{names[i]}*{names[j]}/2" for i in range(3) for j in range(3))
    found = Landscape(loss, "x y z", noise_covariance="hessian").noise_covariance(np.zeros(3))
    np.testing.assert_allclose(found, h if sign > 0 else np.zeros((3, 3)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_singular_tables_of_numbers(rank: int) -> None:
    vectors = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0][:, :rank]
    f = (vectors * [3.0, 0.5, 2.0][:rank]) @ vectors.T
    f = (f + f.T) / 2
    landscape = Landscape("x**2 + y**2 + z**2", "x y z", noise_covariance=f.tolist())
    np.testing.assert_allclose(landscape.noise_covariance(np.zeros(3)), f, atol=1e-14)
    landscape.validate_noise(np.zeros((1, 3)))


def test_noise_that_vanishes_somewhere_has_a_finite_factor_there() -> None:
    w = np.array([[0.0, 0.7, 0.3], [0.0, 0.0, 0.4], [0.0, 0.0, 0.0], [0.5, 0.0, 0.1]])
    landscape = CASES["rank_one"]
    np.testing.assert_allclose(landscape.noise_covariance(w), w[:, :, None] * w[:, None, :], atol=1e-15)


def test_default_noise_is_one() -> None:
    assert Landscape("x**2", "x y").noise_covariance([1.0, 2.0]).tolist() == [[1, 0], [0, 1]]
    assert Landscape("x**2", "x", noise_covariance=4).noise_factor(1.0).tolist() == [[2]]
    assert Landscape("x**2", "x", noise_covariance=0).noise_covariance(1.0).tolist() == [[0]]


@every("shape", [(), (1,), (5,), (2, 3), (0,), (4, 1, 2)])
def test_shapes(shape: tuple[int, ...]) -> None:
    landscape = CASES["wide"]
    w = np.ones((*shape, 2))
    assert landscape.loss(w).shape == shape
    assert landscape.gradient(w).shape == (*shape, 2)
    assert landscape.hessian(w).shape == (*shape, 2, 2)
    assert landscape.noise_covariance(w).shape == (*shape, 2, 2)
    assert landscape.noise_factor(w).shape == (*shape, 2, 3)


def test_a_bare_number_will_do_in_one_dimension() -> None:
    landscape = CASES["one"]
    assert landscape.loss(2.0) == landscape.loss([2.0])
    assert landscape.gradient(2).shape == (1,)


@every("w", [1.0, [1.0], [1.0, 2.0, 3.0], np.ones((2, 3)), [[1.0], [2.0]]])
def test_wrong_shapes_of_w(w: object) -> None:
    with pytest.raises(ValueError, match=r"w must have shape \(\.\.\., 2\), one column for each of x, y; got shape"):
        CASES["full"].loss(w)  # type: ignore[arg-type]


@every("w", [["a", "b"], [1j, 0], None, [[1, 2], [3]], {}])
def test_w_that_is_no_array_of_real_numbers(w: object) -> None:
    with pytest.raises(ValueError, match="w must"):
        CASES["full"].loss(w)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_w_that_is_not_finite(bad: float) -> None:
    with pytest.raises(ValueError, match=f"w must be finite, got .*{bad}"):
        CASES["full"].gradient([0.0, bad])


def test_covariances_that_are_none_are_refused_with_the_place() -> None:
    w = np.array([[1.0, 1.0], [-2.0, 3.0]])
    indefinite = Landscape("x*y", "x y", noise_covariance=[[1, "x"], ["x", 1]])
    with pytest.raises(ValueError, match=r"positive semidefinite; its least eigenvalue is -1 at w0 = \[-2\.  3\.\]"):
        indefinite.validate_noise(w)
    negative = Landscape("x**2", "x", noise_covariance="x")
    with pytest.raises(ValueError, match="noise_covariance must be positive semidefinite"):
        negative.validate_noise(np.array([[-0.1]]))
    unbounded = Landscape("x**2", "x", noise_covariance="1/x")
    with pytest.raises(ValueError, match="noise_covariance must be finite"):
        unbounded.validate_noise(np.array([[0.0]]))


@every(
    ("one", "other"),
    [
        ("x", "0"),  # the same at the origin
        ("a*x", "b*x"),  # the same at these values of a and b
        ("0.3", "0.31"),
        ("max(x, 0)", "x"),
        ("x", "x + 1e-09*y"),
        ("sqrt(x - 2)", "sqrt(x - 2.001)"),  # without a value near the origin
    ],
)
def test_a_covariance_that_is_not_symmetric_as_a_function_is_refused(one: str, other: str) -> None:
    for upper, lower in ((one, other), (other, one)):
        refusal = (
            rf"noise_covariance must be symmetric: noise_covariance\[0\]\[1\] = {re.escape(repr(upper))} and .* differ"
        )
        with pytest.raises(ValueError, match=refusal):
            Landscape("x**2 + y**2", "x y", {"a": 1.0, "b": 1.0}, noise_covariance=[["9", upper], [lower, "9"]])


@every(
    ("one", "other"),
    [
        ("x*(x + 1)", "x**2 + x"),
        ("sin(x)**2", "1 - cos(x)**2"),
        ("exp(x + y)", "exp(x)*exp(y)"),
        ("log(x)/9", "log(x*y)/9 - log(y)/9"),
        ("0.3*x", "0.1*3*x"),
        ("max(x, y)", "(x + y + abs(x - y))/2"),
        ("sqrt(x - 200)", "sqrt(-200 + x)"),
        ("(x + 1)**2 - x**2 - 2*x", "1"),
    ],
)
def test_entries_that_are_the_same_function_may_be_written_differently(one: str, other: str) -> None:
    for entries in ([["9", one], [other, "9"]], [["9", other], [one, "9"]]):
        assert Landscape("x**2 + y**2", "x y", noise_covariance=entries).noise.kind == "noise_covariance"


def test_entries_are_compared_without_sympy() -> None:
    code = (
        "import sys, sgdsde\n"
        "sgdsde.Landscape('x*y', 'x y', noise_covariance=[['2', 'x*(y + 1)/9'], ['x*y/9 + x/9', '2']])\n"
        "assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_noise_that_turns_indefinite_is_nan_not_something_else() -> None:
    landscape = Landscape("x*y", "x y", noise_covariance=[[1, "x"], ["x", 1]])
    assert np.isfinite(landscape.noise_factor([0.9, 0.0])).all()
    assert np.isnan(landscape.noise_factor([1.1, 0.0])).any()


def test_many_starts_are_checked_quickly() -> None:
    import time

    w = np.random.default_rng(0).uniform(-1, 1, (100_000, 2))
    CASES["full"].validate_noise(w[:1])
    clock = time.perf_counter()
    CASES["full"].validate_noise(w)
    assert time.perf_counter() - clock < 5


@every(
    ("arguments", "match"),
    [
        ({"loss": "x**2 + q"}, "loss.*q"),
        ({"loss": ""}, "loss"),
        ({"loss": "__import__('os')"}, "loss"),
        ({"variables": ""}, "variables"),
        ({"variables": "x x"}, "variables"),
        ({"variables": "hessian"}, "hessian"),
        ({"parameters": {"x": 1.0}}, "parameters"),
        ({"parameters": {"a": float("nan")}}, r"parameters\['a'\] must be a finite real number, got nan"),
        ({"parameters": {"a": "1"}}, r"parameters\['a'\] must be a finite real number, got '1'"),
        ({"parameters": {"a": 1j}}, r"parameters\['a'\]"),
        ({"parameters": {"a": 10**400}}, r"parameters\['a'\]"),
        ({"parameters": {"a": None}}, r"parameters\['a'\]"),
        ({"parameters": {"a": [1.0]}}, r"parameters\['a'\]"),
        ({"noise_covariance": "q"}, "noise_covariance.*q"),
        ({"noise_covariance": [[1, 0], [0, 1]]}, "noise_covariance must be 1×1 for variables x, got 2×2"),
        ({"noise_covariance": [[1], [2, 3]]}, "noise_covariance must be a table of rows of equal length"),
        ({"noise_covariance": []}, "noise_covariance must be a table"),
        ({"noise_covariance": [1, 2]}, "noise_covariance must be a table"),
        ({"noise_covariance": [["q"]]}, r"noise_covariance\[0\]\[0\].*q"),
        ({"noise_covariance": 1.0, "noise_factor": [[1.0]]}, "noise_covariance or noise_factor, not both"),
        ({"noise_factor": [[1.0], [2.0]]}, "noise_factor must have 1 rows, one per variable, got 2"),
        ({"noise_factor": 2.0}, "noise_factor must be a table"),
        ({"noise_factor": "x"}, "noise_factor must be a table"),
    ],
)
def test_refusals(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Landscape(**({"loss": "x**2", "variables": "x"} | arguments))


def test_parameters_change_without_new_code() -> None:
    landscape = CASES["one"]
    assert landscape.gradient(2.0) == pytest.approx(8 - 1.3 * 2)
    changed = landscape.with_parameters(a=5.0)
    assert changed.gradient(2.0) == pytest.approx(8 - 5 * 2)
    assert landscape.gradient(2.0) == pytest.approx(8 - 1.3 * 2)
    assert changed.key == landscape.key
    assert changed != landscape
    assert changed == Landscape("x**4/4 - a*x**2/2", "x", {"a": 5.0}, noise_covariance="1 + x**2/2")
    with pytest.raises(ValueError, match="parameters: 'b' is not among a"):
        landscape.with_parameters(b=1.0)
    with pytest.raises(ValueError, match="finite"):
        landscape.with_parameters(a=float("inf"))


def test_keys_tell_mathematics_apart() -> None:
    keys = [repr(landscape.key) for landscape in CASES.values()]
    assert len(set(keys)) == len(keys)
    assert Landscape("x", "x y").key != Landscape("x", "y x").key
    assert Landscape("x", "x", noise_covariance=2).key != Landscape("x", "x", noise_factor=[[2]]).key


@every("name", CASES)
def test_pickles_and_repr(name: str) -> None:
    landscape = CASES[name]
    landscape.loss(points(landscape))  # compiled functions must not get in the way
    again = pickle.loads(pickle.dumps(landscape))
    assert again == landscape
    assert hash(again) == hash(landscape)
    assert again.key == landscape.key
    w = points(landscape)
    assert np.array_equal(again.noise_covariance(w), landscape.noise_covariance(w))
    rebuilt = eval(repr(landscape), {"Landscape": Landscape})
    assert rebuilt == landscape


def test_the_margin_of_a_region_is_positive_inside() -> None:
    landscape = Landscape("x**2 + y**2", "x y", {"r": 1.0})
    ring = parse_regions("1/4 < x**2 + y**2 < r or log(x) > 1", ["x", "y", "r"])[0]
    points = [[0.0, 0.7], [0.0, 0.1], [-2.0, 0.0], [3.0, 0.0]]
    np.testing.assert_allclose(landscape.margin(ring, points), [0.24, -0.24, -3.0, math.log(3) - 1], rtol=1e-12)
    assert landscape.holds(ring, points).tolist() == [True, False, False, True]
    assert landscape.with_parameters(r=5.0).holds(ring, points).tolist() == [True, False, True, True]
    outside = parse_regions("log(x) > 1 and y > 0", ["x", "y"])[0]
    assert np.isnan(landscape.margin(outside, [-1.0, 1.0]))
    assert not landscape.holds(outside, [-1.0, 1.0])


def test_one_point() -> None:
    assert Landscape("x**2", "x").point(2).tolist() == [2.0]
    with pytest.raises(ValueError, match=re.escape("near must have shape (2,), got (1, 2)")):
        Landscape("x*y", "x y").point([[1.0, 2.0]], "near")
