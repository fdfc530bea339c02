"""Losses of single examples: what is trained and measured is their mean over examples.

A loss is a function of outputs (n, …) and targets (n, …) that gives n numbers, each of its own example alone. The named
ones are entries of a table; any function of a user's is one too, once it was tried (`sgdsde.models.loss_checks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sgdsde.arguments import choice
from sgdsde.data.examples import checked_labels, checked_real_targets, checked_targets

#: (outputs (n, …), targets (n, …)) → (n,).
PerExample: TypeAlias = Callable[[Tensor, Tensor], Tensor]
#: What front doors take for a loss: a name of `LOSSES`, or a function.
LossLike: TypeAlias = str | PerExample
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss of single examples; made by :func:`checked_loss`.

    Parameters
    ----------
    name : str
        What a run records.
    title : str
        In words, for what is measured.
    per_example : callable
        (outputs (n, …), targets (n, …)) → (n,).
    targets : callable
        (what they are called, targets as they were handed in, n) → an array (n, …), or a ValueError.
    check_outputs : callable
        (shape of the outputs, targets, name of the data): a ValueError where they do not fit together.
    right : callable, optional
        (outputs, targets) → whether each example is classified correctly, (n,); None where there are no classes.
    classes : callable, optional
        Shape of the outputs → number of classes, where the sum over examples is −ln p(labels); None for others.
    errors : callable, optional
        (outputs (…, n, K), targets (…, n) or (…, n, K)) → ∂C_i/∂outputs, (…, n, K), as a new tensor. Networks of linear
        layers and ReLUs are trained by it, without automatic differentiation.
    """

    name: str
    title: str
    per_example: PerExample
    targets: Callable[[str, object, int], NDArray[Any]]
    check_outputs: Callable[[Shape, NDArray[Any], str], None]
    right: PerExample | None = None
    classes: Callable[[Shape], int] | None = None
    errors: PerExample | None = None


def with_n(shape: Shape) -> str:
    """A shape with n for the number of examples.

    >>> with_n((7, 2)), with_n((7,))
    ('(n, 2)', '(n,)')
    """
    return f"(n, {', '.join(map(str, shape[1:]))})" if len(shape) > 1 else "(n,)" if shape else "()"


def _softmax_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, labels, reduction="none")


def _softmax_errors(outputs: Tensor, labels: Tensor) -> Tensor:
    """p − 1_y."""
    errors = torch.softmax(outputs, -1)
    return errors.scatter_add_(-1, labels[..., None], errors.new_full((1, 1, 1), -1).expand(*labels.shape, 1))


def _softmax_outputs(shape: Shape, labels: NDArray[Any], data: str) -> None:
    classes = max(2, int(labels.max()) + 1)
    if len(shape) != 2 or shape[1] < classes:
        raise ValueError(f"model must give logits of shape (n, classes ≥ {classes}) for {data}, got {with_n(shape)}")


def _logistic_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """As the cross-entropy of two logits: torch differentiates BCEWithLogits forward by way of its compiler, slowly."""
    z = outputs.reshape(len(outputs))
    return functional.cross_entropy(torch.stack((torch.zeros_like(z), z), dim=1), labels, reduction="none")


def _logistic_outputs(shape: Shape, labels: NDArray[Any], data: str) -> None:
    if shape[1:] not in ((), (1,)):
        raise ValueError(
            f"model must give logits of shape (n,) or (n, 1) for 'binary_cross_entropy', got {with_n(shape)}"
        )
    if (most := int(labels.max())) > 1:
        raise ValueError(f"{data} must have labels 0 and 1 for 'binary_cross_entropy', got {most}")


def _squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().reshape(len(outputs), -1).mean(1)


def _squared_errors(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets.reshape(outputs.shape)).mul_(2 / outputs.shape[-1])


def _same_shape(shape: Shape, targets: NDArray[Any], data: str) -> None:
    if shape[1:] != targets.shape[1:]:
        hint = "; hand in targets[:, None]" if targets.ndim == 1 and shape[1:] == (1,) else ""
        raise ValueError(
            f"model must give outputs of the targets' shape {with_n(targets.shape)} for {data}, got "
            f"{with_n(shape)}{hint}"
        )


def _any_shape(shape: Shape, targets: NDArray[Any], data: str) -> None:
    """What a function of a user's takes is found out on a few examples."""


#: A new loss is functions above and an entry here.
LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        "cross_entropy", "cross-entropy", _softmax_loss, checked_labels, _softmax_outputs,
        right=lambda outputs, labels: outputs.argmax(1) == labels, classes=lambda shape: shape[1],
        errors=_softmax_errors,
    ),
    "binary_cross_entropy": Loss(
        "binary_cross_entropy", "cross-entropy", _logistic_loss, checked_labels, _logistic_outputs,
        right=lambda outputs, labels: (outputs.reshape(len(outputs)) > 0) == labels, classes=lambda shape: 2,
    ),
    "mse": Loss("mse", "squared error", _squared_error, checked_real_targets, _same_shape, errors=_squared_errors),
}  # fmt: skip


def checked_loss(loss: LossLike) -> Loss:
    """A loss by its name, or a function of (outputs, targets).

    >>> checked_loss("mse").per_example(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2))
    tensor([5.])
    >>> checked_loss(nn.HuberLoss(reduction="none")).name
    'HuberLoss()'
    """
    if isinstance(loss, type):
        raise ValueError(f"loss must be an object of the class, {loss.__name__}(…), got {loss!r}")
    if isinstance(loss, str) or not callable(loss):
        return LOSSES[choice("loss", loss, sorted(LOSSES), ", or a function of (outputs, targets)")]
    if isinstance(loss, nn.Module) and (own := [name for name, _ in loss.named_parameters()]):
        raise ValueError(f"loss must have no parameters, as they would not be trained, got {', '.join(own)}")
    name = " ".join(str(loss).split()) if isinstance(loss, nn.Module) else _name(loss)
    return Loss(name, name, loss, checked_targets, _any_shape)


def _name(function: Any) -> str:
    """What a function is called, the same in every process."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))
