"""Dataset: examples with their targets, for training and for testing, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer, integers
from sgdsde.data.examples import checked_inputs, checked_labels, checked_targets
from sgdsde.layout import one_line


class DataUnavailable(OSError):
    """Data are neither in the named folder nor in the cache, and no mirror answers; the message is one line."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples with their targets, for training and testing, as arrays.

    Parameters
    ----------
    name : str
        Short name, for titles.
    x_train, x_test : array_like or tensor, (n, features) or (n, …)
        Inputs, finite: of any shape that the network takes, (n, 1, 28, 28) for a convolution on images. Kept as arrays
        of float32 where they are that, else float64.
    y_train, y_test : array_like or tensor, (n,) or (n, …)
        Targets, finite: class numbers 0, 1, …, (n,), for cross-entropy; for regression floats of the shape of the
        network's outputs. Whole numbers are kept as int64, others as float32 or float64. What they must be is said by
        the loss, so it is checked where a loss is named.
    image_shape : tuple of int
        Shape of one flat input as an image, (height, width); () where it is none.
    provenance : str
        Where the arrays come from and how examples were chosen.

    Raises
    ------
    ValueError
        When the shapes do not fit together, a part is empty, or a number is missing, NaN or infinite; the message names
        the part and the place.

    Examples
    --------
    >>> toy = Dataset("toy", [[0, 1], [1, 0], [1, 1]], [0, 1, 1], [[0, 0]], [0])
    >>> toy.n_train, toy.n_classes, toy.x_train.dtype.name
    (3, 2, 'float64')
    >>> Dataset("images", np.zeros((5, 1, 8, 8)), np.zeros((5, 2)), np.zeros((2, 1, 8, 8)), np.zeros((2, 2))).n_test
    2
    """

    name: str
    x_train: NDArray[np.floating[Any]]
    y_train: NDArray[Any]
    x_test: NDArray[np.floating[Any]]
    y_test: NDArray[Any]
    image_shape: tuple[int, ...] = ()
    provenance: str = "handed in as arrays"

    __repr__ = one_line

    def __post_init__(self) -> None:
        for field in ("name", "provenance"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(
                    f"{field} must be a text, got {type(getattr(self, field)).__name__}; "
                    "a Dataset is made of name, x_train, y_train, x_test, y_test"
                )
        object.__setattr__(self, "image_shape", integers("image_shape", self.image_shape, 1))
        for part in ("train", "test"):
            x = checked_inputs(f"x_{part}", getattr(self, f"x_{part}"))
            if x.ndim < 2:
                raise ValueError(
                    f"x_{part} must be (n, features) or (n, …), got {x.shape}; of one feature it is (n, 1)"
                )
            y = checked_targets(f"y_{part}", getattr(self, f"y_{part}"), len(x))
            object.__setattr__(self, f"x_{part}", x if x.dtype.kind == "f" else x.astype(np.float64))
            object.__setattr__(self, f"y_{part}", y)
        for axis in "xy":
            train, test = getattr(self, f"{axis}_train").shape[1:], getattr(self, f"{axis}_test").shape[1:]
            if test != train:
                raise ValueError(f"{axis}_test must have the shape {_of_n(train)} of {axis}_train, got {_of_n(test)}")

    @property
    def n_train(self) -> int:
        """N, the number of training examples."""
        return len(self.x_train)

    @property
    def n_test(self) -> int:
        """Number of test examples."""
        return len(self.x_test)

    @property
    def n_classes(self) -> int:
        """One more than the largest label; a ValueError where targets are no class numbers."""
        parts = ("train", self.y_train), ("test", self.y_test)
        return max(int(checked_labels(f"y_{part}", y, len(y)).max()) for part, y in parts) + 1


def choose(name: str, wanted: int | None, available: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Indices of `wanted` different examples in random order; all of them, in order, when `wanted` is None."""
    if wanted is None:
        return np.arange(available)
    number = integer(name, wanted, 1, available, also=", or None for all")
    return generator.choice(available, number, replace=False)


def _of_n(shape: tuple[int, ...]) -> str:
    """As in (n, 28, 28); (n,) where there is nothing else.

    >>> _of_n(()), _of_n((2, 3))
    ('(n,)', '(n, 2, 3)')
    """
    return f"(n, {', '.join(map(str, shape))})" if shape else "(n,)"
