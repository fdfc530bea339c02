"""The losses C_i of single examples as functions of the weights, and products with their Jacobian, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vjp, vmap

from sgdsde.arguments import integer
from sgdsde.models.examples import BATCH, Data
from sgdsde.models.forward_mode import forward_mode
from sgdsde.models.losses import Loss, LossLike
from sgdsde.models.network_checks import differentiated
from sgdsde.models.networks import Weights, weights_of
from sgdsde.models.summed_loss import summed_loss

#: Vectors that go through the network beside each other.
COLUMNS = 8


@dataclass(frozen=True, eq=False)
class ExampleLosses:
    """C_1 … C_N, the losses of N examples, at a network's weights ω.

    Attributes
    ----------
    network : torch.nn.Module
        A copy of the model, on its own device.
    loss : Loss
    x, y : torch.Tensor
        N inputs and N targets, there.
    chunk : int
        Gradients of single examples that are held at once.
    """

    network: nn.Module
    loss: Loss
    x: Tensor
    y: Tensor
    chunk: int

    @property
    def n_examples(self) -> int:
        """N."""
        return len(self.y)

    @property
    def weights(self) -> Weights:
        """ω by name."""
        return weights_of(self.network)

    @property
    def n_parameters(self) -> int:
        """P."""
        return sum(w.numel() for w in self.weights.values())

    def tensor(self, values: ArrayLike | Tensor) -> Tensor:
        """Numbers in the network's type, on its device."""
        own = next(iter(self.weights.values()))
        return torch.as_tensor(values, dtype=own.dtype, device=own.device)

    def along(self, vectors: Tensor) -> Tensor:
        """g_i · v for vectors (P, k): (N, k), by forward differentiation, without a gradient."""
        columns = torch.split(vectors, COLUMNS, dim=1)
        rows = [torch.cat([self._slopes(part, block) for block in columns]).T for part in self._parts(BATCH)]
        return torch.cat(rows).detach()

    def combine(self, coefficients: Tensor) -> Tensor:
        """Σ_i a_i g_i for coefficients (N, k): (P, k), by backward differentiation of Σ_i a_i C_i."""
        total = coefficients.new_zeros(self.n_parameters, coefficients.shape[1])
        for part in self._parts(BATCH):
            with differentiated("backward, by torch.func.vjp"):
                pull = vjp(self._losses(part), self.weights)[1]
            for start in range(0, coefficients.shape[1], COLUMNS):
                columns = slice(start, start + COLUMNS)
                with differentiated("backward for one vector beside the other, by torch.func.vmap"):
                    found = vmap(pull)(coefficients[part, columns].T)[0]
                total[:, columns] += torch.cat(
                    [v.reshape(len(v), -1) for v in (found[name] for name in self.weights)], dim=1
                ).T
        return total.detach()

    def gradients(self) -> Iterator[tuple[slice, Tensor]]:
        """The gradients g_i, `chunk` of them at a time: where they are, and (n ≤ chunk, P)."""
        for part in self._parts(self.chunk):
            yield part, self.gradients_of(part)

    def gradients_of(self, examples: slice | Tensor) -> Tensor:
        """The gradients of some examples, (n, P)."""

        def loss(at: Weights, x: Tensor, y: Tensor) -> Tensor:
            return self.loss.per_example(functional_call(self.network, at, (x[None],)), y[None])[0]

        with differentiated("for one example beside the other, by torch.func.vmap"):
            found = vmap(grad(loss), in_dims=(None, 0, 0))(self.weights, self.x[examples], self.y[examples])
        return torch.cat([v.reshape(len(v), -1) for v in (found[name] for name in self.weights)], dim=1).detach()

    def products(self, mean: Tensor) -> NDArray[np.float64]:
        """(g_i − mean)·(g_j − mean), (N, N), with two chunks of gradients in memory."""
        found = np.empty((self.n_examples, self.n_examples))
        for rows, left in self.gradients():
            left -= mean
            for start in range(rows.start, self.n_examples, self.chunk):
                columns = slice(start, min(start + self.chunk, self.n_examples))
                right = left if columns == rows else self.gradients_of(columns) - mean
                found[rows, columns] = (left @ right.T).cpu().numpy()
                found[columns, rows] = found[rows, columns].T
        return found

    def mean_gradient_of(self, examples: Tensor) -> Tensor:
        """The mean gradient of a batch of examples, given by their indices: (P,)."""
        weights = list(self.network.parameters())
        total = weights[0].new_zeros(self.n_parameters)
        for part in torch.split(examples, BATCH):
            loss = self.loss.per_example(self.network(self.x[part]), self.y[part]).sum()
            slopes = torch.autograd.grad(loss, weights, materialize_grads=True)
            total += torch.cat([g.flatten() for g in slopes]) / len(examples)
        return total.detach()

    def _parts(self, size: int) -> Iterator[slice]:
        return (slice(k, min(k + size, self.n_examples)) for k in range(0, self.n_examples, size))

    def _losses(self, part: slice) -> Callable[[Weights], Tensor]:
        def losses(at: Weights) -> Tensor:
            return self.loss.per_example(functional_call(self.network, at, (self.x[part],)), self.y[part])

        return losses

    def _slopes(self, part: slice, vectors: Tensor) -> Tensor:
        losses, weights = self._losses(part), self.weights
        with forward_mode(), differentiated("forward, by torch.func.jvp"):
            found: Tensor = vmap(lambda v: jvp(losses, (weights,), (self._split(v),))[1])(vectors.T)
        return found

    def _split(self, vector: Tensor) -> Weights:
        weights = self.weights
        pieces = torch.split(vector, [w.numel() for w in weights.values()])
        return {name: piece.reshape(w.shape) for (name, w), piece in zip(weights.items(), pieces, strict=True)}


def example_losses(
    model: nn.Module,
    data: Data,
    chunk: int = 32,
    dtype: str | torch.dtype = "float64",
    loss: LossLike = "cross_entropy",
) -> ExampleLosses:
    """Checked arguments of `noise_covariance`, which names the errors.

    >>> example_losses(nn.Linear(3, 2), (torch.eye(3), [0, 1, 1])).along(torch.eye(8, dtype=torch.float64)).shape
    torch.Size([3, 8])
    """
    chunk = integer("chunk", chunk, 1)
    summed = summed_loss(model, data, loss, dtype)
    if summed.n_examples < 2:
        raise ValueError(f"data must have at least two examples, got {summed.n_examples}")
    x, y = (torch.cat([batch[i] for batch in summed.batches]) for i in (0, 1))
    return ExampleLosses(summed.network, summed.loss, x, y, chunk)
