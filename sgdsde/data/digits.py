"""scikit-learn's 8 × 8 digits: small, always there, no network."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import integer
from sgdsde.data.dataset import Dataset, choose

N_TRAIN_POOL = 1200


def digits(n_train: int | None = None, seed: int = 0) -> Dataset:
    """1797 images of handwritten digits, 8 × 8, brightness in [0, 1]: 1200 for training, 597 for testing.

    The split is fixed (random, the same for every `seed`), so that no test image is ever trained on.

    Parameters
    ----------
    n_train : int, optional
        How many of the 1200 training images to choose at random, without repeats; None takes all.
    seed : int
        Of that choice.

    Returns
    -------
    Dataset
        Inputs of shape (n, 64), float32; labels int64.

    Raises
    ------
    ValueError
        When an argument is out of range.

    Notes
    -----
    The test part of Alpaydin and Kaynak's "Optical Recognition of Handwritten Digits", UCI, as scikit-learn ships it.

    Examples
    --------
    >>> data = digits(n_train=1000, seed=0)
    >>> data.x_train.shape, data.n_test, data.n_classes
    ((1000, 64), 597, 10)
    """
    chosen = choose("n_train", n_train, N_TRAIN_POOL, np.random.default_rng(integer("seed", seed, 0)))
    pixels, labels = _whole()
    order = np.random.default_rng(0).permutation(len(pixels))
    train, test = order[:N_TRAIN_POOL][chosen], order[N_TRAIN_POOL:]
    return Dataset(
        name="digits",
        x_train=pixels[train],
        y_train=labels[train],
        x_test=pixels[test],
        y_test=labels[test],
        image_shape=(8, 8),
        provenance=f"digits of scikit-learn; n_train={len(train)}, n_test={len(test)}, seed={seed}",
    )


@functools.cache
def _whole() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All images and labels, read once."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels.astype(np.int64)
