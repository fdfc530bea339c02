"""Networks, and the weights they start from."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sgdsde.arguments import integer, integers

Weights = dict[str, Tensor]
#: Where a module keeps what is called beside it.
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def mlp(*widths: int, seed: int = 0) -> nn.Sequential:
    """A fully connected ReLU network with PyTorch's default initialisation.

    Parameters
    ----------
    *widths : int
        Inputs, hidden widths, outputs: ``mlp(784, 800, 10)`` is Smith & Le's MNIST network.
    seed : int
        Of the initial weights; torch's global generator is left as it was.

    Returns
    -------
    torch.nn.Sequential
        Linear and ReLU layers in turn; its outputs are logits.

    Raises
    ------
    ValueError
        When there are fewer than two widths or one is not a positive integer.

    Examples
    --------
    >>> sum(p.numel() for p in mlp(784, 800, 10).parameters())
    636010
    """
    if len(integers("widths", widths, 1)) < 2:
        raise ValueError(f"widths must be at least two (inputs, …, outputs), got {widths!r}")
    layers: list[nn.Module] = []
    with seeded(seed):
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def weights_of(model: nn.Module) -> Weights:
    """The weights that `model` has now, by name, detached."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def own_copy(model: nn.Module) -> nn.Module:
    """A copy of `model` that works on a copy of what it is given, so that layers in place cannot reach the data.

    >>> x = torch.ones(1, 2)
    >>> _ = own_copy(nn.Sequential(nn.ELU(inplace=True), nn.Linear(2, 2)))(-x)
    >>> x
    tensor([[1., 1.]])
    """
    network = copy.deepcopy(model)
    if not is_plain_relu(network):  # which changes nothing that it is given
        network.register_forward_pre_hook(_take_a_copy, prepend=True)
    return network


def _take_a_copy(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    # By a sum with a 0 made of a weight, the copy belongs to whatever transform of torch.func the weights belong to:
    # a clone would not, and those refuse to add, in place, a weight of theirs to what is not theirs.
    zero = torch.zeros_like(next(module.parameters()).flatten()[0], dtype=args[0].dtype)
    return (args[0] + zero, *args[1:])


def is_plain_relu(model: nn.Module) -> bool:
    """Whether it is a Sequential Linear–ReLU–…–Linear with biases, and nothing is hooked to it."""
    layers = list(model) if type(model) is nn.Sequential else []
    return (
        len(layers) % 2 == 1
        and all(type(layer) is (nn.Linear, nn.ReLU)[i % 2] for i, layer in enumerate(layers))
        and list(weights_of(model)) == [f"{i}.{kind}" for i in range(0, len(layers), 2) for kind in ("weight", "bias")]
        and not any(getattr(layer, hooks) for layer in (model, *layers) for hooks in _HOOKS)
    )


def draw_weights(model: nn.Module, seed: int) -> Weights:
    """Fresh initial weights, as every layer's own ``reset_parameters()`` draws them; `model` is left as it is.

    Raises
    ------
    ValueError
        When `model` is no module, or a parameter belongs to one without ``reset_parameters()``.

    Examples
    --------
    >>> first, second = draw_weights(mlp(3, 2), seed=0), draw_weights(mlp(3, 2), seed=1)
    >>> bool((first["0.weight"] == second["0.weight"]).any())
    False
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {model!r}")
    model = copy.deepcopy(model).cpu()  # the same weights on any device
    with seeded(integer("seed", seed, 0)):
        for name, module in model.named_modules():
            if callable(getattr(module, "reset_parameters", None)):
                module.reset_parameters()
            elif own := [key for key, _ in module.named_parameters(recurse=False)]:
                raise ValueError(
                    f"model has parameters ({', '.join(own)}) in a {type(module).__name__} at {name or 'its top'!r} "
                    "that has no reset_parameters(); give it one, or train with initialization='shared'"
                )
    return weights_of(model)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global CPU generator, which layers draw their weights from, at `seed`; afterwards as it was before."""
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(before)
