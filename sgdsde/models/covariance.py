"""F, the covariance of the gradients of a network's examples: trace, products, spectrum, and never a P × P matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.linalg import vector_norm

from sgdsde.arguments import integer
from sgdsde.models.example_losses import ExampleLosses, example_losses
from sgdsde.models.examples import Data
from sgdsde.models.linear_layers import LayerFactors, layer_factors, layer_products
from sgdsde.models.losses import LossLike

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NoiseCovariance:
    """F = Σ (g_i − ∇L)(g_i − ∇L)ᵀ/(N − 1) of a network at its weights; made by :func:`noise_covariance`.

    What it has computed it keeps; the order of parameters is that of ``model.parameters()``.

    Attributes
    ----------
    losses : ExampleLosses
        The losses C_i of the N examples, of which g_i are the gradients.
    """

    losses: ExampleLosses

    def __repr__(self) -> str:
        return f"NoiseCovariance(n_examples={self.n_examples}, n_parameters={self.n_parameters})"

    @property
    def n_examples(self) -> int:
        """N."""
        return self.losses.n_examples

    @property
    def n_parameters(self) -> int:
        """P."""
        return self.losses.n_parameters

    @cached_property
    def _mean(self) -> Tensor:
        mean = self.losses.mean_gradient_of(torch.arange(self.n_examples, device=self.losses.y.device))
        if not bool(mean.isfinite().all()):
            raise ValueError("model must have finite gradients at its weights, got NaN or ∞")
        return mean

    @cached_property
    def _layers(self) -> list[LayerFactors] | None:
        return layer_factors(self.losses)

    @property
    def mean_gradient(self) -> Array:
        """∇L, (P,)."""
        return as_array(self._mean)

    @property
    def squared_norm(self) -> float:
        """|∇L|²."""
        return float(self._mean.double().square().sum())

    @cached_property
    def trace(self) -> float:
        """Tr F: one gradient of every example, or for a network of linear layers one pass."""
        n = self.n_examples
        if self._layers is not None:
            squares = float(sum(layer.squared_norms().sum() for layer in self._layers))
            return max(squares - n * self.squared_norm, 0.0) / (n - 1)
        lengths = (vector_norm(g - self._mean, dim=1, dtype=torch.float64) for _, g in self.losses.gradients())
        return float(sum(each.square().sum() for each in lengths)) / (n - 1)

    @cached_property
    def gram(self) -> Array:
        """(g_i − ∇L)·(g_j − ∇L)/(N − 1), (N, N): its eigenvalues other than 0 are those of F."""
        products = self.losses.products(self._mean) if self._layers is None else layer_products(self._layers)
        # Mean 0 in rows and columns: for layers this takes the mean gradient off, for others its rounding.
        products -= products.mean(axis=0)
        products -= products.mean(axis=1, keepdims=True)
        return (products + products.T) / (2 * (self.n_examples - 1))

    @cached_property
    def _spectrum(self) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(self.gram)
        keep = min(self.n_examples - 1, self.n_parameters)
        return np.maximum(values[::-1][:keep], 0), vectors[:, ::-1][:, :keep]

    @property
    def eigenvalues(self) -> Array:
        """The min(N − 1, P) largest eigenvalues of F, descending; all others are 0."""
        return self._spectrum[0]

    @property
    def norm(self) -> float:
        """|F|_F, Frobenius' norm."""
        return float(np.linalg.norm(self.gram))

    def eigenvectors(self, k: int) -> Array:
        """The unit eigenvectors of the k largest eigenvalues as columns, (P, k), up to their signs.

        A ValueError where F has fewer than `k` eigenvalues above rounding.
        """
        k, (values, vectors) = integer("k", k, 1), self._spectrum
        rounding = torch.finfo(self._mean.dtype).eps * self.n_examples  # the Gram matrix has that of the gradients
        rank = int(np.sum(values > rounding * values[0]))
        if k > rank:
            raise ValueError(f"k must be at most F's number of eigenvalues above rounding, {rank}, got {k}")
        scaled = vectors[:, :k] / np.sqrt(values[:k] * (self.n_examples - 1))
        return as_array(self.losses.combine(self.losses.tensor(scaled)))

    def product(self, vectors: ArrayLike) -> Array:
        """F v for one vector, (P,), or several as columns, (P, k): a forward and a backward pass for each."""
        v = self._checked(vectors)
        slopes = self.losses.along(v.reshape(self.n_parameters, -1))
        slopes -= slopes.mean(0)
        return as_array(self.losses.combine(slopes / (self.n_examples - 1)).reshape(v.shape))

    def variances(self, directions: ArrayLike) -> Array:
        """vᵀFv of one direction, (), or of several as columns, (k,): the variances of the slopes g_i·v."""
        v = self._checked(directions)
        slopes = self.losses.along(v.reshape(self.n_parameters, -1)).double()
        return as_array(slopes.var(0).reshape(v.shape[1:]))

    def draw(self, k: int, seed: int = 0) -> Array:
        """`k` normal vectors of covariance F as columns, (P, k): Σ (ξ_i − ξ̄) g_i/√(N − 1), ξ standard normal.

        Wu et al., arXiv 1906.07405: a backward pass for each.
        """
        generator = np.random.default_rng(integer("seed", seed, 0))
        xi = generator.standard_normal((self.n_examples, integer("k", k, 1)))
        return as_array(self.losses.combine(self.losses.tensor((xi - xi.mean(0)) / np.sqrt(self.n_examples - 1))))

    def to_scipy(self) -> Any:
        """F as a scipy.sparse.linalg.LinearOperator, (P, P)."""
        from scipy.sparse.linalg import LinearOperator

        products = dict.fromkeys(("matvec", "rmatvec", "matmat", "rmatmat"), self.product)
        return LinearOperator((self.n_parameters, self.n_parameters), dtype=np.float64, **products)

    def _checked(self, vectors: ArrayLike) -> Tensor:
        v = self.losses.tensor(np.array(vectors))  # a copy: torch takes no negative strides
        if v.ndim not in (1, 2) or len(v) != self.n_parameters or not v.numel():
            raise ValueError(f"vectors must be (P,) or (P, k) with P = {self.n_parameters}, got {tuple(v.shape)}")
        return v


