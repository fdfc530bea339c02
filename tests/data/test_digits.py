import numpy as np
import pytest

from sgdsde.data import Dataset, digits


def rows(x):
    return {row.tobytes() for row in x}


def test_digits_are_split_for_good():
    whole, part, other = digits(), digits(n_train=300, seed=1), digits(n_train=300, seed=2)
    assert whole.x_train.shape == (1200, 64)
    assert whole.x_test.shape == (597, 64)
    assert whole.x_train.dtype == np.float32
    assert (whole.x_train.min(), whole.x_train.max()) == (0, 1)
    assert np.array_equal(whole.x_test, part.x_test)
    assert rows(part.x_train) <= rows(whole.x_train)
    assert rows(part.x_train) != rows(other.x_train)
    assert len(rows(part.x_train)) == 300
    assert not rows(whole.x_train) & rows(whole.x_test)
    assert np.array_equal(part.x_train, digits(n_train=300, seed=1).x_train)


@pytest.mark.parametrize("n_train", [0, 1201, 1.0, True])
def test_digits_refuse_a_bad_n_train(n_train):
    with pytest.raises(ValueError, match="n_train must be an integer from 1 to 1200"):
        digits(n_train=n_train)


def make(**changes):
    x, y = np.zeros((3, 4), dtype=np.float32), np.arange(3)
    return Dataset(
        **{"name": "toy", "x_train": x, "y_train": y, "x_test": x, "y_test": y}
        | {"image_shape": (2, 2), "provenance": "by hand"}
        | changes
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.arange(2)}, r"y_train must be a target for each of 3 examples, got \(2,\)"),
        (
            {"x_test": np.zeros((3, 5), dtype=np.float32)},
            r"x_test must have the shape \(n, 4\) of x_train, got \(n, 5\)",
        ),
        ({"y_test": np.zeros((3, 2))}, r"y_test must have the shape \(n,\) of y_train, got \(n, 2\)"),
    ],
)
def test_a_dataset_whose_parts_do_not_fit_is_refused(changes, message):
    assert make().n_classes == 3
    with pytest.raises(ValueError, match=message):
        make(**changes)
