"""Logistic regression: derivatives against finite differences, the minimum against a plain Newton loop, bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tables import every

from sgdsde.logistic import LogisticRegression


def examples(n=30, features=4, classes=2, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, features)), np.arange(n) % classes


def central_differences(function, at, step=1e-5):
    columns = [(function(at + step * unit) - function(at - step * unit)) / (2 * step) for unit in np.eye(len(at))]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize(("classes", "softmax"), [(2, False), (2, True), (3, True)])
def test_derivatives_are_those_of_the_cost(classes, softmax):
    model = LogisticRegression(*examples(classes=classes), softmax=softmax)
    weights = np.random.default_rng(1).standard_normal(model.dimension)
    gradient, hessian = model.gradient(weights, 0.3), model.hessian(weights, 0.3)
    assert_allclose(gradient, central_differences(lambda w: model.cost(w, 0.3), weights), rtol=1e-8, atol=1e-8)
    assert_allclose(hessian, central_differences(lambda w: model.gradient(w, 0.3), weights), rtol=1e-8, atol=1e-8)
    assert_allclose(model.per_example_gradients(weights, 0.3).sum(axis=0), gradient, rtol=1e-12, atol=1e-12)
    several = np.stack([weights, -weights])
    assert_allclose(model.gradient(several, 0.3)[1], model.gradient(-weights, 0.3), rtol=1e-14)
    assert_allclose(model.cost(several, 0.3)[1], model.cost(-weights, 0.3), rtol=1e-14)


def test_the_slope_of_the_hessian_is_that_of_differences_and_softmax_has_none():
    model = LogisticRegression(*examples())
    weights, direction = np.random.default_rng(1).standard_normal((2, model.dimension))
    ahead, behind = (model.hessian(weights + sign * 1e-5 * direction, 0.3) for sign in (1, -1))
    assert_allclose(model.hessian_slope(weights, direction), (ahead - behind) / 2e-5, atol=1e-7)
    with pytest.raises(ValueError, match="softmax must be False"):
        LogisticRegression(*examples(classes=3)).hessian_slope(np.zeros(12), np.zeros(12))


def test_the_cost_is_the_sum_over_examples():
    x, y = examples()
    model, weights = LogisticRegression(x, y), np.array([0.5, -1.0, 2.0, 0.1])
    probability = 1 / (1 + np.exp(-x @ weights))
    expected = -np.sum(np.where(y == 1, np.log(probability), np.log(1 - probability)))
    assert_allclose(model.cost(weights, 0.7), expected + 0.35 * weights @ weights, rtol=1e-13)
    cross_entropy, accuracy = model.score(weights, x, y)
    assert_allclose(cross_entropy, expected / 30, rtol=1e-13)
    assert accuracy == np.mean((probability > 0.5) == y)


@pytest.mark.parametrize("regularization", [1e-6, 1e-2, 1.0, 1e3])
def test_fit_is_where_a_plain_newton_loop_ends(regularization):
    x, y = examples(200, 4, seed=3)
    weights = np.zeros(4)
    for _ in range(60):
        p = 1 / (1 + np.exp(-x @ weights))
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + regularization * np.eye(4)
        weights = weights - np.linalg.solve(hessian, x.T @ (p - y) + regularization * weights)
    fit = LogisticRegression(x, y).fit(regularization)
    assert fit.gradient_norm <= 1e-10
    assert_allclose(fit.weights, weights, rtol=1e-9, atol=1e-12)


def test_two_classes_of_softmax_are_the_binary_model_with_half_the_penalty():
    x, y = examples()
    binary, softmax = LogisticRegression(x, y).fit(0.5), LogisticRegression(x, y, softmax=True).fit(1.0)
    low, high = softmax.weights.reshape(-1, 2).T
    assert_allclose(high - low, binary.weights, rtol=1e-9)
    assert_allclose(low + high, 0, atol=1e-10)
    assert_allclose(softmax.cost, binary.cost, rtol=1e-12)


def test_path_finds_what_cold_fits_find_in_the_order_given():
    model = LogisticRegression(*examples(40, 10, seed=2))
    penalties = [1.0, 1e-3, 30.0, 1e-1]
    for fit, penalty in zip(model.path(penalties), penalties, strict=True):
        assert fit.regularization == penalty
        assert_allclose(fit.weights, model.fit(penalty).weights, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("regularization", [1e-8, 1e-12])
def test_separable_data_are_fitted_at_weak_penalties(regularization):
    # One weight and one example, twice: λω = 2/(1 + e^ω).
    fit = LogisticRegression([[1.0], [-1.0]], [1, 0]).fit(regularization)
    w = fit.weights[0]
    assert_allclose(regularization * w * (1 + np.exp(w)), 2, rtol=1e-6)


def test_separable_data_without_a_penalty_to_speak_of_are_refused():
    with pytest.raises(ValueError, match=r"regularization must be stronger.*1e-300.*separates have none as λ → 0"):
        LogisticRegression([[1.0], [-1.0]], [1, 0]).fit(1e-300)


@every(
    ("inputs", "labels", "options", "message"),
    [
        ([[1.0, np.nan], [0.0, 1.0]], [0, 1], {}, r"inputs must be finite, got nan at \[0, 1\]"),
        ([1.0, 2.0], [0, 1], {}, r"inputs must be an array of shape \(n, P\), got the shape \(2,\)"),
        ([["a"], ["b"]], [0, 1], {}, "inputs must be an array"),
        ([[1.0], [2.0]], [0, 1, 1], {}, r"labels must be 2 class numbers.*got the shape \(3,\)"),
        ([[1.0], [2.0]], [0.5, 1.0], {}, r"labels must be 2 class numbers 0, 1, …, .*got 0.5 at \[0\]"),
        ([[1.0], [2.0]], [-1, 1], {}, r"labels must be .*got -1 at \[0\]"),
        ([[1.0], [2.0]], [0, np.nan], {}, r"labels must be .*got nan at \[1\]"),
        ([[1.0], [2.0]], ["no", "yes"], {}, "labels must be 2 class numbers"),
        ([[1.0], [2.0]], [1, 1], {}, "labels must hold two classes or more, got 1 only"),
        ([[1.0], [2.0], [3.0]], [0, 2, 2], {}, "labels must hold every class from 0 to 2, got none of 1"),
        ([[1.0], [2.0]], [0, 1], {"softmax": "yes"}, "softmax must be True, False or None, got 'yes'"),
        ([[1.0], [2.0], [3.0]], [0, 1, 2], {"softmax": False}, "softmax must be True or None for 3 classes"),
    ],
)
def test_bad_data_are_named(inputs, labels, options, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(inputs, labels, **options)


@every(
    ("call", "message"),
    [
        (lambda model: model.fit(0), "regularization must be a positive finite number, as .*, got 0"),
        (lambda model: model.fit(-1.0), "regularization must be a positive finite number, as .*, got -1.0"),
        (lambda model: model.fit("weak"), "regularization must be a positive finite number, as .*, got 'weak'"),
        (lambda model: model.fit(1.0, [0.0]), r"start must have the shape \(4,\), got \(1,\)"),
        (lambda model: model.path(1.0), "regularization must be a sequence of positive numbers, got 1.0"),
        (lambda model: model.path([1.0, 0.0]), "regularization must be a positive finite number, as .*, got"),
        (lambda model: model.score(np.zeros(4), np.zeros((2, 3)), [0, 1]), r"inputs must be .*\(n, 4\)"),
        (lambda model: model.score(np.zeros(4), np.zeros((2, 4)), [0, 2]), "labels must be .* below 2, got 2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(LogisticRegression(*examples()))
