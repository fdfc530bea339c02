"""Derivatives of a network's outputs: at a minimum of square loss that fits all examples they are its curvature."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from sgdsde.models.networks import own_copy, weights_of


def output_jacobians(
    model: nn.Module, inputs: ArrayLike, weights: Mapping[str, Tensor] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The outputs of a network for each input, and their derivatives with respect to its weights.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs (n, …) to outputs (n, …); it is not changed.
    inputs : array_like, (N, …)
        What it maps, N at once.
    weights : mapping from parameter names to tensors, optional
        Where; None: at the weights that `model` has now.

    Returns
    -------
    outputs : ndarray, (N, k)
    jacobians : ndarray, (N, k, P)
        J_i, in float64; columns in the order of ``model.named_parameters()``. Where the loss of example i is
        |output_i − y_i|²/k, as ``"mse"`` has it, and 0, its Hessian is (2/k) J_iᵀJ_i.

    Examples
    --------
    >>> from sgdsde.models import mlp
    >>> outputs, jacobians = output_jacobians(mlp(2, 3, 1), np.eye(2))
    >>> outputs.shape, jacobians.shape
    ((2, 1), (2, 1, 13))
    """
    network = own_copy(model).double()
    own = {name: w.double() for name, w in (weights_of(network) if weights is None else weights).items()}

    def of_one(at: dict[str, Tensor], x: Tensor) -> Tensor:
        found: Tensor = functional_call(network, at, (x[None],))[0].flatten()
        return found

    x = torch.as_tensor(np.asarray(inputs, np.float64))
    with torch.no_grad():
        outputs = vmap(of_one, in_dims=(None, 0))(own, x)
    slopes = vmap(jacrev(of_one), in_dims=(None, 0))(own, x)
    joined = torch.cat([slopes[name].flatten(2) for name in own], dim=2)
    return outputs.numpy(), joined.detach().numpy()