def noise_covariance(
    model: nn.Module,
    data: Data,
    *,
    chunk: int = 32,
    dtype: str | torch.dtype = "float64",
    loss: LossLike = "cross_entropy",
) -> NoiseCovariance:
    """F of a network at its weights: the covariance of the gradients of single examples' losses.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs (n, …) to what the loss takes, such as logits (n, classes). A copy of it is used, on its own device.
    data : Dataset, (inputs, targets) or sequence of such pairs of tensors
        N ≥ 2 training examples; of cross-entropy the targets (N,) are class numbers from 0.
    chunk : int
        Gradients held at once, for the trace; for the Gram matrix twice as many. A network all of whose parameters
        belong to linear layers, each used once, needs none.
    dtype : str
        Of the gradients: "float64" or "float32".
    loss : str or callable
        As in :func:`sgdsde.models.train`.

    Returns
    -------
    NoiseCovariance
        Its properties are computed when they are first asked for. The spectrum needs N² numbers, and, but for a
        network of linear layers, ½(N/chunk)² times the gradients of `chunk` examples.

    Raises
    ------
    ValueError
        When an argument is not as above, or the network's loss is not a sum over examples.

    Notes
    -----
    Divisor N − 1, as Smith & Le, arXiv 1710.06451, need it (docs/theory.md, §2).

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> F = noise_covariance(mlp(64, 5, 10), digits(n_train=50))
    >>> F.n_parameters, F.eigenvalues.shape, bool(abs(F.eigenvalues.sum() / F.trace - 1) < 1e-12)
    (385, (49,), True)
    >>> u = F.eigenvectors(1)[:, 0]
    >>> bool(np.allclose(F.product(u), F.eigenvalues[0] * u, atol=1e-12))
    True
    """
    losses = example_losses(model, data, chunk, dtype, loss)
    losses.gradients_of(slice(0, 1))  # names what torch cannot differentiate, before it is asked for
    return NoiseCovariance(losses)


def as_array(values: Tensor) -> Array:
    """A tensor as a NumPy array of float64."""
    return np.asarray(values.double().cpu().numpy())
