"""What training accepts: every argument is checked here before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset

T = TypeVar("T")
DTYPES = {"float32": torch.float32, "float64": torch.float64}
#: Layers that tie the examples of a batch together or add noise of their own: the loss is then no sum over examples.
REFUSED = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def count(name: str, value: object) -> int:
    """`value` as a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def one_of(name: str, value: str, accepted: Mapping[str, T]) -> T:
    """The entry of a registry."""
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(sorted(accepted))}, got {value!r}")
    return accepted[value]


def checked_dtype(dtype: str | torch.dtype) -> torch.dtype:
    """A floating type by its name."""
    return one_of("dtype", str(dtype).removeprefix("torch."), DTYPES)


def checked_device(device: str | torch.device | None) -> torch.device:
    """A device that can hold a tensor now."""
    try:
        found = torch.get_default_device() if device is None else torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:  # torch built without CUDA raises an AssertionError
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"device must be one that torch can use here, such as 'cpu', got {device!r}: {reason}"
        ) from None
    return found


def checked_data(data: Dataset | Sequence[Dataset], config: SGDConfig, replicas: int) -> list[Dataset]:
    """One data set for all replicas, or one for each, of equal shapes and with the config's N."""
    config.require_plain("dampening", "weight_decay")
    sets = [data] if isinstance(data, Dataset) else list(data)
    if not all(isinstance(d, Dataset) for d in sets):
        raise ValueError(f"data must be a Dataset or a sequence of them, got {[type(d).__name__ for d in sets]}")
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
    return sets


def checked_model(model: nn.Module, data: Dataset) -> None:
    """A network with trainable weights, whose loss is a sum over examples and whose outputs fit the labels."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {model!r}")
    parameters = list(model.parameters())
    if not parameters or not all(p.requires_grad for p in parameters):
        raise ValueError("model must have parameters, all of them with requires_grad=True")
    for module in model.modules():
        if isinstance(module, REFUSED) and module.training:
            raise ValueError(
                f"model must have a loss that is a mean over examples, which {type(module).__name__} undoes; "
                "remove it, or call model.eval()"
            )
    x = torch.tensor(data.x_train[:2], dtype=parameters[0].dtype, device=parameters[0].device)
    try:
        with torch.no_grad():
            shape = tuple(model(x).shape)
    except RuntimeError as error:
        raise ValueError(f"model must accept inputs of shape {tuple(x.shape)} ({data.name}): {error}") from error
    classes = max(data.n_classes, 2)
    if len(shape) != 2 or shape[0] != len(x) or shape[1] < classes:
        raise ValueError(
            f"model must give logits of shape (n, classes ≥ {classes}) for {data.name}, got {shape} for n = {len(x)}"
        )
