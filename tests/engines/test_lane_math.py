"""The lane functions against fifty digits: a few units in the last place, and NaN and infinity kept."""

import math

import mpmath
import numpy as np
import pytest
from numba import njit
from tables import every

from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.engines import lane_math

ONE = (
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "atan",
    "softplus",
    "sigmoid",
    "absolute",
    "rsqrt",
    "rsqrt_of_positive",
)
TWO = ("maximum", "minimum", "power", "root_of", "mended_root")


def _loops():
    """One compiled function for all, vectorised as in a kernel."""
    lines = [f"        out[{i}, j] = {name}(x[j])" for i, name in enumerate(ONE)]
    lines += [f"        out[{len(ONE) + i}, j] = {name}(x[j], y[j])" for i, name in enumerate(TWO)]
    lines.append(f"        out[{len(ONE) + len(TWO)}, j] = where((x[j] > 0.0) & (y[j] <= 1.0), x[j], y[j])")
    text = "def loop(x, y, out):\n    for j in range(x.size):\n" + "\n".join(lines)
    scope = {name: getattr(lane_math, name) for name in (*ONE, *TWO, "where")}
    exec(text, scope)
    return njit(fastmath=lane_math.FASTMATH, error_model="numpy")(scope["loop"])


LOOP = _loops()


def lanes(name: str, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    out = np.empty((len(ONE) + len(TWO) + 1, x.size))
    LOOP(x, x if y is None else y, out)
    return out[[*ONE, *TWO, "where"].index(name)]


def test_there_is_a_lane_function_for_everything_that_code_may_call() -> None:
    assert set(NUMPY_FUNCTIONS) == {*ONE, *TWO, "where"}


def spread(low: float, high: float, n: int = 1500) -> np.ndarray:
    """Both signs, all magnitudes."""
    rng = np.random.default_rng(5)
    return rng.choice([-1.0, 1.0], n) * np.exp(rng.uniform(math.log(low), math.log(high), n))


#: Function, where it is asked to be precise, units in the last place.
PRECISE = [
    ("sqrt", abs(spread(1e-300, 1e300)), 0.5),
    ("exp", spread(1e-10, 700), 2),
    ("log", abs(spread(1e-307, 1e307)), 2),
    ("log", 1 + spread(1e-9, 0.3), 2),
    ("log", 2.0 ** np.arange(-1074, -1022), 2),
    ("sin", spread(1e-10, 1e3), 2),
    ("cos", spread(1e-10, 1e3), 2),
    ("tan", spread(1e-10, 1e3), 4),
    ("sinh", spread(1e-10, 700), 4),
    ("cosh", spread(1e-10, 700), 4),
    ("tanh", spread(1e-10, 40), 5),
    ("atan", spread(1e-10, 1e10), 1.5),
    ("softplus", spread(1e-10, 700), 4),
    ("sigmoid", spread(1e-10, 700), 4),
    ("rsqrt", abs(spread(1e-300, 1e300)), 2),
    ("rsqrt_of_positive", abs(spread(1e-300, 1e300)), 2),
]


#: What mpmath does not know by name.
OWN = {
    **dict.fromkeys(("rsqrt", "rsqrt_of_positive"), lambda x: 1 / mpmath.sqrt(x)),
    "softplus": lambda x: max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x))),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize(("name", "x", "units"), PRECISE)
def test_a_few_units_in_the_last_place(name: str, x: np.ndarray, units: float) -> None:
    found = lanes(name, x)
    with mpmath.workdps(50):
        function = OWN.get(name) or getattr(mpmath, name)
        exact = [function(mpmath.mpf(value)) for value in x.tolist()]
        errors = [
            abs(mpmath.mpf(value) - e) / math.ulp(float(e)) for value, e in zip(found.tolist(), exact, strict=True)
        ]
    assert float(max(errors)) <= units + 0.5


def test_sine_and_cosine_far_out_keep_their_absolute_precision() -> None:
    x = spread(1e3, 1e5)
    with mpmath.workdps(50):
        for name in ("sin", "cos"):
            exact = np.array([float(getattr(mpmath, name)(mpmath.mpf(value))) for value in x.tolist()])
            assert np.abs(lanes(name, x) - exact).max() < 1e-15


EXTREME = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, 800.0, -800.0])


@every("name", [name for name in ONE if name != "rsqrt_of_positive"])
def test_extremes_are_those_of_numpy(name: str) -> None:
    """Sine and cosine beyond their reduction may be any number between −1 and 1, or NaN."""
    x = EXTREME[np.abs(EXTREME) < 1e300] if name in ("sin", "cos", "tan") else EXTREME
    x = x[(np.abs(x) >= 1.0) | (np.copysign(1.0, x) * (x == 0.0) > 0)] if name == "rsqrt" else x  # see its docstring
    with np.errstate(all="ignore"):
        expected = NUMPY_FUNCTIONS[name](x)
    found = lanes(name, x)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-300)
    for bad in (np.nan, *([np.inf, -np.inf] if name in ("sin", "cos", "tan") else [])):
        assert np.isnan(lanes(name, np.array([bad]))).all()


@every("exponent", [0.0, 0.3, 1.5, 2.7, -0.5, -3.3, 7.0, -2.0, 30.5, 64.0])
def test_powers(exponent: float) -> None:
    """Relative error 3e-16 (1 + |log of the power|); whole exponents take negative numbers too."""
    x = np.concatenate([spread(1e-5, 1e5), EXTREME])
    found = lanes("power", x, np.full(x.size, exponent))
    with np.errstate(all="ignore"):
        expected = np.power(x, exponent)
        size = np.abs(np.log(np.abs(expected)))
    normal = np.isfinite(size) & (np.abs(expected) > 1e-300)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    assert (np.abs(found[normal] / expected[normal] - 1) < 3e-16 * (2 + size[normal])).all()
    np.testing.assert_allclose(found[~normal], expected[~normal], atol=1e-300)


@pytest.mark.parametrize("name", ["maximum", "minimum", "mended_root", "where"])
def test_functions_of_two_arguments(name: str) -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(EXTREME, EXTREME))
    with np.errstate(all="ignore"):
        expected = np.where((x > 0) & (y <= 1), x, y) if name == "where" else NUMPY_FUNCTIONS[name](x, y)
    np.testing.assert_allclose(lanes(name, x, y), expected, rtol=1e-14)


def test_monotone_where_exp_ends() -> None:
    x = np.linspace(-760, 720, 20_001)
    found = lanes("exp", x)
    assert (np.diff(found[found < np.inf]) >= 0).all()
    assert found[0] == 0
    assert found[-1] == np.inf
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, np.exp(x), rtol=1e-14, atol=1e-320)
