"""A Dataset of torch.utils.data.Datasets: every example is read into an array. Needs no torch of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgdsde.arguments import as_array
from sgdsde.data.dataset import Dataset
from sgdsde.memory import check_memory

#: So many examples are read twice: one whose reads differ with probability p is missed with (1 − p)**32.
READ_TWICE = 32


def from_torch(train: Any, test: Any, name: str | None = None) -> Dataset:
    """A Dataset of what `torch.utils.data.Dataset`s for training and for testing hold, read once into arrays.

    Parameters
    ----------
    train, test : torch.utils.data.Dataset
        With a length and items 0, 1, … that are pairs (input, target) of numbers, arrays or tensors; all inputs have
        one shape and type, and so have all targets. Nothing is scaled: images that are no tensors yet need
        ``transform=ToTensor()`` or the like.
    name : str, optional
        Short name, for titles; None: the name of the class of `train`.

    Returns
    -------
    Dataset
        Its inputs have the shape of the items, (N, 1, 28, 28) for images as torchvision has them.

    Raises
    ------
    ValueError
        When there are no lengths or items, items are no such pairs, or do not fit into memory; and when two reads of an
        example differ, as with random augmentation: each read is then another example, so that there are not N of them,
        and F, the covariance of the gradients of N examples, does not exist. A few are read twice to find it out.

    Notes
    -----
    Instead of random augmentation hand in a few augmented copies of every example, drawn once.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> halves = [TensorDataset(torch.zeros(n, 1, 8, 8), torch.arange(n) % 10) for n in (50, 20)]
    >>> data = from_torch(*halves)
    >>> data.x_train.shape, data.y_test.dtype.name, data.name
    ((50, 1, 8, 8), 'int64', 'TensorDataset')
    """
    lengths = {part: _length(part, given) for part, given in (("train", train), ("test", test))}
    first = {part: _pair(part, given, 0) for part, given in (("train", train), ("test", test))}
    size = sum(lengths[part] * sum(array.nbytes for array in first[part]) for part in lengths)
    check_memory(size, f"train and test must be smaller: {sum(lengths.values())} examples")
    x_train, y_train = _read("train", train, lengths["train"], first["train"])
    x_test, y_test = _read("test", test, lengths["test"], first["test"])
    kind = type(train)
    return Dataset(
        name=kind.__name__ if name is None else name,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        provenance=f"{kind.__module__}.{kind.__qualname__} of {len(x_train)} examples, and {len(x_test)} for testing",
    )


def _length(part: str, given: Any) -> int:
    try:
        n = len(given) if hasattr(given, "__getitem__") else None
    except (TypeError, NotImplementedError):
        n = None
    if n is None:
        raise ValueError(
            f"{part} must be a data set with a length and items, as torch.utils.data.TensorDataset, "
            f"got {type(given).__name__}"
        )
    if not n:
        raise ValueError(f"{part} must have examples, got none")
    return n


def _pair(part: str, given: Any, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Input and target of an example, as arrays."""
    item = given[index]
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise ValueError(f"{part}[{index}] must be a pair (input, target), got {type(item).__name__}")
    x, y = (_array(f"{part}[{index}][{place}]", value) for place, value in enumerate(item))
    return x, y


def _array(name: str, value: Any) -> NDArray[Any]:
    try:
        array = as_array(value)
        if array.dtype.kind in "biuf":
            return array
        got = f"{type(value).__name__} of {array.dtype}"
    except (TypeError, ValueError, RuntimeError) as error:
        got = f"{type(value).__name__}: {str(error).partition(chr(10))[0]}"
    raise ValueError(f"{name} must be real numbers, got {got}")


def _read(part: str, given: Any, n: int, first: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """All inputs (n, …) and targets (n, …)."""
    stacks = tuple(np.empty((n, *array.shape), array.dtype) for array in first)
    for k in range(n):
        for place, (stack, array) in enumerate(zip(stacks, _pair(part, given, k), strict=True)):
            if array.shape != stack.shape[1:] or array.dtype != stack.dtype:
                raise ValueError(
                    f"{part} must have examples of one shape and type, got {array.shape} of {array.dtype} at "
                    f"[{k}][{place}], {stack.shape[1:]} of {stack.dtype} at [0][{place}]"
                )
            stack[k] = array
    for k in np.unique(np.linspace(0, n - 1, READ_TWICE).astype(int)):
        again = _pair(part, given, int(k))
        if not all(np.array_equal(stack[k], array, equal_nan=True) for stack, array in zip(stacks, again, strict=True)):
            raise ValueError(
                f"{part} must have examples that stay what they are, but two reads of {part}[{k}] differ, as with "
                "random augmentation: leave it out, or hand in a few augmented copies of every example, drawn once"
            )
    x, y = stacks
    return x, y
