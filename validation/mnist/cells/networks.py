"""What ``mnist_sde`` needs of a ReLU network beside `train`: Tr F along with ∇L, isotropic noise, the top curvature."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor
from torch.nn.functional import cross_entropy

Weights = dict[str, Tensor]


def forward(weights: Weights, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """The inputs of every layer of a network Linear–ReLU–…–Linear, and its logits (N, classes), for x (N, features).

    By hand, as `torch.func.functional_call` changes the module for the time of the call: no two threads may share it.
    """
    layers, inputs = _layers(weights), [x]
    for matrix, bias in layers[:-1]:
        inputs.append(torch.addmm(weights[bias], inputs[-1], weights[matrix].mT).relu())
    matrix, bias = layers[-1]
    return inputs, torch.addmm(weights[bias], inputs[-1], weights[matrix].mT)


def gradient_and_trace(weights: Weights, x: Tensor, y: Tensor) -> tuple[Weights, float]:
    """∇L by name, and Tr F (divisor N − 1), from one pass over x (N, features).

    The gradients of an example in a layer are δ aᵀ and δ, so that |g_i|² = Σ |δ_i|²(|a_i|² + 1) over the layers.
    """
    inputs, logits = forward(weights, x)
    slopes = torch.softmax(logits, 1)
    slopes[torch.arange(len(y), device=y.device), y] -= 1
    gradient: Weights = {}
    squares = torch.zeros((), dtype=torch.float64, device=x.device)
    for (matrix, bias), below in zip(_layers(weights)[::-1], inputs[::-1], strict=True):
        gradient[matrix], gradient[bias] = slopes.mT @ below / len(y), slopes.mean(0)
        squares += (slopes.square().sum(1).double() * (below.square().sum(1).double() + 1)).sum()
        slopes = (slopes @ weights[matrix]) * (below > 0)
    mean = sum(g.double().square().sum() for g in gradient.values())
    return gradient, float(squares - len(y) * mean) / (len(y) - 1)


def largest_eigenvalue(weights: Weights, x: Tensor, y: Tensor, steps: int = 14) -> float:
    """The largest eigenvalue of ∇∇L, by Lanczos' method from a fixed vector.

    Without orthogonalisation: what rounding spoils are copies of eigenvalues that have converged, never the largest
    (Paige 1980). It approaches from below, and takes the same number of steps for all that is compared.
    """
    own = {name: w.clone().requires_grad_() for name, w in weights.items()}
    parts = list(own.values())
    loss = cross_entropy(forward(own, x)[1], y)
    gradient = torch.autograd.grad(loss, parts, create_graph=True)
    sizes, generator = [w.numel() for w in parts], torch.Generator().manual_seed(0)
    now = torch.randn(sum(sizes), generator=generator, dtype=x.dtype).to(x.device)
    now /= torch.linalg.vector_norm(now)
    before, reach = torch.zeros_like(now), 0.0
    diagonal, beside = np.empty(steps), np.empty(steps)
    for j in range(steps):
        along = [v.view_as(w) for v, w in zip(torch.split(now, sizes), parts, strict=True)]
        rest = torch.cat([p.flatten() for p in torch.autograd.grad(gradient, parts, along, retain_graph=True)])
        diagonal[j] = torch.dot(rest, now)
        rest.sub_(now, alpha=diagonal[j]).sub_(before, alpha=reach)
        beside[j] = reach = float(torch.linalg.vector_norm(rest))
        before, now = now, rest.div_(reach)
    top = eigh_tridiagonal(diagonal, beside[:-1], eigvals_only=True, select="i", select_range=(steps - 1, steps - 1))
    return float(top[0])


def _layers(weights: Weights) -> list[tuple[str, str]]:
    """Names of the matrix and the bias of every layer, first to last."""
    names = list(weights)
    return list(zip(names[0::2], names[1::2], strict=True))
