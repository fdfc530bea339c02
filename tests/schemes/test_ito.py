"""Taylor schemes against their formulas, sdeint's Euler, and the tamed scheme where Euler's blows up."""

import math

import numpy as np
import pytest
import sdeint

from sgdsde import BrownianPath, DivergenceWarning, Landscape, integrate

FULL = Landscape("x**2/2 + x*y/3 + y**4/4", "x y", noise_factor=[["1 + x**2/4", "y/2"], ["x*y/5", "1 + y**2/3"]])
W = np.array([0.4, -0.7])
DT, T = 0.05, 0.6
NUMBERS = {"dt": DT, "temperature": T}


def jacobians(landscape: Landscape, w: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """∂b_l/∂ω_i as (i, row, l), by central differences."""
    return np.stack(
        [(landscape.noise_factor(w + e) - landscape.noise_factor(w - e)) / (2 * h) for e in h * np.eye(len(w))]
    )


def test_milstein_with_areas(step) -> None:
    z, area = np.array([0.8, -1.3]), np.array([0.37])
    b, slopes = math.sqrt(T) * FULL.noise_factor(W), math.sqrt(T) * jacobians(FULL, W)
    dw = math.sqrt(DT) * z
    integrals = (np.outer(dw, dw) - DT * np.eye(2)) / 2 + DT * area * np.array([[0, 1], [-1, 0]])
    expected = W - FULL.gradient(W) * DT + b @ dw
    for j in range(2):
        for other in range(2):
            expected = expected + np.einsum("i,ir->r", b[:, j], slopes[:, :, other]) * integrals[j, other]
    found = step("milstein_levy", FULL, W, NUMBERS, z=z, area=area)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_milstein_is_the_expansion_of_geometric_brownian_motion(step) -> None:
    landscape, z = Landscape("a*x**2/2", "x", {"a": 0.7}, noise_factor=[["0.9*x"]]), 1.1
    a, s = 0.7, 0.9 * math.sqrt(T)
    dw = math.sqrt(DT) * z
    expected = 0.4 * (1 - a * DT + s * dw + s**2 * (dw**2 - DT) / 2)
    assert step("milstein", landscape, [0.4], NUMBERS, z=z)[0] == pytest.approx(expected, rel=1e-14)


def test_taylor_15_on_geometric_brownian_motion(step) -> None:
    """exp((−a − s²/2)Δ + s W) to order 3/2, where s a (ΔZ + (ΔW Δ − ΔZ)) = s a ΔW Δ."""
    landscape, z, y = Landscape("a*x**2/2", "x", {"a": 0.7}, noise_factor=[["0.9*x"]]), 1.1, -0.4
    a, s, dw = 0.7, 0.9 * math.sqrt(T), math.sqrt(DT) * z
    series = 1 - a * DT + s * dw + s**2 * (dw**2 - DT) / 2
    series += -a * s * dw * DT + s**3 * (dw**3 - 3 * dw * DT) / 6 + a**2 * DT**2 / 2
    assert step("taylor_15", landscape, [0.4], NUMBERS, z=z, y=y)[0] == pytest.approx(0.4 * series, rel=1e-14)


def test_taylor_15_is_its_formula(step) -> None:
    """L = x⁴/4, b = 1 + x²/2: derivatives by hand."""
    landscape, x, z, y = Landscape("x**4/4", "x", noise_factor=[["1 + x**2/2"]]), 0.6, 0.9, -1.2
    a, a1, a2 = -(x**3), -3 * x**2, -6 * x
    s = math.sqrt(T)
    b, b1, b2 = s * (1 + x**2 / 2), s * x, s
    dw = math.sqrt(DT) * z
    dz = DT**1.5 / 2 * (z + y / math.sqrt(3))
    expected = x + a * DT + b * dw + b * b1 * (dw**2 - DT) / 2 + a1 * b * dz
    expected += (a * a1 + b**2 * a2 / 2) * DT**2 / 2 + (a * b1 + b**2 * b2 / 2) * (dw * DT - dz)
    expected += b * (b * b2 + b1**2) * (dw**2 / 3 - DT) * dw / 2
    assert step("taylor_15", landscape, [x], NUMBERS, z=z, y=y)[0] == pytest.approx(expected, rel=1e-14)


def test_tamed_euler_is_its_formula(step) -> None:
    z = np.array([0.8, -1.3])
    drift = -FULL.gradient(W)
    expected = W + drift * DT / (1 + DT * np.linalg.norm(drift)) + math.sqrt(T * DT) * FULL.noise_factor(W) @ z
    np.testing.assert_allclose(step("tamed_euler", FULL, W, NUMBERS, z=z), expected, rtol=1e-14)


def test_euler_maruyama_is_that_of_sdeint() -> None:
    times = np.linspace(0, 1, 41)
    dw = np.random.default_rng(0).standard_normal((40, 2)) * math.sqrt(1 / 40)
    theirs = sdeint.itoEuler(
        lambda w, t: -FULL.gradient(w), lambda w, t: math.sqrt(T) * FULL.noise_factor(w), W, times, dW=dw
    )
    path = BrownianPath(2, 1.0, 40, increments=dw[:, None])
    ours = integrate(FULL, W, 1.0, 40, 1, temperature=T, brownian=path, save_every=1)
    np.testing.assert_allclose(ours.snapshots[:, 0], theirs, rtol=1e-12)


def test_tamed_euler_survives_where_euler_diverges() -> None:
    steep = Landscape("x**6/6", "x")
    with pytest.warns(DivergenceWarning), pytest.warns(UserWarning, match="stability limit"):
        euler = integrate(steep, 5.0, 10.0, 200, 500, scheme="euler_maruyama")
    tamed = integrate(steep, 5.0, 10.0, 200, 500, scheme="tamed_euler")
    assert euler.diverged == 500
    assert tamed.diverged == 0
    assert 0.2 < tamed.final.var() < 1.5  # the invariant law has 0.49; from 5 every path has come down
