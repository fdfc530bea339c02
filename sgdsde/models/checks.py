"""What training accepts: every argument is checked here before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import nn

from sgdsde.arguments import as_whole
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.data.examples import representable
from sgdsde.models.examples import described
from sgdsde.models.network_checks import TRIED, checked_network
from sgdsde.run import dtype_name

T = TypeVar("T")
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def count(name: str, value: object) -> int:
    """`value` as a positive integer."""
    number = as_whole(value)
    if number is None or number < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return number


def one_of(name: str, value: str, accepted: Mapping[str, T]) -> T:
    """The entry of a registry."""
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(sorted(accepted))}, got {value!r}")
    return accepted[value]


def checked_dtype(dtype: object) -> torch.dtype:
    """A floating type by its name, or by a dtype of torch or NumPy."""
    return one_of("dtype", dtype_name(dtype), DTYPES)


def checked_device(device: str | torch.device | None) -> torch.device:
    """A device that can hold numbers now: "meta" holds shapes."""
    try:
        found = torch.get_default_device() if device is None else torch.device(device)
        torch.zeros(1, device=found).item()
    except (RuntimeError, AssertionError, TypeError) as error:  # torch built without CUDA raises an AssertionError
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"device must be one that torch can use here, such as 'cpu', got {device!r}: {reason}"
        ) from None
    return found


def checked_data(
    data: Dataset | Sequence[Dataset], config: SGDConfig, replicas: int, dtype: torch.dtype
) -> list[Dataset]:
    """One data set for all replicas, or one for each, of equal shapes and with the config's N."""
    sets = [data] if isinstance(data, Dataset) else list(data) if isinstance(data, (tuple, list)) else []
    if not sets or not all(isinstance(d, Dataset) for d in sets):
        raise ValueError(
            f"data must be a Dataset or a sequence of them, one per replica, got {described(data)}: make one by "
            "sgdsde.data.Dataset(name, x_train, y_train, x_test, y_test), as accuracy is measured on examples for "
            "testing too"
        )
    if not isinstance(data, Dataset) and len(sets) != replicas:
        raise ValueError(f"data must be one Dataset or one per replica, {replicas}, got {len(sets)}")
    for d in sets:
        if d.n_train != config.n_examples:
            raise ValueError(
                f"config.n_examples must be the number of training examples, {d.n_train} in {d.name}, "
                f"got {config.n_examples}"
            )
        if d.x_train.shape != sets[0].x_train.shape or d.x_test.shape != sets[0].x_test.shape:
            raise ValueError("data must have equal shapes in all replicas")
        for part in ("x_train", "x_test"):
            representable(f"{part} of {d.name}", getattr(d, part), str(dtype).removeprefix("torch."))
    return sets


def checked_model(model: nn.Module, sets: Sequence[Dataset], dtype: torch.dtype) -> nn.Module:
    """A network whose loss is a sum over examples and whose outputs fit the labels of all sets: a copy to work with."""
    data, classes = sets[0], max(2, *(d.n_classes for d in sets))
    x = torch.tensor(data.x_train[:TRIED])
    network, shape = checked_network(model, x, dtype, data.name, data.image_shape)
    if len(shape) != 2 or shape[1] < classes:
        got = ", ".join(["n", *map(str, shape[1:])])
        raise ValueError(f"model must give logits of shape (n, classes ≥ {classes}) for {data.name}, got ({got})")
    return network
