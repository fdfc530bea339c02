"""A network, its cross-entropy and its examples, checked to be a sum over examples, in one floating type."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sgdsde.data.dataset import Dataset
from sgdsde.models.checks import checked_dtype
from sgdsde.models.examples import Batch, Data, batches_of
from sgdsde.models.network_checks import checked_network


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


def summed_loss(model: nn.Module, loss: nn.Module, data: Data, dtype: str | torch.dtype = "float64") -> SummedLoss:
    """Checked arguments of `hessian_operator`, which names the errors.

    >>> found = summed_loss(nn.Linear(3, 2), nn.CrossEntropyLoss(reduction="sum"), [(torch.eye(3), torch.ones(3))])
    >>> found.n_classes, found.batches[0][1]
    (2, tensor([1, 1, 1]))
    """
    kind = checked_dtype(dtype)
    _check_loss(loss)
    named = (data.name, data.image_shape) if isinstance(data, Dataset) else ()
    pairs, binary = batches_of(data), isinstance(loss, nn.BCEWithLogitsLoss)
    network, _ = checked_network(model, pairs[0][0], kind, *named)
    device = next(network.parameters()).device
    batches, n_classes = [], 2
    for x, y in pairs:
        inputs = x.to(device, kind) if x.is_floating_point() else x.to(device)
        with torch.no_grad():
            shape = tuple(network(inputs).shape)
        if shape not in ((len(x),), (len(x), 1)) if binary else (len(shape) != 2 or shape[0] != len(x) or shape[1] < 2):
            wanted = "(n,) or (n, 1)" if binary else "(n, classes ≥ 2)"
            raise ValueError(f"model must give logits of shape {wanted} for {type(loss).__name__}, got {shape}")
        n_classes = 2 if binary else shape[1]
        if int(y.max()) >= n_classes:
            raise ValueError(
                f"data must have a label from 0 to {n_classes - 1} for each example, as the model has {n_classes} "
                f"outputs, got {int(y.max())}"
            )
        batches.append((inputs, y.to(device)))
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
