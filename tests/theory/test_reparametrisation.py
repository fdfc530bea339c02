"""Maps of the parameters against finite differences, and Laplace's evidence in other coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tables import every

from sgdsde.logistic import LogisticRegression
from sgdsde.theory import laplace_evidence
from sgdsde.theory.coordinates import ComponentwiseMap, LinearMap, cubic_map, sinh_map
from sgdsde.theory.reparametrisation import laplace_in_coordinates, laplace_shift, transformed_hessian

POINT, DIRECTION = np.array([0.7, -1.2, 0.3]), np.array([0.4, 1.0, -2.0])
MAPS = {
    "linear": LinearMap([[2.0, 1.0, 0.0], [0.0, 0.5, -3.0], [1.0, 0.0, 1.0]]),
    "sinh": sinh_map(),
    "cubic": cubic_map(),
}


class Bent:
    """ω = M f(θ): a map whose Jacobian is not diagonal and not constant."""

    def __init__(self, matrix, inner):
        self.matrix, self.inner = np.asarray(matrix), inner

    def forward(self, theta):
        return self.inner.forward(theta) @ self.matrix.T

    def inverse(self, omega):
        return self.inner.inverse(np.linalg.solve(self.matrix, omega))

    def jacobian(self, theta):
        return self.matrix @ self.inner.jacobian(theta)

    def log_volume(self, theta):
        return self.inner.log_volume(theta) + np.linalg.slogdet(self.matrix)[1]

    def volume_derivatives(self, theta):
        return self.inner.volume_derivatives(theta)

    def bend(self, theta, gradient):
        return self.inner.bend(theta, self.matrix.T @ gradient)

    def turning(self, theta, direction):
        return self.matrix @ self.inner.turning(theta, direction)


MAPS["bent"] = Bent(MAPS["linear"].matrix, sinh_map())


def slope(function, at, step=1e-5):
    """Central differences along each axis, on the last axis."""
    steps = step * np.eye(len(at))
    return np.stack([(function(at + s) - function(at - s)) / (2 * step) for s in steps], axis=-1)


def examples(n, seed, dimension=3):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, dimension))
    logits = x @ np.array([1.0, -0.5, 0.3])[:dimension]
    return LogisticRegression(x, (generator.random(n) < 1 / (1 + np.exp(-logits))).astype(int), softmax=False)


def third_of(model, weights):
    """The third derivative of the cost, by differences of the Hessian."""

    def third(direction):
        step = 1e-5 / np.linalg.norm(direction)
        ahead, behind = (model.hessian(weights + sign * step * direction, 1.0) for sign in (1, -1))
        return (ahead - behind) / (2 * step)

    return third


def plain_laplace(model):
    fit = model.fit(1.0)
    return laplace_evidence(fit.cost, np.linalg.eigvalsh(model.hessian(fit.weights, 1.0)), 1.0).log_evidence


@pytest.mark.parametrize("name", MAPS)
def test_a_map_has_the_derivatives_that_it_says(name):
    each = MAPS[name]
    assert_allclose(each.inverse(each.forward(POINT)), POINT, rtol=1e-13)
    assert_allclose(slope(each.forward, POINT), each.jacobian(POINT), atol=1e-8)
    assert_allclose(each.log_volume(POINT), np.linalg.slogdet(each.jacobian(POINT))[1], rtol=1e-13)
    assert each.log_volume(np.stack([POINT, DIRECTION])).shape == (2,)
    assert_allclose(slope(each.log_volume, POINT), each.volume_derivatives(POINT)[0], atol=1e-8)
    assert_allclose(slope(lambda x: each.volume_derivatives(x)[0], POINT), each.volume_derivatives(POINT)[1], atol=1e-8)
    assert_allclose(slope(lambda x: each.jacobian(x).T @ DIRECTION, POINT), each.bend(POINT, DIRECTION), atol=1e-8)
    assert_allclose(slope(each.jacobian, POINT) @ DIRECTION, each.turning(POINT, DIRECTION), atol=1e-8)


def test_the_inverse_of_the_cubic_holds_for_small_and_large_numbers():
    omega = np.array([0.0, 1e-12, -1e-3, 5.0, 1e9])
    assert_allclose(cubic_map().forward(cubic_map().inverse(omega)), omega, rtol=1e-13)


@pytest.mark.parametrize("name", MAPS)
def test_the_hessian_in_other_coordinates_is_that_of_the_composed_function(name):
    model, each = examples(40, 0), MAPS[name]
    omega = each.forward(POINT)
    gradient, hessian = model.gradient(omega, 1.0), model.hessian(omega, 1.0)
    found = transformed_hessian(hessian, each.jacobian(POINT), each.bend(POINT, gradient))

    def composed(theta):
        return each.jacobian(theta).T @ model.gradient(each.forward(theta), 1.0)

    assert_allclose(found, slope(composed, POINT), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_linear_maps_leave_the_evidence_of_laplace_as_it_is(scale):
    model = examples(60, 1)
    stretched = LinearMap(scale * MAPS["linear"].matrix)
    found = laplace_in_coordinates(model, 1.0, stretched, np.zeros(3))
    assert_allclose(found.log_evidence, plain_laplace(model), rtol=0, atol=1e-10)
    assert_allclose(stretched.forward(found.theta), model.fit(1.0).weights, atol=1e-8)
    assert laplace_shift(model.hessian(POINT, 1.0), np.diag, stretched, POINT) == 0


def test_weights_in_units_of_their_own_are_a_regression_on_other_inputs():
    """Sharpness by all measures, from the regression on XJ and by JᵀHJ; the evidence is the same by Laplace."""
    model, scales = examples(25, 7, 2), LinearMap(np.diag([100.0, 0.1]))
    there = laplace_in_coordinates(model, 1.0, scales, np.zeros(2))
    assert_allclose(there.log_evidence, plain_laplace(model), rtol=0, atol=1e-9)
    other = LogisticRegression(model.inputs @ scales.matrix, model.labels, softmax=False)
    share = np.eye(2)
    found = other.hessian(there.theta, 1.0) - share
    expected = transformed_hessian(model.hessian(model.fit(1.0).weights, 1.0) - share, scales.matrix)
    for measure in (lambda h: np.linalg.eigvalsh(h)[-1], np.trace, np.linalg.det):
        assert_allclose(measure(found), measure(expected), rtol=1e-8)


@pytest.mark.parametrize("name", ["sinh", "cubic", "bent"])
def test_the_mode_in_other_coordinates_is_that_of_the_density(name):
    model, each = examples(60, 1), MAPS[name]
    found = laplace_in_coordinates(model, 1.0, each, model.fit(1.0).weights)

    def gradient(theta):
        return each.jacobian(theta).T @ model.gradient(each.forward(theta), 1.0) - each.volume_derivatives(theta)[0]

    assert_allclose(gradient(found.theta), 0, atol=1e-9)
    assert_allclose(found.hessian, slope(gradient, found.theta), rtol=1e-6, atol=1e-5)
    cost = model.cost(each.forward(found.theta), 1.0) - each.log_volume(found.theta)
    assert_allclose(found.log_evidence, -cost - np.linalg.slogdet(found.hessian)[1] / 2, rtol=1e-13)


@pytest.mark.parametrize("name", ["sinh", "cubic", "bent"])
def test_the_shift_is_its_first_order_term_to_second_order(name):
    """N copies of the same examples under N times the prior: nothing but N changes, and what is left falls as 1/N²."""
    model, each, left = examples(30, 2), MAPS[name], []
    for copies in (16, 32, 64):

        class Copies:
            cost = staticmethod(lambda w, _, k=copies: k * model.cost(w, 1.0))
            gradient = staticmethod(lambda w, _, k=copies: k * model.gradient(w, 1.0))
            hessian = staticmethod(lambda w, _, k=copies: k * model.hessian(w, 1.0))

        minimum = model.fit(1.0).weights
        hessian, third = copies * model.hessian(minimum, 1.0), third_of(model, minimum)
        plain = -copies * float(model.cost(minimum, 1.0)) - np.linalg.slogdet(hessian)[1] / 2
        shift = laplace_in_coordinates(Copies, 1.0, each, minimum).log_evidence - plain
        first = laplace_shift(hessian, lambda d, k=copies, t=third: k * t(d), each, minimum)
        left.append(shift - first)
        assert abs(first) > 5 * abs(left[-1])
    assert_allclose(np.array(left[:-1]) / left[1:], 4, atol=0.5)


#: In θ, ω = sinh(8θ)/8, the posterior of one example of each class has a saddle at 0, between modes on either side.
STEEP = ComponentwiseMap(
    lambda x: np.sinh(8 * x) / 8,
    lambda x: np.arcsinh(8 * x) / 8,
    (lambda x: np.cosh(8 * x), lambda x: 8 * np.sinh(8 * x), lambda x: 64 * np.cosh(8 * x)),
)
SADDLE = LogisticRegression([[1.0], [1.0]], [0, 1])


def test_the_search_leaves_a_saddle_for_a_mode():
    found = laplace_in_coordinates(SADDLE, 1.0, STEEP, [0.01])
    assert found.hessian[0, 0] > 0
    assert found.theta[0] > 0.01


@every(
    ("call", "message"),
    [
        (lambda: LinearMap([[1.0, 2.0]]), r"matrix must be square and finite, got the shape \(1, 2\)"),
        (lambda: LinearMap([[1.0, 2.0], [2.0, 4.0]]), "matrix must have an inverse, got rank 1 of 2"),
        (lambda: LinearMap([[np.nan]]), "matrix must be square and finite"),
        (lambda: transformed_hessian(np.eye(2), np.eye(3)), r"must be square and of one shape, got \(2, 2\) and"),
        (lambda: transformed_hessian(np.eye(2), np.eye(2), [1.0, 2.0]), r"bend must have the shape \(2, 2\), got"),
        (lambda: laplace_in_coordinates(examples(9, 0), 0.0, sinh_map(), np.zeros(3)), "regularization must be"),
        (lambda: laplace_in_coordinates(SADDLE, 1.0, STEEP, [np.nan]), "start must be finite weights"),
        (lambda: laplace_in_coordinates(SADDLE, 1.0, STEEP, [0.0]), "start must lead to a mode"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
