"""Stratonovich schemes: their formulas with the corrected drift, and sdeint's Heun."""

import math

import numpy as np
import pytest
import sdeint

from sgdsde import BrownianPath, Landscape, integrate

FULL = Landscape("x**2/2 + x*y/3 + y**4/4", "x y", noise_factor=[["1 + x**2/4", "y/2"], ["x*y/5", "1 + y**2/3"]])
W, Z = np.array([0.4, -0.7]), np.array([0.8, -1.3])
DT, T = 0.05, 0.6


def drift(w: np.ndarray) -> np.ndarray:
    """−∇L − ½ T Σ_j (∂A_j) A_j with the derivatives written out."""
    x, y = w
    first = np.array([[x / 2, 0.0], [y / 5, x / 5]]) @ [1 + x**2 / 4, x * y / 5]
    second = np.array([[0.0, 0.5], [0.0, 2 * y / 3]]) @ [y / 2, 1 + y**2 / 3]
    return -FULL.gradient(w) - T * (first + second) / 2


def diffusion(w: np.ndarray) -> np.ndarray:
    return math.sqrt(T) * FULL.noise_factor(w)


def euler_heun(w, dw):
    ahead = w + diffusion(w) @ dw
    return w + drift(w) * DT + (diffusion(w) + diffusion(ahead)) @ dw / 2


def heun(w, dw):
    ahead = w + drift(w) * DT + diffusion(w) @ dw
    return w + (drift(w) + drift(ahead)) * DT / 2 + (diffusion(w) + diffusion(ahead)) @ dw / 2


def midpoint(w, dw):
    middle = w + (drift(w) * DT + diffusion(w) @ dw) / 2
    return w + drift(middle) * DT + diffusion(middle) @ dw


@pytest.mark.parametrize("formula", [euler_heun, heun, midpoint], ids=lambda f: f.__name__)
def test_a_step_is_its_formula(formula, step) -> None:
    found = step(formula.__name__, FULL, W, {"dt": DT, "temperature": T}, z=Z)
    np.testing.assert_allclose(found, formula(W, math.sqrt(DT) * Z), rtol=1e-13)


def test_heun_is_that_of_sdeint() -> None:
    dw = np.random.default_rng(0).standard_normal((40, 2)) * math.sqrt(1 / 40)
    theirs = sdeint.stratHeun(lambda w, t: drift(w), lambda w, t: diffusion(w), W, np.linspace(0, 1, 41), dW=dw)
    path = BrownianPath(2, 1.0, 40, increments=dw[:, None])
    ours = integrate(FULL, W, 1.0, 40, 1, temperature=T, scheme="heun", brownian=path, save_every=1)
    np.testing.assert_allclose(ours.snapshots[:, 0], theirs, rtol=1e-12)
