"""A network, its cross-entropy and its examples, checked to be a sum over examples, in one floating type."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sgdsde.data.dataset import Dataset
from sgdsde.models.checks import REFUSED, checked_dtype

Batch = tuple[Tensor, Tensor]
#: Examples of a Dataset that go through the network at once.
BATCH = 1000


@dataclass(frozen=True, eq=False)
class SummedLoss:
    """H(ω) = Σ loss(network(x), y) over batches.

    Attributes
    ----------
    network : torch.nn.Module
        A copy of the model, on its own device, with a logit for each class.
    loss : torch.nn.CrossEntropyLoss
    batches : tuple of (inputs, labels)
    n_classes : int
    """

    network: nn.Module
    loss: nn.CrossEntropyLoss
    batches: tuple[Batch, ...]
    n_classes: int

    @property
    def parameters(self) -> list[nn.Parameter]:
        """In the order of ``model.parameters()``."""
        return list(self.network.parameters())

    @property
    def n_examples(self) -> int:
        """N."""
        return sum(len(x) for x, _ in self.batches)

    def cost(self, regularization: float) -> tuple[float, float]:
        """C = H + (λ/2)|ω|² and |∇C|, in nats and nats per unit of weight."""
        weights = self.parameters
        value = regularization / 2 * float(sum(p.detach().square().sum() for p in weights))
        slope = [regularization * p.detach() for p in weights]
        for x, y in self.batches:
            part = self.loss(self.network(x), y)
            value += float(part.detach())
            slope = [a + b for a, b in zip(slope, torch.autograd.grad(part, weights), strict=True)]
        return value, float(torch.cat([each.flatten() for each in slope]).norm())


class _TwoLogits(nn.Module):
    """0 and z for a network whose only output is z: the cross-entropy of the two is BCEWithLogitsLoss of z.

    torch differentiates the second forward by way of its compiler, in five times the time.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        z = self.network(x).flatten()
        return torch.stack((torch.zeros_like(z), z), dim=1)


def summed_loss(
    model: nn.Module, loss: nn.Module, data: Dataset | Sequence[Batch], dtype: str | torch.dtype = "float64"
) -> SummedLoss:
    """Checked arguments of `hessian_operator`, which names the errors.

    >>> found = summed_loss(nn.Linear(3, 2), nn.CrossEntropyLoss(reduction="sum"), [(torch.eye(3), torch.ones(3))])
    >>> found.n_classes, found.batches[0][1]
    (2, tensor([1, 1, 1]))
    """
    kind = checked_dtype(dtype)
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {model!r}")
    weights = list(model.parameters())
    if not weights or not all(p.requires_grad for p in weights):
        raise ValueError("model must have parameters, all of them with requires_grad=True")
    for module in model.modules():
        if isinstance(module, REFUSED) and module.training:
            raise ValueError(
                f"model must have a loss that is a sum over examples, which {type(module).__name__} undoes; "
                "remove it, or call model.eval()"
            )
    _check_loss(loss)
    network, device, binary = copy.deepcopy(model).to(kind), weights[0].device, isinstance(loss, nn.BCEWithLogitsLoss)
    batches, n_classes = [], 2
    for x, y in _pairs(data):
        inputs = x.detach().to(device, kind) if x.is_floating_point() else x.to(device)
        try:
            with torch.no_grad():
                shape = tuple(network(inputs).shape)
        except RuntimeError as error:
            raise ValueError(f"model must accept inputs of shape {tuple(x.shape)}: {error}") from error
        if shape not in ((len(x),), (len(x), 1)) if binary else (len(shape) != 2 or shape[0] != len(x) or shape[1] < 2):
            wanted = "(n,) or (n, 1)" if binary else "(n, classes ≥ 2)"
            raise ValueError(f"model must give logits of shape {wanted} for {type(loss).__name__}, got {shape}")
        n_classes = 2 if binary else shape[1]
        if y.numel() != len(x) or not bool(((y >= 0) & (y < n_classes) & (y == y.floor())).all()):
            raise ValueError(f"data must have a label from 0 to {n_classes - 1} for each example, got {_shown(y)}")
        batches.append((inputs, y.to(device).reshape(-1).long()))
    network = _TwoLogits(network) if binary else network
    return SummedLoss(network, nn.CrossEntropyLoss(reduction="sum"), tuple(batches), n_classes)


def _check_loss(loss: nn.Module) -> None:
    if not isinstance(loss, (nn.CrossEntropyLoss, nn.BCEWithLogitsLoss)):
        raise ValueError(f"loss must be CrossEntropyLoss or BCEWithLogitsLoss, got {loss!r}")
    if loss.reduction != "sum":
        raise ValueError(f"loss must have reduction='sum', as the evidence is of all examples, got {loss.reduction!r}")
    changed = {"weight": None, "pos_weight": None, "label_smoothing": 0.0, "ignore_index": -100}
    for name, plain in changed.items():
        if getattr(loss, name, plain) != plain:
            raise ValueError(f"loss must have {name} = {plain!r}, else it is no log-likelihood of the labels")


def _pairs(data: Dataset | Sequence[Batch]) -> list[Batch]:
    if isinstance(data, Dataset):
        x, y = torch.tensor(data.x_train), torch.tensor(data.y_train)
        return [(x[k : k + BATCH], y[k : k + BATCH]) for k in range(0, len(y), BATCH)]
    pairs = list(data)
    if not pairs or not all(len(p) == 2 and all(isinstance(t, Tensor) for t in p) and len(p[0]) for p in pairs):
        raise ValueError("data must be a Dataset or a sequence of (inputs, labels), tensors of at least one example")
    return pairs


def _shown(y: Tensor) -> str:
    return f"the shape {tuple(y.shape)}, from {float(y.min()):g} to {float(y.max()):g}" if y.numel() else "none"
