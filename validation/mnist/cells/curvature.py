"""Sharpness of a network of one hidden layer of ReLUs, cheap enough to be read along training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgdsde.models.networks import Weights

#: Relative residual at which the largest eigenvalue is taken as found; its own error is of second order in this.
TOLERANCE = 1e-2


def logits(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden units before the ReLU, (n, hidden), and logits, (n, classes), of `sgdsde.models.mlp`'s weights."""
    first, bias, second, last = weights.values()
    z = x @ first.T + bias
    return z, z.relu() @ second.T + last


def hessian_trace(weights: Weights, x: Tensor, _: Tensor) -> Tensor:
    """tr H of the mean cross-entropy, exactly, from one forward pass.

    H = G + R, where G = ⟨Jᵀ(diag p − ppᵀ)J⟩ is Gauss and Newton's part and R holds second derivatives of the logits. A
    logit is linear in the weights of either layer alone, so that R has no diagonal (but where a ReLU is at its kink).
    """
    z, outputs = logits(weights, x)
    p, second = outputs.softmax(-1), list(weights.values())[2]
    last = (p * (1 - p)).sum(1) * (z.relu().square().sum(1) + 1)
    spread = p @ second.square() - (p @ second).square()  # of second's columns, under p
    first = ((z > 0) * spread).sum(1) * (x.square().sum(1) + 1)
    return (last + first).mean()


def largest_eigenvalue(weights: Weights, x: Tensor, _: Tensor) -> float:
    """The largest eigenvalue of G, Gauss and Newton's part of H: next to that of H where the loss is small.

    G = ⟨JᵀSSᵀJ⟩ has the positive eigenvalues of the Gram matrix SᵀJJᵀS/N of the N · classes outputs, whose products
    take a tenth of the time of those of H. Lanczos' method (ARPACK) on these.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    with torch.no_grad():
        z, outputs = logits(weights, x)
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
        operator: Any = LinearOperator((size, size), matvec=product, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(size)
        found = eigsh(operator, 1, which="LA", ncv=12, tol=TOLERANCE, v0=start, return_eigenvectors=False)
    return float(found[0])


def largest_near(level: float, factor: float) -> Any:
    """`largest_eigenvalue` where the training loss is within a factor of `level`, NaN elsewhere: it is not cheap."""

    def measure(weights: Weights, x: Tensor, y: Tensor) -> float:
        loss = torch.nn.functional.cross_entropy(logits(weights, x)[1], y).item()
        inside = abs(math.log(loss / level)) <= math.log(factor)
        return largest_eigenvalue(weights, x, y) if inside else math.nan

    return measure


def accuracy_on(first: int) -> Any:
    """A measure: accuracy on the `first` training examples, NaN where there are none."""

    def measure(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
        return (logits(weights, x[:first])[1].argmax(1) == y[:first]).double().mean()

    return measure
