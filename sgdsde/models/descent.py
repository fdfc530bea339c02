"""The step v ← m v − Σ a_i ∇C_i, ω ← ω + v of R stacked replicas, as fast as the network allows.

Two forms: of a few examples, k steps in a row (a Descent), and of all examples, in parts (a Kick for each).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from sgdsde.models.inputs import DenseInputs, Inputs, SparseInputs
from sgdsde.models.losses import LOSSES, Loss
from sgdsde.models.networks import Weights, is_plain_relu
from sgdsde.models.replicas import Part
from sgdsde.models.small_batches import descend_compiled, in_a_row

#: (weights, velocity, inputs (R, k, n, …), targets (R, k, n, …), coefficients a (R, k, n), m): k updates with n
#: examples each; changes weights and velocity in place.
Descent = Callable[[Weights, Weights, Tensor, Tensor, Tensor, float], None]
#: (weights, velocity, n examples, coefficients a (R, n), m): v ← m v − Σ a_i ∇C_i alone; changes velocity in place.
Kick = Callable[[Weights, Weights, Part, Tensor, float], None]
#: Small batches are taken together, up to so many examples in a call.
EXAMPLES_PER_CALL = 128
#: From these sizes on, with and without momentum, a call is one update: together, momentum needs twice the products.
LARGE_BATCH = {True: 16, False: 32}
#: From this size on sparse inputs are taken as such: many updates in a call, each by itself, of so many examples.
LEAST_SPARSE, EXAMPLES_PER_SPARSE_CALL = 4, 1 << 11
#: Parameters of a network with one hidden layer.
HIDDEN_LAYER = 4
#: So many examples, times replicas, go through the network together: memory does not grow with N.
PART = {"cpu": 1 << 11}
PART_ELSEWHERE = 1 << 18


def updates_per_call(n: int, momentum: float) -> int:
    """The k that is fastest with n examples per update (measured on the network of Smith & Le)."""
    return EXAMPLES_PER_CALL // n if n < LARGE_BATCH[momentum != 0] else 1


def descend_sparse(
    weights: Weights, velocity: Weights, inputs: SparseInputs, y: Tensor, a: Tensor, momentum: float
) -> None:
    """As `descend_by_hand` with inputs that are mostly 0, of one replica with one hidden layer: y and a (1, k, n)."""
    layers = [(weights[name][0], velocity[name][0]) for name in weights]
    inputs.descend(layers, y.flatten(), a.flatten(), y.shape[2], momentum)


def by_hand(model: nn.Module, loss: Loss) -> bool:
    """Whether its gradients are written out here: Linear–ReLU–…–Linear, and a loss whose errors are known."""
    return loss.errors is not None and is_plain_relu(model)


def may_be_sparse(model: nn.Module, loss: Loss, device: torch.device) -> bool:
    """Whether products with inputs may leave zeros out: those that go by hand, on a CPU."""
    return device.type == "cpu" and loss is LOSSES["cross_entropy"] and by_hand(model, loss)


def descent_of(model: nn.Module, loss: Loss) -> Descent:
    """The fastest descent: by hand where there is one, by torch.func elsewhere."""
    return partial(descend_by_hand, loss) if by_hand(model, loss) else descend_by_autograd(model, loss)


def kick_of(model: nn.Module, loss: Loss) -> Kick:
    """The fastest kick, as `descent_of`."""
    return partial(kick_by_hand, loss) if by_hand(model, loss) else kick_by_autograd(model, loss)


def descend_on_all(kick: Kick, weights: Weights, velocity: Weights, examples: Part, a: Tensor, momentum: float) -> None:
    """One step with all N examples and a (R, N)."""
    kick_with_all(kick, weights, velocity, examples, a, momentum)
    for name, w in weights.items():
        w.add_(velocity[name])


def kick_with_all(
    kick: Kick, weights: Weights, velocity: Weights, examples: Part, a: Tensor, momentum: float = 0.0
) -> None:
    """v ← m v − Σ a_i ∇C_i with all examples, part by part."""
    replicas, n = a.shape
    part = max(1, PART.get(a.device.type, PART_ELSEWHERE) // replicas)
    for start in range(0, n, part):
        now = slice(start, start + part)
        kick(weights, velocity, examples.rows(now), a[:, now], 1.0 if start else momentum)


def _weighted_gradients(model: nn.Module, loss: Loss) -> Callable[[Weights, Tensor, Tensor, Tensor], Weights]:
    """Σ a_i ∇C_i of one network: weights, inputs (n, …), targets (n, …), coefficients (n,)."""

    def weighted_loss(weights: Weights, x: Tensor, y: Tensor, a: Tensor) -> Tensor:
        return (a * loss.per_example(functional_call(model, weights, (x,)), y)).sum()

    return grad(weighted_loss)


def descend_by_autograd(model: nn.Module, loss: Loss) -> Descent:
    """For any network: one gradient of the weighted loss per update, of all replicas at once."""
    gradients = vmap(_weighted_gradients(model, loss), randomness="error")

    def descend(weights: Weights, velocity: Weights, x: Tensor, y: Tensor, a: Tensor, momentum: float) -> None:
        for t in range(x.shape[1]):
            for name, gradient in gradients(weights, x[:, t], y[:, t], a[:, t]).items():
                velocity[name].mul_(momentum).sub_(gradient)
                weights[name].add_(velocity[name])

    return descend


def kick_by_autograd(model: nn.Module, loss: Loss) -> Kick:
    """For any network: one gradient of the weighted loss."""
    gradients = _weighted_gradients(model, loss)

    def kick(weights: Weights, velocity: Weights, examples: Part, a: Tensor, momentum: float) -> None:
        of_all = vmap(gradients, in_dims=(0, examples.axis, examples.axis, 0), randomness="error")
        for name, gradient in of_all(weights, examples.x, examples.y, a).items():
            velocity[name].mul_(momentum).sub_(gradient)

    return kick


def kick_by_hand(loss: Loss, weights: Weights, velocity: Weights, examples: Part, a: Tensor, momentum: float) -> None:
    """For a ReLU network: gradients are never stored, their products add to the velocity in place."""
    _, targets = examples.of_each(len(a))
    for matrix, bias, delta, below in layer_errors(loss, weights, examples.inputs(len(a)), targets, a):
        below.take_from(velocity[matrix], delta, momentum)
        velocity[bias].mul_(momentum).sub_(delta.sum(1))


def layer_errors(
    loss: Loss, weights: Weights, inputs: Inputs, targets: Tensor, a: Tensor
) -> Iterator[tuple[str, str, Tensor, Inputs]]:
    """Yield for each layer, the last first: names of matrix and bias, errors δ (R, n, H) of Σ a_i C_i, and inputs.

    When a layer is handed out its weights are done with.
    """
    wide, bias = list(weights)[:2]
    first = inputs.times(weights[wide]).add_(weights[bias][:, None])
    for matrix, bias, delta, below in _backward(loss, weights, first, targets, a):
        yield matrix, bias, delta, inputs if below is None else DenseInputs(below)


def _backward(
    loss: Loss, weights: Weights, first: Tensor, y: Tensor, a: Tensor
) -> Iterator[tuple[str, str, Tensor, Tensor | None]]:
    """From the outputs of the first layer: errors δ of the weighted loss in each layer, from the last to the first.

    With the names of its matrix and bias, δ (R, n, outputs), and its inputs (R, n, inputs), None in the first layer.
    When a layer is handed out its weights are done with.
    """
    matrices, biases = list(weights)[0::2], list(weights)[1::2]
    activations = [first]
    for matrix, bias in zip(matrices[1:], biases[1:], strict=True):
        activations[-1].relu_()
        activations.append(torch.baddbmm(weights[bias][:, None], activations[-1], weights[matrix].mT))
    assert loss.errors is not None
    delta = loss.errors(activations.pop(), y).mul_(a[..., None])  # of the weighted loss, with respect to the outputs
    for matrix, bias, below in zip(matrices[:0:-1], biases[:0:-1], activations[::-1], strict=True):
        beneath = torch.bmm(delta, weights[matrix]).mul_(below > 0)
        yield matrix, bias, delta, below
        delta = beneath
    yield matrices[0], biases[0], delta, None


def descend_by_hand(
    loss: Loss, weights: Weights, velocity: Weights, x: Tensor, y: Tensor, a: Tensor, momentum: float
) -> None:
    """For a ReLU network: gradients are never stored, their products add to the velocity in place."""
    (wide, narrow, *_), (k, n) = weights, x.shape[1:3]
    compiled = loss is LOSSES["cross_entropy"] and x.device.type == "cpu"
    if compiled and len(x) == 1 and len(weights) == HIDDEN_LAYER:
        descend_compiled(weights, velocity, x[0], y[0], a[0], momentum)
        return
    if k == 1:
        for matrix, bias, delta, given in layer_errors(loss, weights, DenseInputs(x[:, 0]), y[:, 0], a[:, 0]):
            given.take_from(velocity[matrix], delta, momentum)
            weights[matrix].add_(velocity[matrix])
            weights[bias].add_(velocity[bias].mul_(momentum).sub_(delta.sum(1)))
        return
    inputs, row = x.flatten(1, 2), in_a_row(k, n, momentum, x.dtype, x.device)
    linear = torch.bmm(inputs, weights[wide].mT) + row.carried * torch.bmm(inputs, velocity[wide].mT)
    mixing = torch.bmm(inputs, inputs.mT) * row.mixing
    errors = torch.empty_like(linear)
    for t in range(k):
        rows, past = slice(t * n, (t + 1) * n), slice(t * n)
        first = torch.baddbmm(linear[:, rows], mixing[:, rows, past], errors[:, past], alpha=-1)
        for matrix, bias, delta, below in _backward(loss, weights, first + weights[narrow][:, None], y[:, t], a[:, t]):
            if below is not None:
                weights[matrix].add_(velocity[matrix].baddbmm_(delta.mT, below, beta=momentum, alpha=-1))
            weights[bias].add_(velocity[bias].mul_(momentum).sub_(delta.sum(1)))
        errors[:, rows] = delta
    weights[wide].add_(velocity[wide], alpha=row.moved)
    weights[wide].baddbmm_((errors * row.felt).mT, inputs, alpha=-1)
    velocity[wide].baddbmm_((errors * row.left).mT, inputs, beta=row.kept, alpha=-1)
