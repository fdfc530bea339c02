"""Sums of exponentials keep their values, gradients and Hessians where their parts overflow, on every engine."""

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from tables import every

import sgdsde as sg
from sgdsde.codegen import NUMPY_FUNCTIONS
from sgdsde.engines.torch_tensor import tensor_functions
from sgdsde.exponentials import plain, stable, written

pytestmark = pytest.mark.networks

FAR = [-950.0, -720.0, -360.0, -40.0, -3.0, -0.7, 0.4, 1.3, 30.0, 355.0, 720.0, 950.0]

#: Losses of x, with y = 0.3 and a = 1.5.
LOSSES = (
    "log(1 + exp(x))",
    "softplus(3*x - 1)/3",
    "log(1 + exp(-40*x))",
    "log(2 + 3*exp(x - y))",
    "log(exp(x) + exp(-x))",
    "log(exp(2*x) + exp(y))",
    "log(cosh(x))",
    "log(5*cosh(x/2)**2)",
    "1/(1 + exp(-x))",
    "sigmoid(2*x)",
    "5/(1 + exp(-20*(x - y)))**2",
    "x/(1 + exp(-x))",
    "exp(x)/(1 + exp(x))",
    "exp(x)/(1 + exp(x))**2",
    "exp(x/2)/(1 + exp(x))",
    "exp(x)/(1 + exp(x))/(1 + exp(-2*x))",
    "1/(exp(x) + exp(-x))",
    "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "1/cosh(x)**2",
    "sinh(x)/cosh(x)",
    "1/(1 + cosh(x))",
    "tanh(x)**2",
    "-y*log(1/(1 + exp(-x))) - (1 - y)*log(1 - 1/(1 + exp(-x)))",
    "log(exp(x) + exp(y) + 1) - x/3",
    "log(1 + a*exp(x))",
    "1/(1 + a*exp(-x))",
    "log(1 + exp(x) + x**2)",
    "atan(exp(x))",
    "log(1 + 2**x)",
    "softplus(x)**2 + log(1 + exp(-x))",
    "log(1 + exp(2*x))/(2 + sigmoid(-x))",
)


def judged(text: str) -> list[list[float]]:
    """Value, slope and curvature at `FAR`, of the text as it stands, with nine hundred digits."""
    x, y, a = symbols = sp.symbols("x y a", real=True)
    loss = sp.sympify(text, {"x": x, "y": y, "a": a})
    if loss.has(sp.Function("softplus"), sp.Function("sigmoid")):
        loss = loss.replace(sp.Function("softplus"), lambda u: sp.log(1 + sp.exp(u)))
        loss = loss.replace(sp.Function("sigmoid"), lambda u: 1 / (1 + sp.exp(-u)))
    found = []
    with mpmath.workdps(900):
        for order in range(3):
            call = sp.lambdify(symbols, sp.diff(loss, x, order), "mpmath")
            found.append([float(mpmath.re(call(mpmath.mpf(at), mpmath.mpf(0.3), mpmath.mpf(1.5)))) for at in FAR])
    return found


@pytest.mark.parametrize("text", LOSSES)
def test_value_gradient_and_hessian_far_out(text: str) -> None:
    landscape = sg.Landscape(text, "x y", {"a": 1.5})
    at = np.stack([FAR, np.full(len(FAR), 0.3)], axis=1)
    found = landscape.loss(at), landscape.gradient(at)[:, 0], landscape.hessian(at)[:, 0, 0]
    for value, exact in zip(found, judged(text), strict=True):
        scale = 1 + np.abs(exact) + 40**2 * ("40" in text)
        assert np.isfinite(value).all()
        assert (np.abs(value - exact) <= 2e-14 * scale).all(), (value, exact)


@every("text", LOSSES)
def test_plain_and_written_forms_have_the_value(text: str) -> None:
    x, y, a = sp.symbols("x y a", real=True)
    known = {"x": x, "y": y, "a": a}
    loss = written(stable(sp.sympify(text, known).replace(sp.Function("softplus"), lambda u: sp.log(1 + sp.exp(u)))))
    values = {x: 0.7, y: -0.2, a: 1.2}
    expected = complex(sp.sympify(text.replace("softplus", "log1pexp"), {**known, **_SYMPY}).evalf(30, subs=values))
    assert complex(loss.replace(sp.Function("sigmoid"), _SYMPY["sigmoid"]).evalf(30, subs=values)) == pytest.approx(
        expected, rel=1e-14
    )


_SYMPY = {"log1pexp": lambda u: sp.log(1 + sp.exp(u)), "sigmoid": lambda u: 1 / (1 + sp.exp(-u))}


