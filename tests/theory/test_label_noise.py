"""Label noise on a regression in squares: decay of u v, its course, and the fits on it."""

import numpy as np
import pytest
from scipy.optimize import linprog

import sgdsde as sg
from sgdsde.theory import label_noise_course, label_noise_decay, least_entropy_fit

N, D = 6, 12
GENERATOR = np.random.default_rng(4)
Z = GENERATOR.standard_normal((N, D))
Y = GENERATOR.standard_normal(N)
SQUARES = GENERATOR.uniform(0.5, 1.0, D)


def test_gradient_flow_leads_to_the_fit_of_least_entropy():
    u = v = np.full(D, 0.5)
    for _ in range(4000):  # in steps that conserve u v
        pull = 0.02 * Z.T @ (Z @ (u**2 - v**2) - Y)
        u, v = u * np.exp(-pull), v * np.exp(pull)
    np.testing.assert_allclose(u**2 - v**2, least_entropy_fit(Z, Y, 0.25), atol=1e-6)


def test_limits_of_large_and_small_products():
    np.testing.assert_allclose(least_entropy_fit(Z, Y, 1e4), np.linalg.pinv(Z) @ Y, rtol=1e-6, atol=1e-8)
    least = linprog(np.ones(2 * D), A_eq=np.hstack([Z, -Z]), b_eq=Y).fun
    small = np.abs(least_entropy_fit(Z, Y, 1e-12)).sum()
    assert least <= small + 1e-9
    assert small == pytest.approx(least, rel=0.05)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
def test_the_decay_is_that_of_the_step_itself(sampling):
    """Second moments of the residuals by simulating the linear recursion at fixed gradients."""
    config = sg.SGDConfig(0.01, 2, N, sampling=sampling)
    paths, generator = 1500, np.random.default_rng(5)
    kernel = 4 * (Z * SQUARES) @ Z.T
    r, total, steps = np.zeros((paths, N)), np.zeros(D), 0
    for step in range(250):
        if sampling == "with_replacement":
            picked = generator.integers(0, N, (paths, 2))
        else:
            picked = np.argsort(generator.random((paths, N)), axis=1)[:, :2]
        of_batch = np.take_along_axis(r, picked, axis=1) - 0.5 * generator.standard_normal((paths, 2))
        if step >= 100:
            total += ((4 / 2 * np.einsum("pb,pbd->pd", of_batch, Z[picked])) ** 2).mean(axis=0)
            steps += 1
        r = r - 2 * 0.01 / 2 * np.einsum("pb,pbi->pi", of_batch, kernel[picked])
    q = 0.01**2 * total / steps
    np.testing.assert_allclose(label_noise_decay(Z, SQUARES, 0.5, config), q + 1.5 * q**2, rtol=0.04)


def test_the_law_of_small_rates():
    exact = [label_noise_decay(Z, SQUARES, 0.5, sg.SGDConfig(rate, 2, N)) / rate**2 for rate in (1e-4, 1e-3)]
    limit = label_noise_decay(Z, SQUARES, 0.5, sg.SGDConfig(1.0, 2, N), residuals=False)
    np.testing.assert_allclose(limit, 16 * 0.25 / 2 * (Z**2).mean(axis=0))
    np.testing.assert_allclose(2 * exact[0] - exact[1] + (exact[1] - exact[0]) * 8 / 9, limit, rtol=1e-3)


def test_the_course_solves_its_equation():
    config = sg.SGDConfig(0.005, 2, N)
    at = np.array([0, 500, 520, 540])
    course = label_noise_course(Z, Y, 0.5, 0.5, config, at)
    np.testing.assert_allclose(course.log_products[0], 2 * np.log(0.5))
    np.testing.assert_allclose(course.weights @ Z.T, np.broadcast_to(Y, (4, N)), atol=1e-9)
    middle = course.weights[2]
    squares = np.sqrt(middle**2 + 4 * np.exp(2 * course.log_products[2]))
    speed = (course.log_products[1] - course.log_products[3]) / 40
    np.testing.assert_allclose(speed, label_noise_decay(Z, squares, 0.5, config), rtol=1e-3)
    assert (course.spread > 0).all()


def test_refusals():
    config = sg.SGDConfig(0.01, 2, N)
    with pytest.raises(ValueError, match=r"inputs must be \(n, d\) of rank n < d, with n targets, got \(6, 5\)"):
        least_entropy_fit(Z[:, :5], Y, 1.0)
    with pytest.raises(ValueError, match="products must be positive, one or d = 12, got 0"):
        least_entropy_fit(Z, Y, 0)
    with pytest.raises(ValueError, match=r"squares must have shape \(d,\)"):
        label_noise_decay(Z, SQUARES[:3], 1.0, config)
    with pytest.raises(ValueError, match="N = 6, independent batches, no momentum and no weight decay"):
        label_noise_decay(Z, SQUARES, 1.0, sg.SGDConfig(0.01, 2, N, momentum=0.5))
    with pytest.raises(ValueError, match="sigma must be"):
        label_noise_decay(Z, SQUARES, 0.0, config)
    with pytest.raises(ValueError, match="learning_rate must be smaller for residuals that stay finite, got 1"):
        label_noise_decay(Z, SQUARES, 1.0, sg.SGDConfig(1.0, 2, N))
    with pytest.raises(ValueError, match="updates must be numbers in order"):
        label_noise_course(Z, Y, 0.5, 0.5, config, [10, 5])
