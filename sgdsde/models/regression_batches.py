"""The batches of SGD on linear regression, as the sums of their gradients, for many replicas at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgdsde.config import SGDConfig
from sgdsde.dynamics.sampling import batches
from sgdsde.engines.torch_batches import regression_gradients
from sgdsde.models.regression import LinearRegression

#: Index entries held at once.
INDEX_CHUNK = 1 << 18
#: From so many weights on, a batch is a matrix (R, B, P); below, one plane for each weight, (P, R, B), is faster.
MATRICES_FROM = 24

#: From the deviations d of all replicas, (R, P), in the eigenbasis of A and times `Source.scale`: Σ_b x_b (x_bᵀd − e_b)
#: over the next batch of each, (R, P), to be multiplied by `Source.scale`, and how many examples a batch has.
Draw = Callable[[Tensor], tuple[Tensor, int]]


class Source:
    """Where batches come from: held once for all replicas."""

    def __init__(
        self, problem: LinearRegression, config: SGDConfig, device: torch.device, dtype: torch.dtype, *, sums: bool
    ) -> None:
        self.config, self.device, self.dtype, self.sums = config, device, dtype, sums
        self.dimension, self.noise = problem.dimension, float(np.sqrt(problem.label_variance))
        self.matrices = self.dimension >= MATRICES_FROM
        curvature, basis = problem.modes
        # Fresh inputs are drawn white: √λ goes to the deviation and the gradient instead, P numbers and not B P.
        self.scale = torch.tensor(np.sqrt(curvature) if problem.inputs is None else np.ones(1)).to(device, dtype)
        self.inputs = self.errors = None
        if problem.inputs is not None:
            rotated = torch.from_numpy(problem.inputs) @ torch.from_numpy(basis)
            kept = rotated if self.matrices else rotated.T.contiguous()
            self.inputs, self.errors = kept.to(device, dtype), torch.tensor(problem.residuals).to(device, dtype)

    @property
    def numbers(self) -> int:
        """Numbers in the examples of one update of a replica."""
        b, p = self.config.batch_size, self.dimension
        return 2 * b + p if self.sums else b * p

    def stream(self, replicas: int, seeds: np.random.SeedSequence) -> Draw:
        """Batch after batch of so many replicas."""
        if self.inputs is not None:
            return self._gathered(replicas, seeds)
        return self._summed(replicas, seeds) if self.sums else self._fresh(replicas, seeds)

    def _fresh(self, replicas: int, seeds: np.random.SeedSequence) -> Draw:
        """White Gaussian inputs and Gaussian label noise, in the same memory every time."""
        shape = (replicas, self.config.batch_size)
        x = self._empty(*shape, self.dimension) if self.matrices else self._empty(self.dimension, *shape)
        e, fill = self._empty(*shape), self._normal(seeds)

        def draw(d: Tensor) -> tuple[Tensor, int]:
            fill(x)
            fill(e)
            return _gradient(x, e.mul_(self.noise), d), shape[1]

        return draw

    def _summed(self, replicas: int, seeds: np.random.SeedSequence) -> Draw:
        """The part of white Gaussian inputs along d, which decides the residuals, and the sum of what is across."""
        shape, fill = (replicas, self.config.batch_size), self._normal(seeds)
        s, e, z = self._empty(*shape), self._empty(*shape), self._empty(replicas, self.dimension)

        def draw(d: Tensor) -> tuple[Tensor, int]:
            for numbers in (s, e, z):
                fill(numbers)
            length = torch.linalg.vector_norm(d, dim=1, keepdim=True)
            along = torch.where(length > 0, d / length, 0.0)
            residual = s * length - e.mul_(self.noise)
            across = z - along * (along * z).sum(1, keepdim=True)
            total = along * (s * residual).sum(1, keepdim=True)
            return total + across * torch.linalg.vector_norm(residual, dim=1, keepdim=True), shape[1]

        return draw

    def _gathered(self, replicas: int, seeds: np.random.SeedSequence) -> Draw:
        """Rows of X by the indices of each replica's batches."""
        stream = _indices(self.config, replicas, seeds)

        def draw(d: Tensor) -> tuple[Tensor, int]:
            index = torch.from_numpy(next(stream)).to(self.device)
            assert self.inputs is not None
            assert self.errors is not None
            e = self.errors.index_select(0, index.ravel()).view(index.shape)  # twice as fast as by [index]
            if self.matrices:
                x = self.inputs[index]
            else:
                x = self.inputs.index_select(1, index.ravel()).view(-1, *index.shape)
            return _gradient(x, e, d), index.shape[1]

        return draw

    def _empty(self, *shape: int) -> Tensor:
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    def _normal(self, seeds: np.random.SeedSequence) -> Callable[[Tensor], None]:
        """Fills tensors with standard normal numbers."""
        if self.device.type == "cpu" and self.dtype == torch.float64:  # twice as fast as torch's own there
            generator = np.random.Generator(np.random.SFC64(seeds))

            def fill(out: Tensor) -> None:
                generator.standard_normal(out=out.numpy())

        else:
            word = int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1))
            numbers = torch.Generator(self.device).manual_seed(word)

            def fill(out: Tensor) -> None:
                out.normal_(generator=numbers)

        return fill


def _indices(config: SGDConfig, replicas: int, seeds: np.random.SeedSequence) -> Iterator[NDArray[np.int64]]:
    """Batch after batch of all replicas, (R, B) each, or less of it at the end of an epoch."""
    n, shape = config.n_examples, (replicas, config.batch_size)
    if config.sampling == "with_replacement":  # the one kind whose draws need nothing of each other
        generator = np.random.Generator(np.random.SFC64(seeds))
        while True:
            yield from generator.integers(n, size=(max(1, INDEX_CHUNK // (shape[0] * shape[1])), *shape))
    streams = [batches(config, np.random.default_rng(child)) for child in seeds.spawn(replicas)]
    while True:
        yield np.stack([next(stream) for stream in streams])


def _gradient(x: Tensor, e: Tensor, d: Tensor) -> Tensor:
    """Σ_b x_b (x_bᵀd − e_b) for each replica, (R, P), from x, (R, B, P) or (P, R, B), e, (R, B), and d, (R, P)."""
    if d.shape[1] < MATRICES_FROM:
        error = (x * d.T[:, :, None]).sum(0).sub_(e)
        return (x * error).sum(2).T
    return regression_gradients(x, e, d)