def test_what_needs_no_help_stays_as_it_is() -> None:
    x, y = sp.symbols("x y", real=True)
    for loss in (x**2, sp.exp(-(x**2)) * y, sp.log(2 + sp.exp(-(x**2))), sp.tanh(x) * sp.sinh(y), sp.log(1 + x**2)):
        assert stable(loss) == loss == plain(loss)


def test_signs_are_kept() -> None:
    """log of (1 − eˣ)² has a value on both sides; log(1 − eˣ) on one."""
    both, one = sg.Landscape("log((1 - exp(x))**2)", "x"), sg.Landscape("log(1 - exp(x))", "x")
    np.testing.assert_allclose(both.loss([[-1.0], [1.0]]), np.log((1 - np.exp([-1.0, 1.0])) ** 2), rtol=1e-14)
    np.testing.assert_allclose(one.loss([[-1.0], [1.0]]), [np.log(1 - np.exp(-1)), np.nan], rtol=1e-14)


ENDS = np.array([-np.inf, -1e300, -750.0, -100.0, -36.5, -1.0, -1e-9, 0.0, 1e-9, 1.0, 36.5, 100.0, 750.0, np.inf])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["softplus", "sigmoid"])
def test_functions_of_arrays_and_tensors(name: str, dtype: str) -> None:
    x = (ENDS if dtype == "float64" else ENDS[np.abs(ENDS) != 1e300]).astype(dtype)
    with mpmath.workdps(800):
        tails = [mpmath.exp(-abs(mpmath.mpf(float(at)))) for at in x]
        if name == "softplus":
            exact = [float(max(mpmath.mpf(float(at)), 0) + mpmath.log1p(t)) for at, t in zip(x, tails, strict=True)]
        else:
            exact = [float((1 if at >= 0 else t) / (1 + t)) for at, t in zip(x, tails, strict=True)]
    units = 4 * np.finfo(dtype).eps
    like = torch.zeros(1, dtype=getattr(torch, dtype))
    with np.errstate(over="ignore"):
        expected = np.array(exact).astype(dtype)
    tiny = 1e-300 if dtype == "float64" else 1e-37
    found = tensor_functions(like)[name](torch.tensor(x)).numpy()
    assert found.dtype == x.dtype
    np.testing.assert_allclose(found, expected, rtol=units, atol=tiny)
    if dtype == "float64":
        np.testing.assert_allclose(NUMPY_FUNCTIONS[name](x), expected, rtol=units, atol=tiny)
    assert np.isnan(NUMPY_FUNCTIONS[name](np.array([np.nan]))).all()
    assert torch.isnan(tensor_functions(like)[name](torch.tensor([np.nan]))).all()


def test_paths_that_were_called_diverged_stay(recwarn) -> None:
    """A steep soft wall: from 40 away its exponential is above 1e308."""
    wall = sg.Landscape("log(1 + exp(50*x)) + log(1 + exp(-50*x)) + x**2/20", "x", noise_covariance="1 + sigmoid(x)")
    config = sg.SGDConfig(0.01, 4, 64)
    options = {"engine": "numpy", "seed": 3}
    for found in (
        sg.simulate_sde(wall, config, 40.0, 30, paths=20, scheme="milstein", substeps=1, **options),
        sg.simulate_sgd(wall, config, -40.0, 30, paths=20, **options),
    ):
        assert found.diverged == 0
    assert {each.category for each in recwarn} <= {sg.CoarseStepWarning}


def test_float32_and_float64_agree_beyond_the_range_of_float32() -> None:
    wall = sg.Landscape("log(cosh(20*x)) + x/(1 + exp(-20*x)) + log(1 + exp(x) + exp(-30*x))", "x")
    runs = [
        sg.integrate(wall, 9.0, 0.1, 20, 16, engine="torch", dtype=dtype, scheme="euler_maruyama").final
        for dtype in ("float64", "float32")
    ]
    np.testing.assert_allclose(*runs, rtol=1e-5)


def test_the_modified_loss_can_be_written() -> None:
    landscape = sg.Landscape("log(1 + exp(a*x)) + log(cosh(y)) + log(exp(x) + exp(y) + 1)", "x y", {"a": 2.0})
    modified = sg.modified_landscape(landscape, 0.1)
    w = np.array([[0.3, -0.8], [500.0, 3.0]])
    slope = landscape.gradient(w)
    np.testing.assert_allclose(modified.loss(w), landscape.loss(w) + 0.025 * (slope**2).sum(axis=1), rtol=1e-12)
    assert np.isfinite(modified.hessian(w)).all()


def test_logistic_noise_is_the_hessian_itself_and_is_not_cut() -> None:
    landscape = sg.Landscape("log(1 + exp(x))", "x", noise_covariance="hessian")
    at = np.array([[-30.0], [-1.0], [0.0], [2.0], [900.0]])
    np.testing.assert_allclose(landscape.noise_covariance(at), landscape.hessian(at), rtol=1e-14)
