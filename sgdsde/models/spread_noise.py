"""Normal noise with the trace or the diagonal of F, added to the gradient of all examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from sgdsde.models.descent import PART, PART_ELSEWHERE, by_hand, layer_errors
from sgdsde.models.losses import Loss
from sgdsde.models.networks import Weights
from sgdsde.models.replicas import Part

#: (weights, −∇L, all examples, standard normals (R, P), c): adds noise of c F's trace or diagonal, in place.
SpreadNoise = Callable[[Weights, Weights, Part, Tensor, float], None]
#: Gradients of single examples that are held at once, per replica.
_GRADIENTS = 16


def spread_noise(model: nn.Module, kind: str, loss: Loss) -> SpreadNoise:
    """The noise of a kind of `sgdsde.dynamics.registry.Noise.spread`."""
    squares = partial(_squares_by_hand, loss) if by_hand(model, loss) else _squares_by_autograd(model, loss)

    def add(weights: Weights, descent: Weights, examples: Part, z: Tensor, c: float) -> None:
        n = len(examples)
        total = {name: torch.zeros_like(w) for name, w in weights.items()}
        for found in squares(weights, examples):
            for name, each in found.items():
                total[name] += each
        variance = {  # the diagonal of F
            name: ((each - n * descent[name].square()) / (n - 1)).clamp_(min=0) for name, each in total.items()
        }
        if kind == "trace":
            trace = torch.stack([v.reshape(len(v), -1).sum(1, dtype=torch.float64) for v in variance.values()]).sum(0)
            same = trace / z.shape[1]
            variance = {name: same.to(v.dtype).view(-1, *[1] * (v.ndim - 1)) for name, v in variance.items()}
        start = 0
        for name, w in weights.items():
            size = w[0].numel()
            own = z[:, start : start + size].reshape(w.shape)
            descent[name].sub_((c * variance[name]).sqrt() * own)
            start += size

    return add


def _squares_by_hand(loss: Loss, weights: Weights, examples: Part) -> Iterator[Weights]:
    """Σ_i (∂C_i)² of some examples after others, for a ReLU network: (δ²)ᵀ(inputs²) in each layer."""
    replicas = len(next(iter(weights.values())))
    part = max(1, PART.get(examples.y.device.type, PART_ELSEWHERE) // replicas)
    for start in range(0, len(examples), part):
        some = examples.rows(slice(start, start + part))
        _, targets = some.of_each(replicas)
        found: Weights = {}
        ones = some.x.new_ones(targets.shape[:2])
        for matrix, bias, delta, below in layer_errors(loss, weights, some.inputs(replicas), targets, ones):
            squared = delta.square()
            found[matrix] = torch.zeros_like(weights[matrix])
            below.squared().take_from(found[matrix], -squared, 0.0)
            found[bias] = squared.sum(1)
        yield found


def _squares_by_autograd(model: nn.Module, loss: Loss) -> Callable[[Weights, Part], Iterator[Weights]]:
    """The same for any network, from the gradient of every example."""

    def of_one(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
        return loss.per_example(functional_call(model, weights, (x[None],)), y[None])[0]

    each = vmap(grad(of_one), in_dims=(None, 0, 0), randomness="error")

    def squares(weights: Weights, examples: Part) -> Iterator[Weights]:
        of_all = vmap(each, in_dims=(0, examples.axis, examples.axis), randomness="error")
        for start in range(0, len(examples), _GRADIENTS):
            now = examples.rows(slice(start, start + _GRADIENTS))
            found = of_all(weights, now.x, now.y)
            yield {name: gradients.square().sum(1) for name, gradients in found.items()}

    return squares
