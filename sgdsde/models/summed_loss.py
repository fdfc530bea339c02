"""A network, its loss and its examples, checked to be a sum over examples, in one floating type."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from sgdsde.data.dataset import Dataset
from sgdsde.models.checks import checked_dtype
from sgdsde.models.examples import Batch, Data, batches_of
from sgdsde.models.loss_checks import as_input, check_loss
from sgdsde.models.losses import Loss, LossLike, Shape, checked_loss
from sgdsde.models.network_checks import checked_network


@dataclass(frozen=True, eq=False)
class SummedLoss:
    """H(ω) = Σ_i C_i(ω) over all examples, which come in batches.

    Attributes
    ----------
    network : torch.nn.Module
        A copy of the model, on its own device.
    loss : Loss
    batches : tuple of (inputs, targets)
    outputs : tuple of int
        Shape of the network's outputs for the first batch.
    """

    network: nn.Module
    loss: Loss
    batches: tuple[Batch, ...]
    outputs: Shape

    @property
    def parameters(self) -> list[nn.Parameter]:
        """In the order of ``model.parameters()``."""
        return list(self.network.parameters())

    @property
    def n_examples(self) -> int:
        """N."""
        return sum(len(x) for x, _ in self.batches)

    def cost(self, regularization: float) -> tuple[float, float]:
        """C = H + (λ/2)|ω|² and |∇C|; of a cross-entropy in nats and nats per unit of weight."""
        weights = self.parameters
        value = regularization / 2 * float(sum(p.detach().square().sum() for p in weights))
        slope = [regularization * p.detach() for p in weights]
        for x, y in self.batches:
            part = self.loss.per_example(self.network(x), y).sum()
            value += float(part.detach())
            slope = [a + b for a, b in zip(slope, torch.autograd.grad(part, weights), strict=True)]
        return value, float(torch.cat([each.flatten() for each in slope]).norm())


def summed_loss(
    model: nn.Module, data: Data, loss: LossLike = "cross_entropy", dtype: str | torch.dtype = "float64"
) -> SummedLoss:
    """Checked arguments of `hessian_operator`, which names the errors.

    >>> found = summed_loss(nn.Linear(3, 2), [(torch.eye(3), torch.ones(3))])
    >>> found.outputs, found.batches[0][1]
    ((3, 2), tensor([1, 1, 1]))
    """
    floating, kind = checked_dtype(dtype), checked_loss(loss)
    named = (data.name, data.image_shape) if isinstance(data, Dataset) else ()
    pairs = batches_of(data, kind)
    network, shape = checked_network(model, pairs[0][0], floating, *named)
    check_loss(kind, network, shape, pairs[0][0], pairs[0][1].numpy(), *named[:1])
    like = next(network.parameters())
    batches = []
    for x, y in pairs:
        inputs = as_input(x, like)
        with torch.no_grad():
            kind.check_outputs(tuple(network(inputs).shape), y.numpy(), *(named[:1] or ("data",)))
        batches.append((inputs, as_input(y, like)))
    return SummedLoss(network, kind, tuple(batches), shape)
