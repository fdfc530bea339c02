"""Data sets of torch's as arrays, and which are refused."""

import numpy as np
import pytest
import torch
from tables import every
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from sgdsde.data import from_torch

pytestmark = pytest.mark.networks

X, Y = torch.arange(600.0).reshape(50, 3, 2, 2), torch.arange(50) % 7


class Items(TorchDataset):
    """A data set whose items are a function of the index."""

    def __init__(self, item, n=50):
        self.item, self.n, self.reads = item, n, []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        self.reads.append(index)
        return self.item(index)


def test_every_example_is_there_in_order_and_read_once_but_for_a_few():
    items = Items(lambda k: (X[k], int(Y[k])))
    found = from_torch(items, Subset(TensorDataset(X, Y), [4, 2]), name="toy")
    np.testing.assert_array_equal(found.x_train, X.numpy())
    np.testing.assert_array_equal(found.y_train, Y.numpy())
    np.testing.assert_array_equal(found.x_test, X[[4, 2]].numpy())
    assert (found.name, found.x_train.dtype, found.y_train.dtype) == ("toy", np.float32, np.int64)
    assert len(items.reads) <= 50 + 32 + 1
    assert "Items of 50 examples, and 2 for testing" in found.provenance


@pytest.mark.parametrize("y", [torch.linspace(0, 1, 50), torch.zeros(50, 2), torch.zeros(50, 4, 4).double()])
def test_regression_targets_of_any_shape_are_taken(y):
    data = ConcatDataset([TensorDataset(X, y), TensorDataset(X, y)])
    found = from_torch(data, TensorDataset(X, y))
    np.testing.assert_array_equal(found.y_train, torch.cat([y, y]).numpy())
    assert found.y_test.dtype == y.numpy().dtype


def flipped(k):
    return (X[k].flip(-1) if torch.rand(()) < 0.5 else X[k]), int(Y[k])


def noisy_labels(k):
    return X[k], int(torch.randint(7, ()))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


REFUSED = {
    "random flips": (Items(flipped), r"two reads of train\[\d+\] differ, as with random augmentation: leave it out"),
    "random labels": (Items(noisy_labels), r"two reads of train\[\d+\] differ"),
    "a stream": (Stream(), "train must be a data set with a length and items, .* got Stream"),
    "a generator": ((pair for pair in zip(X, Y, strict=True)), "train must be a data set .* got generator"),
    "none": (Items(lambda k: (X[k], 0), 0), "train must have examples, got none"),
    "one thing": (Items(lambda k: X[k]), r"train\[0\] must be a pair \(input, target\), got Tensor"),
    "three things": (TensorDataset(X, Y, Y), r"train\[0\] must be a pair \(input, target\), got tuple"),
    "shapes": (
        Items(lambda k: (X[k, : 2 + k % 2], 0)),
        r"one shape and type, got \(3, 2, 2\) of float32 at \[1\]\[0\]",
    ),
    "types": (
        Items(lambda k: (X[k], 0.5 if k > 8 else 0)),
        r"got \(\) of float64 at \[9\]\[1\], \(\) of int64 at \[0\]",
    ),
    "words": (Items(lambda k: (X[k], "cat")), r"train\[0\]\[1\] must be real numbers, got str of <U3"),
    "too many": (
        Items(lambda k: (X[k], 0), 10**13),
        "train and test must be smaller: .* examples take about 560 TB .* are",
    ),
    "NaN": (Items(lambda k: (X[k] / 0 * 0, 0)), r"x_train must be finite, got nan at \[0, 0, 0, 0\]"),
}


@every("name", REFUSED)
def test_what_is_no_fixed_set_of_examples_is_refused_with_the_reason(name):
    train, message = REFUSED[name]
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=message):
        from_torch(train, TensorDataset(X, Y))
