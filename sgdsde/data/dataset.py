"""Dataset: labelled examples for training and for testing, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.layout import one_line


class DataUnavailable(OSError):
    """Data are neither in the named folder nor in the cache, and no mirror answers; the message is one line."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples for training and testing, as arrays.

    Parameters
    ----------
    name : str
        Short name, for titles.
    x_train, x_test : array of float32 or float64, shape (n, features)
        Inputs; images have brightness in [0, 1].
    y_train, y_test : array of int64, shape (n,)
        Labels 0, 1, …
    image_shape : tuple of int
        Shape of one input as an image, (height, width); () where it is none.
    provenance : str
        Where the arrays come from and how examples were chosen.

    Raises
    ------
    ValueError
        When the shapes do not fit together, a part is empty, or a label is negative.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.zeros((3, 4), dtype=np.float32), np.array([0, 1, 1])
    >>> Dataset("toy", x, y, x[:1], y[:1], image_shape=(2, 2), provenance="by hand").n_classes
    2
    """

    name: str
    x_train: NDArray[np.floating[Any]]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.floating[Any]]
    y_test: NDArray[np.int64]
    image_shape: tuple[int, ...]
    provenance: str

    __repr__ = one_line

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.ndim != 2 or y.shape != x.shape[:1] or not len(x):
                raise ValueError(
                    f"x_{part} must be (n, features) and y_{part} (n,) with n ≥ 1, got {x.shape} and {y.shape}"
                )
            if not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
                raise ValueError(f"y_{part} must hold integer labels from 0, got {y.dtype} from {y.min()}")
        if self.x_test.shape[1] != self.x_train.shape[1]:
            raise ValueError(
                f"x_test must have the {self.x_train.shape[1]} features of x_train, got {self.x_test.shape[1]}"
            )

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
        """One more than the largest label."""
        return int(max(self.y_train.max(), self.y_test.max())) + 1


def choose(name: str, wanted: int | None, available: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Indices of `wanted` different examples in random order; all of them, in order, when `wanted` is None."""
    if wanted is None:
        return np.arange(available)
    if isinstance(wanted, bool) or not isinstance(wanted, (int, np.integer)) or not 1 <= wanted <= available:
        raise ValueError(f"{name} must be an integer from 1 to {available}, or None for all, got {wanted!r}")
    return generator.choice(available, wanted, replace=False)


def as_seed(seed: object) -> int:
    """`seed` as a non-negative integer, or a ValueError."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    return int(seed)
