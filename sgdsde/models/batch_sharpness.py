"""Curvature of a batch's loss along its own gradient, and the largest curvature of the loss of all examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap

from sgdsde.arguments import integer
from sgdsde.models.forward_mode import forward_mode
from sgdsde.models.losses import LossLike, checked_loss
from sgdsde.models.networks import own_copy

Weights = Mapping[str, Tensor]
#: Eigenvalues converge to this relative error, with so many vectors of Lanczos' at once: ARPACK's 20 are too many here.
TOLERANCE, VECTORS = 1e-3, 12


def batch_sharpness(
    model: nn.Module,
    weights: Weights,
    x: Tensor,
    y: Tensor,
    batch_size: int,
    batches: int = 64,
    seed: int = 0,
    loss: LossLike = "mse",
) -> float:
    """The mean over batches of gᵀH_B g/|g|², g the gradient of a batch's mean loss and H_B its Hessian.

    Parameters
    ----------
    model : torch.nn.Module
        The form of the network.
    weights : mapping of str to tensor
        Where, by name: as `sgdsde.models.train` hands them to its measures.
    x, y : tensor, (N, …)
        Inputs and targets.
    batch_size, batches : int
        B, and how many batches are drawn, each without replacement.
    seed : int
        Of the batches.
    loss : str or callable
        As in `sgdsde.models.train`.

    Returns
    -------
    float, in units of the Hessian.

    Raises
    ------
    ValueError
        When the batch size is not from 1 to N, or a number is out of range.

    Notes
    -----
    Andreyev & Beneventano, arXiv 2412.20553: where SGD trains at its edge of stability, this is 2/ε.

    Examples
    --------
    >>> line, w = torch.nn.Linear(1, 1, bias=False), {"weight": torch.tensor([[2.0]])}
    >>> round(batch_sharpness(line, w, torch.ones(4, 1), torch.zeros(4, 1), 2), 6)            # (ωx)²: 2 x²
    2.0
    """
    size = integer("batch_size", batch_size, 1, len(x), also=f", of the {len(x)} examples")
    generator = np.random.default_rng(integer("seed", seed, 0))
    places = generator.random((integer("batches", batches, 1), len(x))).argpartition(size - 1, axis=1)[:, :size]
    gradient, index = grad(_mean_loss(model, loss)), torch.as_tensor(places, device=x.device)

    def along(x: Tensor, y: Tensor) -> Tensor:
        g, hg = jvp(lambda w: gradient(w, x, y), (dict(weights),), (gradient(dict(weights), x, y),))[:2]
        return _product(g, hg) / _product(g, g)

    with forward_mode():
        return float(vmap(along)(x[index], y[index]).mean())


def largest_curvature(
    model: nn.Module, weights: Weights, x: Tensor, y: Tensor, seed: int = 0, loss: LossLike = "mse"
) -> float:
    """The largest eigenvalue of the Hessian of the mean loss, to 0.1 %: as `batch_sharpness`, for all N at once.

    Parameters
    ----------
    model, weights, x, y, seed, loss
        As there; the seed is that of the vector that Lanczos' method starts from.

    Returns
    -------
    float, in units of the Hessian.

    Examples
    --------
    >>> line, w = torch.nn.Linear(2, 1, bias=False), {"weight": torch.ones(1, 2)}
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> round(largest_curvature(line, w, x, torch.zeros(2, 1)), 2)                           # 2 XᵀX/N
    4.0
    """
    at = {name: w.detach().clone().requires_grad_() for name, w in weights.items()}
    places = list(at.values())
    with torch.enable_grad():
        mean = _mean_loss(model, loss)(at, x, y)
        gradient = _flat(torch.autograd.grad(mean, places, create_graph=True, materialize_grads=True))

    def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        v = torch.as_tensor(vector).to(gradient)
        found = torch.autograd.grad(gradient, places, v, retain_graph=True, materialize_grads=True)
        return _flat(found).double().cpu().numpy()

    start = np.random.default_rng(integer("seed", seed, 0)).standard_normal(len(gradient))
    if len(start) <= 2:
        return float(np.linalg.eigvalsh(np.stack([product(unit) for unit in np.eye(len(start))]))[-1])
    operator = LinearOperator((len(start), len(start)), matvec=product, dtype=np.float64)
    vectors = min(VECTORS, len(start))
    return float(eigsh(operator, 1, which="LA", tol=TOLERANCE, v0=start, ncv=vectors, return_eigenvectors=False)[0])


def _mean_loss(model: nn.Module, loss: LossLike) -> Callable[[dict[str, Tensor], Tensor, Tensor], Tensor]:
    network, kind = own_copy(model), checked_loss(loss)

    def mean_loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return kind.per_example(functional_call(network, weights, (x,)), y).mean()

    return mean_loss


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])


def _product(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()
