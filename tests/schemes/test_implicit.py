"""The drift-implicit scheme solves its equation, says so when it has not, and takes steps that others cannot."""

import warnings

import numpy as np
import pytest
from scipy.optimize import brentq

from sgdsde import Landscape, StabilityWarning, integrate


def bowl(d: int, stiffness: float) -> tuple[Landscape, np.ndarray]:
    """A quadratic in d coordinates with a full, stiff Hessian."""
    names = [f"x{i}" for i in range(d)]
    root = np.random.default_rng(d).standard_normal((d, d))
    hessian = stiffness * (root @ root.T / d + np.eye(d))
    loss = " + ".join(f"{float(hessian[i, j] / 2)!r}*{names[i]}*{names[j]}" for i in range(d) for j in range(d))
    return Landscape(loss, names), hessian


@pytest.mark.parametrize("d", [1, 2, 3, 5, pytest.param(8, marks=pytest.mark.slow("the formulas of eight dimensions"))])
def test_stiff_quadratics(d: int, step) -> None:
    """(I + ΔH)⁻¹ (ω + noise) at Δ h from 10 to 1000."""
    landscape, hessian = bowl(d, 1e3)
    w, z = np.linspace(-1, 1, d), np.linspace(1, 2, d)
    found = step("implicit_euler", landscape, w, {"dt": 0.1, "temperature": 0.5}, z=z)
    np.testing.assert_allclose(found, np.linalg.solve(np.eye(d) + 0.1 * hessian, w + np.sqrt(0.05) * z), rtol=1e-9)


@pytest.mark.parametrize("start", [-3.0, 0.1, 5.0])
def test_quartic(start: float, step) -> None:
    landscape = Landscape("x**4/4", "x")
    root = brentq(lambda x: x + 0.5 * x**3 - start - np.sqrt(0.5) * 0.3, -9, 9, xtol=1e-14)
    assert step("implicit_euler", landscape, [start], {"dt": 0.5}, z=0.3)[0] == pytest.approx(root, rel=1e-9)


def test_what_has_not_converged_is_not_a_number(step) -> None:
    """Six Newton steps on x⁸ from 1e6 are too few: lost and said, not silently wrong."""
    assert np.isnan(step("implicit_euler", Landscape("x**8", "x"), [1e6], {"dt": 1.0}, z=0.0)).all()
    assert np.isfinite(step("implicit_euler", Landscape("x**8", "x"), [1.2], {"dt": 0.1}, z=0.0)).all()


def test_long_steps_are_stable_and_no_warning_is_due() -> None:
    landscape, _ = bowl(2, 1e3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = integrate(landscape, [1.0, 1.0], 10.0, 20, 200, scheme="implicit_euler")
    assert found.diverged == 0
    assert np.abs(found.final).max() < 0.1
    with pytest.warns(StabilityWarning), pytest.warns(UserWarning, match="diverged"):
        integrate(landscape, [1.0, 1.0], 100.0, 200, 20)


def test_too_many_dimensions() -> None:
    landscape, _ = bowl(9, 1.0)
    with pytest.raises(ValueError, match="takes up to 8 dimensions; this landscape has 9"):
        integrate(landscape, np.zeros(9), 1.0, 2, 1, scheme="implicit_euler")


@pytest.mark.networks
@pytest.mark.parametrize(
    ("loss", "variables", "start", "time", "error"),
    [
        ("x**4/4", "x", [1.3], 1.0, 1e-5),
        ("x**4/4 + y**2*50 + cos(x*y)", "x y", [1.3, -0.2], 1.0, 1e-5),
        ("1e6*x**2 + x**4", "x", [1.0], 5.0, 1e-5),
        ("(x - 1000)**4/4", "x", [1001.0], 1.0, 2e-3),  # 32 roundings of 1000
    ],
)
def test_single_precision_solves_to_its_own_precision(loss, variables, start, time, error) -> None:
    landscape = Landscape(loss, variables)
    options = {"scheme": "implicit_euler", "temperature": 0.01}
    exact = integrate(landscape, start, time, 20, 60, engine="numpy", **options)
    single = integrate(landscape, start, time, 20, 60, engine="torch", dtype="float32", **options)
    assert single.diverged == 0
    assert np.abs(single.final - exact.final).max() < error


@pytest.mark.networks
def test_what_has_not_converged_in_single_precision_is_not_a_number_either() -> None:
    landscape = Landscape("x**4", "x")
    with pytest.warns(UserWarning, match="diverged"):
        found = integrate(landscape, 1e6, 1.0, 1, 3, scheme="implicit_euler", engine="torch", dtype="float32")
    assert found.diverged == 3
