"""What is taken for examples, and what is refused with its place."""

import re

import numpy as np
import pytest
import torch
from tables import every

from sgdsde.data import Dataset
from sgdsde.data.examples import checked_inputs, checked_labels, checked_targets, representable

pytestmark = pytest.mark.networks

X, Y = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), [0, 1, 1]


@every(
    "x",
    [
        X,
        X.tolist(),
        X.astype(np.float32),
        X.astype(np.uint8),
        X.astype(np.longdouble),
        torch.tensor(X),
        torch.tensor(X, requires_grad=True),
        np.ma.masked_array(X),
    ],
)
@every(
    "y",
    [Y, tuple(Y), np.array(Y, np.uint8), np.array(Y, bool), torch.tensor(Y)],
)
def test_lists_arrays_and_tensors_make_the_same_data_set(x, y):
    found = Dataset("toy", x, y, x, y)
    np.testing.assert_array_equal(found.x_train, X)
    np.testing.assert_array_equal(found.y_test, Y)
    assert type(found.x_train) is np.ndarray
    assert found.x_train.dtype in (np.float32, np.float64)
    assert found.y_train.dtype == np.int64
    assert (found.n_train, found.n_test, found.n_classes, found.image_shape) == (3, 3, 2, ())


def test_arrays_of_the_right_kind_are_not_copied():
    x, y = X.astype(np.float32), np.array(Y)
    found = Dataset("toy", x, y, X, y)
    assert found.x_train is x
    assert found.x_test is X
    assert found.y_train is y


BAD = [
    ({"x_train": np.where(X == 3, np.nan, X)}, r"x_train must be finite, got nan at \[1, 1\]"),
    ({"x_test": np.where(X == 4, -np.inf, X)}, r"x_test must be finite, got -inf at \[2, 0\]"),
    ({"x_test": torch.tensor(X) / 0}, r"x_test must be finite, got nan at \[0, 0\]"),
    ({"x_train": [[1.0, 2.0], [3.0]]}, "x_train must be inputs .* got a list that is no array of numbers"),
    ({"x_train": X.astype(str)}, "x_train must be inputs .* real numbers, got a ndarray of <U"),
    ({"x_train": X + 1j}, "x_train must be inputs .* real numbers, got a ndarray of complex128"),
    ({"x_train": None}, "x_train must be inputs .* real numbers, got a NoneType of object"),
    (
        {"x_train": torch.zeros(3, 2, device="meta")},
        "x_train must be inputs .* got a Tensor that is no array of numbers",
    ),
    ({"x_train": np.ma.masked_greater(X, 3)}, "x_train must be inputs .* none of them masked, got 2 that are"),
    ({"x_train": X[:0], "y_train": []}, r"a row of numbers for each of N ≥ 1 examples, got \(0, 2\)"),
    (
        {"x_train": X.ravel(), "y_train": [0] * 6},
        r"x_train must be \(n, features\) or \(n, …\), got \(6,\); of one feature it is \(n, 1\)",
    ),
    ({"x_train": np.zeros((3, 1, 8, 8))}, r"x_test must have the shape \(n, 1, 8, 8\) of x_train, got \(n, 2\)"),
    ({"y_train": [0, 1]}, r"y_train must be a target for each of 3 examples, got \(2,\)"),
    ({"y_train": np.eye(3)}, r"y_test must have the shape \(n, 3\) of y_train, got \(n,\)"),
    ({"y_train": np.zeros((3, 0))}, r"y_train must be a target for each of 3 examples, got \(3, 0\)"),
    ({"y_test": [0, np.nan, 1]}, r"y_test must be finite, got nan at \[1\]$"),
    ({"y_test": np.array([0, 2**63, 1], np.uint64)}, r"y_test must be whole numbers of 64 bits, got 9223.* at \[1\]"),
    ({"y_test": ["cat", "dog", "dog"]}, "y_test must be targets .* real numbers, got a list of <U3"),
    ({"name": X}, "name must be a text, got ndarray; a Dataset is made of name, x_train, y_train, x_test, y_test"),
    ({"provenance": 3}, "provenance must be a text, got int"),
    ({"image_shape": 4}, r"image_shape must be a sequence of integers such as \(1, 2, 4\), got 4"),
    ({"image_shape": (2, 0.5)}, "image_shape must be an integer of at least 1, got 0.5"),
]


@every(("changes", "message"), BAD)
def test_what_is_no_data_set_is_refused_with_its_place(changes, message):
    good = {"name": "toy", "x_train": X, "y_train": Y, "x_test": X, "y_test": Y}
    with pytest.raises(ValueError, match=message):
        Dataset(**good | changes)


NO_CLASSES = {
    "y must be class numbers 0, 1, …, got -1 at [2]": [0, 1, -1],
    "y must be class numbers 0, 1, …, got 0.5 at [1]; for real numbers there is loss='mse'": [0, 0.5, 1],
    "y must be class numbers 0, 1, …, got nan at [1]": [0, np.nan, 1],
    "y must be class numbers 0, 1, …, got 1099511627776 at [1]": [0, 2**40, 1],
    "y must be one class number for each of 3 examples, got (3, 3)": np.eye(3),
}


@every("message", NO_CLASSES)
def test_what_is_no_class_number_is_refused_with_its_place(message):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        checked_labels("y", NO_CLASSES[message], 3)


@pytest.mark.parametrize("y", [[0.0, 1.0, 1.0], [[0.0], [1.0], [1.0]], np.array([[0], [1], [1]])])
def test_whole_floats_in_a_column_are_class_numbers_where_such_are_meant(y):
    assert checked_labels("y", y, 3).tolist() == [0, 1, 1]
    assert Dataset("toy", X, y, X, y).n_classes == 2


def test_regression_targets_and_images_keep_their_shape():
    x, y = np.zeros((3, 1, 8, 8), np.float32), np.linspace(-1, 1, 6).reshape(3, 2)
    found = Dataset("toy", x, y, x[:1], y[:1])
    assert found.x_train is x
    assert found.y_train is y
    assert checked_targets("y", y.astype(np.float16), 3).dtype == np.float32
    with pytest.raises(ValueError, match=r"y_train must be one class number for each of 3 examples, got \(3, 2\)"):
        _ = found.n_classes


def test_integers_stay_integers_where_a_network_may_want_them():
    assert checked_inputs("x", [[1, 2]]).dtype == np.int64
    assert checked_labels("y", np.array([0, 1], np.uint64), 2).dtype == np.int64


def test_what_is_too_large_for_single_precision():
    representable("x", X, "float32")
    representable("x", X * 1e300, "float64")
    representable("x", X.astype(np.float32), "float32")
    with pytest.raises(ValueError, match=r"x must be finite in float32, got 1e\+300 at \[0, 1\]"):
        representable("x", X * 1e300, "float32")
