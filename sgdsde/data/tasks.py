"""The two tasks of Smith & Le's figures 1 and 2: the same inputs with labels that inform, or that are coin tosses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import choice, integer, real_array
from sgdsde.data.dataset import Dataset, choose

LABELS = ("informative", "random")


def gaussian_task(
    labels: str = "informative", seed: int = 0, *, n_train: int = 200, n_test: int = 10_000, features: int = 200
) -> Dataset:
    """Standard normal inputs; the label is 1 where their components sum to more than 0, or a coin toss.

    Components are shifted and scaled to mean 0 and variance 1, over the training inputs and over the test inputs.

    Parameters
    ----------
    labels : str
        ``"informative"`` or ``"random"``: of training and test examples. The inputs are the same for both.
    seed : int
        Of inputs and tosses.
    n_train, n_test, features : int
        N, the number of test inputs, and P.

    Returns
    -------
    Dataset
        Inputs of shape (n, P), float64; labels 0 and 1.

    Raises
    ------
    ValueError
        When an argument is out of range, or all training labels come out the same.

    Notes
    -----
    The first version of Smith & Le, arXiv 1710.06451, has N = P = 200; its data are not published.

    Examples
    --------
    >>> task = gaussian_task("informative", seed=0)
    >>> task.x_train.shape, task.n_test, bool((task.y_train == (task.x_train.sum(axis=1) > 0)).all())
    ((200, 200), 10000, True)
    """
    choice("labels", labels, LABELS)
    for name, value, least in (("n_train", n_train, 2), ("n_test", n_test, 2), ("features", features, 1)):
        integer(name, value, least)
    own = np.random.SeedSequence(integer("seed", seed, 0)).spawn(3)
    train, test, tosses = map(np.random.default_rng, own)
    x, x_test = (
        (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
        for drawn in (train.standard_normal((n_train, features)), test.standard_normal((n_test, features)))
    )
    y, y_test = ((each.sum(axis=1) > 0).astype(np.int64) for each in (x, x_test))
    task = Dataset(
        name="gaussian",
        x_train=x,
        y_train=y,
        x_test=x_test,
        y_test=y_test,
        image_shape=(),
        provenance=f"standard normal inputs, {labels} labels; N={n_train}, n_test={n_test}, P={features}, seed={seed}",
    )
    task = _tossed(task, tosses) if labels == "random" else task
    if len(np.unique(task.y_train)) < 2:
        raise ValueError(f"n_train must be large enough for both labels to occur, got {n_train} with seed {seed}")
    return task


def gaussian_accuracy(weights: ArrayLike) -> NDArray[np.float64]:
    """Probability that weights classify a new input of :func:`gaussian_task` as its informative label: 1 − angle/π.

    The angle is that between the weights and the true direction (1, …, 1): normal inputs are alike in all directions.

    Parameters
    ----------
    weights : array_like, (…, P)
        Not zero.

    Returns
    -------
    ndarray, (…)

    Examples
    --------
    >>> gaussian_accuracy([[1.0, 1.0], [1.0, 0.0], [-2.0, -2.0]]).round(3)
    array([1.  , 0.75, 0.  ])
    """
    w = real_array("weights", weights)
    cosine = w.sum(axis=-1) / (np.linalg.norm(w, axis=-1) * np.sqrt(w.shape[-1]))
    return np.asarray(1 - np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi)


def zeros_and_ones(
    images: Dataset, labels: str = "informative", seed: int = 0, *, n_train: int = 800, leftover: bool = False
) -> Dataset:
    """Zeros against ones, as many of each, with a constant 1 beside the pixels; labels true, or coin tosses.

    Parameters
    ----------
    images : Dataset
        With labels 0 and 1 among others: :func:`mnist` or :func:`digits`.
    labels : str
        ``"informative"`` or ``"random"``: of training and test examples.
    seed : int
        Of the choice of images and of the tosses.
    n_train : int
        N, even. Test images are all of one class and as many of the other.
    leftover : bool
        Test also on the zeros and ones that the training part has left. Training images are the same without it.

    Returns
    -------
    Dataset
        Inputs of shape (n, pixels + 1), float64, the last component 1, which makes its weight a bias.

    Raises
    ------
    ValueError
        When an argument is out of range.

    Notes
    -----
    Smith & Le, arXiv 1710.06451: 800 training images; they test on 10 000 images, more than MNIST's test part has.
    With what is left of the training part there are 13 006.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> task = zeros_and_ones(digits(), n_train=200)
    >>> task.x_train.shape, task.y_train.mean().item()
    ((200, 65), 0.5)
    """
    choice("labels", labels, LABELS)
    n_train = integer("n_train", n_train, 2, multiple=2)
    chosen, tosses = map(np.random.default_rng, np.random.SeedSequence(integer("seed", seed, 0)).spawn(2))
    parts, x_left, y_left = {}, images.x_train[:0], images.y_train[:0]
    for part, wanted in (("train", n_train // 2), ("test", None)):
        x, y = getattr(images, f"x_{part}"), getattr(images, f"y_{part}")
        if part == "test":
            x, y = np.concatenate([x, x_left]), np.concatenate([y, y_left])
        of_class = [np.flatnonzero(y == label) for label in (0, 1)]
        least = min(len(each) for each in of_class)
        count = least if wanted is None else wanted
        if not least:
            raise ValueError(f"images must have zeros and ones in both parts, got none of one in the {part} part")
        if count > least:
            raise ValueError(f"n_train must be at most {2 * least} with {images.name}, got {n_train}")
        rows = np.concatenate([each[choose("n_train", count, len(each), chosen)] for each in of_class])
        rows = chosen.permutation(rows)
        parts[f"x_{part}"] = np.column_stack([x[rows].reshape(len(rows), -1).astype(np.float64), np.ones(len(rows))])
        parts[f"y_{part}"] = y[rows]
        if part == "train" and leftover:
            left = np.setdiff1d(np.concatenate(of_class), rows)
            x_left, y_left = x[left], y[left]
    task = Dataset(
        name=f"{images.name} 0/1",
        image_shape=images.image_shape,
        provenance=f"{images.provenance}; zeros and ones, {labels} labels, {n_train} for training, seed={seed}",
        **parts,
    )
    return _tossed(task, tosses) if labels == "random" else task


def _tossed(task: Dataset, generator: np.random.Generator) -> Dataset:
    """The same inputs, each with a fair coin's label."""
    y_train, y_test = (generator.integers(0, 2, n) for n in (task.n_train, task.n_test))
    return replace(task, y_train=y_train, y_test=y_test)
