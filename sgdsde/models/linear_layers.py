"""Inner products of the gradients of single examples in a network of linear layers, without the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgdsde.models.example_losses import ExampleLosses
from sgdsde.models.examples import BATCH

#: What Σ δ_i a_iᵀ may be off by, relative to the largest gradient: more means that the weights are used elsewhere too.
TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class LayerFactors:
    """Inputs a_i and slopes δ_i = ∂C_i/∂(output) of a linear layer, float64: its gradients are δ_i a_iᵀ and δ_i.

    Attributes
    ----------
    inputs : torch.Tensor, (N, inputs)
    slopes : torch.Tensor, (N, outputs)
    bias : bool
    """

    inputs: Tensor
    slopes: Tensor
    bias: bool

    def products(self, rows: slice) -> Tensor:
        """Inner products of the layer's gradients of some examples with those of all, (n, N)."""
        return (self.inputs[rows] @ self.inputs.T + self.bias) * (self.slopes[rows] @ self.slopes.T)

    def squared_norms(self) -> Tensor:
        """|g_i|² of the layer, (N,)."""
        return (self.inputs.square().sum(1) + self.bias) * self.slopes.square().sum(1)


@dataclass
class _Calls:
    """What the linear layers of one pass were given, and gave."""

    inputs: dict[nn.Linear, Tensor] = field(default_factory=dict)
    outputs: dict[nn.Linear, Tensor] = field(default_factory=dict)
    plain: bool = True

    def record(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert isinstance(layer, nn.Linear)
        self.plain = self.plain and output.ndim == 2 and layer not in self.outputs
        self.inputs[layer], self.outputs[layer] = inputs[0].detach(), output
        return output.clone()  # an activation in place would else change what the slope is taken by


def layer_factors(losses: ExampleLosses) -> list[LayerFactors] | None:
    """The factors of every layer; None where the parameters are not those of linear layers, each used once.

    >>> from sgdsde.models.example_losses import example_losses
    >>> found = layer_factors(example_losses(nn.Linear(3, 2), (torch.eye(3), [0, 1, 1])))
    >>> [(tuple(layer.inputs.shape), tuple(layer.slopes.shape)) for layer in found]
    [((3, 3), (3, 2))]
    """
    layers = [m for m in losses.network.modules() if list(m.parameters(recurse=False))]
    named = list(losses.network.named_parameters(remove_duplicate=False))
    if any(type(m) is not nn.Linear for m in layers) or len({id(p) for _, p in named}) != len(named):
        return None
    linear = [m for m in layers if isinstance(m, nn.Linear)]
    passes: list[list[tuple[Tensor, Tensor]]] = []
    for start in range(0, losses.n_examples, BATCH):
        x, y = losses.x[start : start + BATCH], losses.y[start : start + BATCH]
        with _recorded(linear) as calls:
            loss = losses.loss.per_example(losses.network(x), y).sum()
        if not calls.plain or len(calls.outputs) != len(linear):
            return None
        weights = [layer.weight for layer in linear]
        outputs = [calls.outputs[layer] for layer in linear]
        found = torch.autograd.grad(loss, outputs + weights, materialize_grads=True)
        pairs = list(zip((calls.inputs[layer] for layer in linear), found, strict=False))
        true = found[len(linear) :]
        scale = max(float(each.abs().max()) for each in true)
        if any(float((d.T @ a - t).abs().max()) > TOLERANCE * scale for (a, d), t in zip(pairs, true, strict=True)):
            return None
        passes.append(pairs)
    columns = (zip(*each, strict=True) for each in zip(*passes, strict=True))
    return [
        LayerFactors(torch.cat(list(a)).double(), torch.cat(list(d)).double(), layer.bias is not None)
        for layer, (a, d) in zip(linear, columns, strict=True)
    ]


def layer_products(layers: list[LayerFactors]) -> NDArray[np.float64]:
    """g_i·g_j, (N, N), of a network with these layers."""
    n = len(layers[0].inputs)
    found = np.zeros((n, n))
    for start in range(0, n, BATCH):
        rows = slice(start, start + BATCH)
        for layer in layers:
            found[rows] += layer.products(rows).cpu().numpy()
    return found


@contextmanager
def _recorded(layers: list[nn.Linear]) -> Iterator[_Calls]:
    calls = _Calls()
    handles = [layer.register_forward_hook(calls.record) for layer in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
