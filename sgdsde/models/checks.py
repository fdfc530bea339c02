"""What training accepts: every argument is checked here before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.data.dataset import Dataset
from sgdsde.data.examples import representable
from sgdsde.models.examples import described
from sgdsde.models.loss_checks import check_loss
from sgdsde.models.losses import Loss
from sgdsde.models.network_checks import TRIED, checked_network
from sgdsde.run import dtype_name

#: The arrays of a data set.
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def checked_dtype(dtype: object) -> torch.dtype:
    """A floating type by its name, or by a dtype of torch or NumPy."""
    return DTYPES[choice("dtype", dtype_name(dtype), DTYPES)]


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
    data: Dataset | Sequence[Dataset], config: SGDConfig, replicas: int, dtype: torch.dtype, loss: Loss
) -> list[Dataset]:
    """One data set for all replicas, or one for each, of equal shapes, with the config's N and the loss's targets."""
    sets = [data] if isinstance(data, Dataset) else list(data) if isinstance(data, (tuple, list)) else []
    if not sets or not all(isinstance(d, Dataset) for d in sets):
        raise ValueError(
            f"data must be a Dataset or a sequence of them, one per replica, got {described(data)}: make one by "
            "sgdsde.data.Dataset(name, x_train, y_train, x_test, y_test), or of data sets of torch's by "
            "sgdsde.data.from_torch(train, test), as the loss is measured on examples for testing too"
        )
    if not isinstance(data, Dataset) and len(sets) != replicas:
        raise ValueError(f"data must be one Dataset or one per replica, {replicas}, got {len(sets)}")
    for d in sets:
        if d.n_train != config.n_examples:
            raise ValueError(
                f"config.n_examples must be the number of training examples, {d.n_train} in {d.name}, "
                f"got {config.n_examples}"
            )
        if any(getattr(d, part).shape != getattr(sets[0], part).shape for part in ARRAYS):
            raise ValueError("data must have equal shapes in all replicas")
        for part in ARRAYS:
            representable(f"{part} of {d.name}", getattr(d, part), str(dtype).removeprefix("torch."))
    return [_with_targets(d, loss) for d in sets]


def _with_targets(data: Dataset, loss: Loss) -> Dataset:
    """With targets as the loss takes them."""
    y_train, y_test = (
        loss.targets(f"{part} of {data.name}", y, len(y))
        for part, y in (("y_train", data.y_train), ("y_test", data.y_test))
    )
    same = y_train is data.y_train and y_test is data.y_test
    return data if same else replace(data, y_train=y_train, y_test=y_test)


def checked_model(model: nn.Module, sets: Sequence[Dataset], dtype: torch.dtype, loss: Loss) -> nn.Module:
    """A network whose loss is a sum over examples and whose outputs fit the targets of all sets: a copy."""
    first = sets[0]
    network, shape = checked_network(model, torch.tensor(first.x_train[:TRIED]), dtype, first.name, first.image_shape)
    for d in sets:
        for y in (d.y_train, d.y_test):
            loss.check_outputs(shape, y, d.name)
    check_loss(loss, network, shape, torch.from_numpy(first.x_train), first.y_train, first.name)
    return network
