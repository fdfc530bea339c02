"""What a network must be for its loss to be a sum over examples, tried on a few of them before anything runs.

That layers work in place is no matter: `own_copy` gives a network that works on a copy of what it is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sgdsde.models.networks import is_plain_relu, own_copy
from sgdsde.models.randomness import kept_generators, random_state

#: Layers that tie the examples of a batch together or add noise of their own: the loss is then no sum over examples.
#: Why, and what to do instead.
REFUSED: dict[type[nn.Module], str] = {
    nn.modules.batchnorm._BatchNorm: (
        "it ties the examples of a batch together; take GroupNorm or LayerNorm, or call model.eval()"
    ),
    nn.modules.dropout._DropoutNd: (
        "the loss at given weights is then a random number, and gradients have noise besides that of batches; remove "
        "it, call model.eval(), or hand in masks as a part of the inputs, a few for each example"
    ),
}
#: Names of classes of modules that torch.func does not take, and what to hand in for them.
WRAPPED = {
    "ScriptModule": "the module that was scripted",
    "OptimizedModule": "the module that was compiled",
    "DataParallel": "its .module",
    "DistributedDataParallel": "its .module",
}
#: Examples that a network is tried on.
TRIED = 4
#: Characters of an error of torch's that is passed on.
SHOWN = 200
_SIDES = ("length", "height, width", "depth, height, width")
#: The shape of inputs that a layer takes.
TAKES: dict[type[nn.Module], Callable[[Any], str]] = {
    nn.Linear: lambda layer: f"(n, …, {layer.in_features})",
    nn.modules.conv._ConvNd: lambda layer: f"(n, {layer.in_channels}, {_SIDES[len(layer.kernel_size) - 1]})",
    nn.RNNBase: lambda layer: f"(n, steps, {layer.input_size})",
    nn.Embedding: lambda layer: f"whole numbers below {layer.num_embeddings}",
}


def checked_network(
    model: nn.Module, x: Tensor, dtype: torch.dtype | None, data: str = "data", image_shape: tuple[int, ...] = ()
) -> tuple[nn.Module, tuple[int, ...]]:
    """A copy of `model` in `dtype`, which cannot change what it is given, and the shape of its outputs for inputs `x`.

    None leaves it in its own type.

    It is tried on the first few of the inputs. A network that draws random numbers is found by torch's generator, or
    by two calls that differ; one that ties examples together by outputs for each alone that differ from those in a
    batch; one that has a memory by its parameters and buffers, or by the two calls. A way to hide from all of these
    can be thought of.

    Raises
    ------
    ValueError
        When its loss is no sum over examples, or it does not accept the inputs; the message says why.
    """
    _check_form(model)
    try:
        network = own_copy(model) if dtype is None else own_copy(model).to(dtype)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError(f"model must be one that copy.deepcopy can copy: {first_line(error)}") from error
    own = next(network.parameters())
    few = x[:TRIED].to(own.device, own.dtype if x.is_floating_point() else x.dtype)
    with kept_generators(few), torch.no_grad():
        outputs = _outputs(network, few, data, image_shape)
        if not is_plain_relu(network):
            _check_repeats(network, few, outputs)
            _check_alone(network, few, outputs)
    _check_slopes(network, few)
    return network, (len(x), *outputs.shape[1:])


@contextmanager
def differentiated(how: str) -> Iterator[None]:
    """Errors of torch's that a network's layers are to blame for, as a ValueError that says what was wanted of them.

    >>> with differentiated("forward"):
    ...     raise NotImplementedError("no forward AD here")
    Traceback (most recent call last):
    ...
    ValueError: model must have layers that torch can differentiate forward, torch says: no forward AD here
    """
    try:
        yield
    except (torch.OutOfMemoryError, torch.linalg.LinAlgError):
        raise
    except (RuntimeError, NotImplementedError) as error:
        said = first_line(error)
        raise ValueError(f"model must have layers that torch can differentiate {how}, torch says: {said}") from error


def first_line(error: BaseException) -> str:
    """As much of an error as fits into another."""
    line = str(error).strip().partition("\n")[0]
    return line if len(line) <= SHOWN else line[:SHOWN] + " …"


def _check_form(model: nn.Module) -> None:
    """What can be seen without a call."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {model!r}")
    for module in model.modules():
        for found in {kind.__name__ for kind in type(module).__mro__} & set(WRAPPED):
            raise ValueError(f"model must be of plain torch.nn.Modules, got a {found}: hand in {WRAPPED[found]}")
    named = dict(model.named_parameters())
    if lazy := [name for name, p in named.items() if nn.parameter.is_lazy(p)]:
        raise ValueError(f"model must have shapes, {lazy[0]} has none yet: call model(x) on some inputs first")
    if not named or (frozen := [name for name, p in named.items() if not p.requires_grad]):
        got = f"got {len(frozen)} frozen, such as {frozen[0]}" if named else "got none"
        raise ValueError(f"model must have parameters, all of them with requires_grad=True, {got}")
    for name, p in named.items():
        if p.is_meta or not p.is_floating_point():
            raise ValueError(f"model must have parameters that are real numbers, {name} is {p.dtype} on {p.device}")
        if p._backward_hooks:
            raise ValueError(f"model must have no hooks on gradients, as they would not be called: {name} has one")
    for name, module in model.named_modules():
        why = next((text for kind, text in REFUSED.items() if isinstance(module, kind)), "")
        if why and module.training:
            raise ValueError(
                f"model must have a loss that is a sum over examples, which {type(module).__name__} undoes"
                f"{f' at {name}' if name else ''}: {why}"
            )


