"""Per-example gradients of a network, projected on a few directions, and the trace of their covariance F."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from sgdsde.arguments import integer
from sgdsde.data.dataset import Dataset
from sgdsde.layout import one_line
from sgdsde.models.examples import Data, batches_of
from sgdsde.models.loss_checks import as_input, check_loss
from sgdsde.models.losses import Loss, LossLike, checked_loss
from sgdsde.models.network_checks import checked_network, differentiated
from sgdsde.models.networks import weights_of


@dataclass(frozen=True, eq=False)
class ProjectedGradients:
    """The gradients g_i of N examples, seen along k directions.

    Parameters
    ----------
    projections : array of float64, shape (N, k)
        u_j · g_i; the mean over a batch of rows is the batch's mean gradient along each direction.
    trace : float
        Tr F, with the unbiased F (divisor N − 1).
    squared_norm : float
        Squared norm of the mean gradient, |∇L|².
    """

    projections: NDArray[np.float64]
    trace: float
    squared_norm: float

    __repr__ = one_line

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Uᵀ F U, shape (k, k): F along the directions, divisor N − 1."""
        return np.atleast_2d(np.cov(self.projections, rowvar=False))


def per_example_gradients(
    model: nn.Module,
    data: Data,
    weights: Mapping[str, Tensor] | None = None,
    chunk: int = 32,
    *,
    loss: LossLike = "cross_entropy",
) -> Iterator[Tensor]:
    """The gradients ∇C_i of the loss of each training example, a few examples at a time.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs (n, …) to what the loss takes, such as logits (n, classes). A copy of it is used, on its own device.
    data : Dataset or (inputs, targets)
        N training examples; of cross-entropy the targets (N,) are class numbers from 0.
    weights : mapping from parameter names to tensors, optional
        Where the gradients are taken; None: at the weights that `model` has now.
    chunk : int
        Examples held at once.
    loss : str or callable
        As in :func:`sgdsde.models.train`.

    Yields
    ------
    torch.Tensor, shape (n ≤ chunk, P)
        Rows in the order of the examples, columns in the order of ``model.named_parameters()``.

    Raises
    ------
    ValueError
        When the model does not fit the data, or the weights do not fit the model.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> [tuple(g.shape) for g in per_example_gradients(mlp(64, 5, 10), digits(n_train=50))]
    [(32, 385), (18, 385)]
    """
    kind = checked_loss(loss)
    x, y = (torch.cat(parts) for parts in zip(*batches_of(data, kind), strict=True))
    named = (data.name, data.image_shape) if isinstance(data, Dataset) else ()
    network, shape = checked_network(model, x, None, *named)
    check_loss(kind, network, shape, x, y.numpy(), *named[:1])
    own = weights_of(model)
    at = own if weights is None else {name: w.detach() for name, w in weights.items()}
    if {name: w.shape for name, w in at.items()} != {name: w.shape for name, w in own.items()}:
        raise ValueError(f"weights must have the names and shapes of the model's {list(own)}, got {list(at)}")
    return _gradients(network, kind, x, y, at, integer("chunk", chunk, 1))


def _gradients(
    network: nn.Module, loss: Loss, x: Tensor, y: Tensor, weights: Mapping[str, Tensor], chunk: int
) -> Iterator[Tensor]:
    def of_one(at: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss.per_example(functional_call(network, dict(at), (x[None],)), y[None])[0]

    gradients = vmap(grad(of_one), in_dims=(None, 0, 0))
    x, y = (as_input(values, next(iter(weights.values()))) for values in (x, y))
    for start in range(0, len(y), chunk):
        with differentiated("for one example beside the other, by torch.func.vmap"):
            part = gradients(weights, x[start : start + chunk], y[start : start + chunk])
        yield torch.cat([part[name].reshape(len(part[name]), -1) for name in weights], dim=1)


def random_directions(model: nn.Module, k: int, seed: int) -> NDArray[np.float32]:
    """`k` unit vectors in weight space, uniform on the sphere, shape (P, k): uᵀFu then has the mean Tr F/P.

    Examples
    --------
    >>> from sgdsde.models import mlp
    >>> directions = random_directions(mlp(64, 5, 10), k=3, seed=0)
    >>> directions.shape, bool(abs((directions**2).sum(0) - 1).max() < 1e-5)
    ((385, 3), True)
    """
    size = sum(p.numel() for p in model.parameters())
    generator = np.random.default_rng(integer("seed", seed, 0))
    drawn = generator.standard_normal((size, integer("k", k, 1)), dtype=np.float32)
    drawn /= np.linalg.norm(drawn, axis=0)
    return drawn


def per_example_projections(
    model: nn.Module,
    data: Data,
    directions: ArrayLike,
    weights: Mapping[str, Tensor] | None = None,
    chunk: int = 32,
    *,
    loss: LossLike = "cross_entropy",
) -> ProjectedGradients:
    """The gradients of all training examples along given directions, with Tr F and |∇L|², without forming F.

    Parameters
    ----------
    model, data, weights, chunk, loss
        As in `per_example_gradients`; the memory is that of `chunk` gradients and of the directions.
    directions : array, shape (P, k), or integer array, shape (k,)
        Directions as columns (see `random_directions`), or positions of single parameters.

    Returns
    -------
    ProjectedGradients

    Raises
    ------
    ValueError
        As `per_example_gradients`, and when `directions` has another shape.

    Notes
    -----
    With these rows, ⟨αα⟩ = N(N/B − 1)F (Smith & Le) can be measured along the directions from many batches
    (`batch_indices`) at no further cost in gradients.

    Examples
    --------
    >>> from sgdsde.data import digits
    >>> from sgdsde.models import mlp
    >>> model, data = mlp(64, 5, 10), digits(n_train=50)
    >>> every_parameter = np.arange(385)
    >>> seen = per_example_projections(model, data, every_parameter)
    >>> seen.projections.shape, bool(abs(np.trace(seen.covariance) / seen.trace - 1) < 1e-4)
    ((50, 385), True)
    """
    gradients = per_example_gradients(model, data, weights, chunk, loss=loss)
    size = sum(p.numel() for p in model.parameters())
    columns = np.asarray(directions)
    single = columns.ndim == 1 and np.issubdtype(columns.dtype, np.integer)
    if single and not ((columns >= 0) & (columns < size)).all():
        raise ValueError(f"directions must be positions from 0 to {size - 1}, got {columns.min()} to {columns.max()}")
    if not single and (columns.ndim != 2 or columns.shape[0] != size):
        raise ValueError(f"directions must have shape (P, k) with P = {size}, or be integers (k,), got {columns.shape}")
    rows: list[Tensor] = []
    total, squares = torch.zeros(size, dtype=torch.float64), 0.0
    for g in gradients:
        along = torch.as_tensor(columns, device=g.device)
        rows.append((g[:, along] if single else g @ along.to(g.dtype)).cpu())
        total += g.sum(0).cpu()
        squares += float(torch.linalg.vector_norm(g, dim=1).double().square().sum())
    projections = torch.cat(rows).double().numpy()
    n = len(projections)
    mean = float(total.square().sum()) / n**2
    return ProjectedGradients(projections, trace=(squares - n * mean) / (n - 1), squared_norm=mean)
