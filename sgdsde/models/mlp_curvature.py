"""Sharpness of a network of one hidden layer of ReLUs, cheap enough to be read along training: measures of `train`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgdsde.arguments import real
from sgdsde.models.networks import Weights


def hidden_and_logits(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden units before the ReLU, (n, hidden), and logits, (n, classes); ValueError of the weights of other networks.

    By hand, as `torch.func.functional_call` changes the module for the time of the call: no two threads may share it.
    """
    shapes = [tuple(w.shape) for w in weights.values()]
    if [len(shape) for shape in shapes] != [2, 1, 2, 1]:
        raise ValueError(f"weights must be those of a network with one hidden layer and biases, got shapes {shapes}")
    first, bias, second, last = weights.values()
    z = x @ first.T + bias
    return z, z.relu() @ second.T + last


def mlp_hessian_trace(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
    """tr H of the mean cross-entropy of ``mlp(inputs, hidden, classes)``, exactly, from one forward pass.

    Parameters
    ----------
    weights : dict of Tensor
        Of one network, by name.
    x, y : Tensor
        Inputs, (n, features), and labels, on which tr H does not depend.

    Returns
    -------
    Tensor
        A number.

    Raises
    ------
    ValueError
        When the network is another.

    Notes
    -----
    H = G + R, where G = ⟨Jᵀ(diag p − ppᵀ)J⟩ is Gauss and Newton's part and R holds second derivatives of the logits. A
    logit is linear in the weights of either layer alone, so that R has no diagonal (but where a ReLU is at its kink).

    Examples
    --------
    >>> from sgdsde.models import draw_weights, mlp
    >>> x, y = torch.ones(4, 2), torch.tensor([0, 1, 2, 0])
    >>> float(mlp_hessian_trace(draw_weights(mlp(2, 5, 3), seed=0), x, y)) > 0
    True
    """
    z, outputs = hidden_and_logits(weights, x)
    p, second = outputs.softmax(-1), list(weights.values())[2]
    last = (p * (1 - p)).sum(1) * (z.relu().square().sum(1) + 1)
    spread = p @ second.square() - (p @ second).square()  # of second's columns, under p
    first = ((z > 0) * spread).sum(1) * (x.square().sum(1) + 1)
    return (last + first).mean()


def mlp_largest_curvature(weights: Weights, x: Tensor, y: Tensor, *, tolerance: float = 1e-2) -> float:
    """The largest eigenvalue of G, Gauss and Newton's part of H: next to that of H where the loss is small.

    Parameters
    ----------
    weights, x, y
        As of :func:`mlp_hessian_trace`.
    tolerance : float
        Relative residual at which the eigenvalue is taken as found; its own error is of second order in this.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        When the network is another or the tolerance is not above 0 and below 1.

    Notes
    -----
    G = ⟨JᵀSSᵀJ⟩ has the positive eigenvalues of the Gram matrix SᵀJJᵀS/n of the n · classes outputs, whose products
    take a tenth of the time of those of H. Lanczos' method (ARPACK) on these.

    Examples
    --------
    >>> from sgdsde.models import draw_weights, mlp
    >>> x, y = torch.eye(4, 2), torch.tensor([0, 1, 2, 0])
    >>> weights = draw_weights(mlp(2, 5, 3), seed=0)
    >>> 0 < mlp_largest_curvature(weights, x, y) < float(mlp_hessian_trace(weights, x, y))
    True
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    tolerance = real("tolerance", tolerance, above=0, below=1)
    with torch.no_grad():
        z, outputs = hidden_and_logits(weights, x)
        n, classes = outputs.shape
        hidden, root, second = z.relu(), outputs.softmax(-1).sqrt(), list(weights.values())[2]
        active = (z > 0).to(x.dtype)
        inputs, features = (x @ x.T + 1) / n, (hidden @ hidden.T + 1) / n

        def product(vector: NDArray[np.float64]) -> NDArray[np.float64]:
            u = torch.as_tensor(vector.reshape(n, classes), dtype=x.dtype, device=x.device)
            u = root * (u - root * (root * u).sum(1, keepdim=True))
            u = features @ u + (inputs @ (u @ second * active) * active) @ second.T
            u = root * u
            u = u - root * (root * u).sum(1, keepdim=True)
            return np.asarray(u.double().cpu().numpy().reshape(-1))

        size = n * classes
        operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(size)
        found = eigsh(operator, 1, which="LA", ncv=12, tol=tolerance, v0=start, return_eigenvectors=False)
    return float(found[0])