def _outputs(network: nn.Module, few: Tensor, data: str, image_shape: tuple[int, ...]) -> Tensor:
    """What the network gives; a ValueError that names the layer that does not take what it is given."""
    with _entered(network) as inside:
        try:
            outputs = network(few)
        except Exception as error:  # whatever a user's module raises; it stays the cause
            said = f"{type(error).__name__}: {first_line(error)}"
            raise ValueError(
                f"model must accept inputs of shape {_shape(few)}, as {data} has: "
                f"{_blamed(network, inside, image_shape)}{said}"
            ) from error
    if not isinstance(outputs, Tensor) or not outputs.is_floating_point():
        kind = outputs.dtype if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(f"model must return one tensor of real numbers, got {kind}")
    if not outputs.ndim or len(outputs) != len(few):
        raise ValueError(
            f"model must give outputs of shape (n, …), a row for each example, "
            f"got {tuple(outputs.shape)} for n = {len(few)}"
        )
    return outputs


def _blamed(network: nn.Module, inside: list[tuple[nn.Module, Any]], image_shape: tuple[int, ...]) -> str:
    """The layer that was being called, what it was given and what it takes."""
    if not inside or not isinstance(given := inside[-1][1], Tensor):
        return ""
    layer = inside[-1][0]
    name = next(name for name, module in network.named_modules() if module is layer)
    text = f"its {type(layer).__name__}{f' at {name}' if name else ''} was given {_shape(given)}"
    takes = next((text(layer) for kind, text in TAKES.items() if isinstance(layer, kind)), "")
    if isinstance(layer, nn.modules.conv._ConvNd) and given.ndim == 2:
        sides = ", ".join(map(str, image_shape)) or _SIDES[len(layer.kernel_size) - 1]
        takes += f"; begin with nn.Unflatten(1, ({layer.in_channels}, {sides}))"
    return text + (f" and takes {takes}. " if takes else ". ")


def _shape(x: Tensor) -> str:
    """With n for the number of examples, and the type."""
    return f"({', '.join(['n', *map(str, x.shape[1:])])}) of {str(x.dtype).removeprefix('torch.')}"


@contextmanager
def _entered(network: nn.Module) -> Iterator[list[tuple[nn.Module, Any]]]:
    """The modules that are being called, the innermost last, and what each was given."""
    inside: list[tuple[nn.Module, Any]] = []

    def enter(module: nn.Module, args: tuple[Any, ...]) -> None:
        inside.append((module, args[0] if args else None))

    def leave(module: nn.Module, args: tuple[Any, ...], output: object) -> None:
        inside.pop()

    handles = []
    for module in network.modules():
        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield inside
    finally:
        for handle in handles:
            handle.remove()


def _check_repeats(network: nn.Module, few: Tensor, outputs: Tensor) -> None:
    """The same function at every call: no random numbers, nothing remembered."""
    held = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    before = {name: (tensor._version, tensor.clone()) for name, tensor in held.items()}
    drawn = random_state(few)
    again = network(few)
    if not torch.equal(drawn, random_state(few)):
        raise ValueError(
            "model must draw no random numbers, as torch.nn.functional.dropout does: its loss is then no sum over "
            "examples; leave them out, or draw only where self.training and call model.eval()"
        )
    for name, tensor in {**dict(network.named_parameters()), **dict(network.named_buffers())}.items():
        version, value = before.get(name, (None, tensor))
        if tensor is not held.get(name) or tensor._version != version or not same(tensor, value):
            raise ValueError(
                f"model must leave its parameters and buffers as they are when it is called, {name} changed; "
                "where this is meant for training alone, call model.eval()"
            )
    if not same(outputs, again):
        raise ValueError("model must give the same outputs for the same inputs, two calls differ")


def _check_alone(network: nn.Module, few: Tensor, outputs: Tensor) -> None:
    """The outputs for an example do not depend on the others of its batch."""
    rounding = torch.finfo(outputs.dtype).eps
    tolerance = rounding**0.5 * float(outputs.abs().max()) + 10 * rounding
    for row in range(len(few)):
        try:
            alone = network(few[row : row + 1])
        except Exception as error:  # as batch normalisation by torch.nn.functional does
            raise ValueError(f"model must accept a single example too: {first_line(error)}") from error
        difference = float((alone[0] - outputs[row]).abs().max()) if alone.shape[1:] == outputs.shape[1:] else None
        if alone.shape[:1] != (1,) or difference is None or difference > tolerance:
            raise ValueError(
                "model must have a loss that is a sum over examples, but its outputs for an example depend on the "
                f"others of the batch: {tuple(alone.shape)} alone"
                + ("" if difference is None else f", by {difference:.2g} of {float(outputs.abs().max()):.2g}")
                + "; of normalisations take GroupNorm or LayerNorm"
            )


def _check_slopes(network: nn.Module, few: Tensor) -> None:
    """A derivative with respect to the weights."""
    with torch.enable_grad():
        if not network(few).requires_grad:
            raise ValueError("model must have outputs that torch can differentiate by its weights, got detached ones")


def same(a: Tensor, b: Tensor) -> bool:
    """Bit for bit, but for NaN."""
    return torch.equal(a, b) or (a.is_floating_point() and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True))
