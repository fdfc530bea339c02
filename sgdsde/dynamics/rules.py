"""Rules of optimisers, each a function of one component, in the conventions of torch.optim.

A new rule is a function here, and runs on landscapes and networks, in ladders, sweeps and the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sgdsde.dynamics.registry import Hyperparameter, rule

if TYPE_CHECKING:
    from sgdsde.dynamics.update import Update

_FORGETS = Hyperparameter(0.9, 0.0, 1.0)
_SMALL = Hyperparameter(1e-8)


def _decayed(update: Update) -> Any:
    """ĝ + λω."""
    return update.gradient + update.weight_decay * update.w


def _shorter(numbers: Mapping[str, float], steps: int) -> dict[str, float]:
    """ε/l: SVAG's steps (Li, Malladi & Arora 2021)."""
    return {"learning_rate": numbers["learning_rate"] / steps}


def _by_square_root(numbers: Mapping[str, float], steps: int) -> dict[str, float]:
    """ε/√l, 1 − β → (1 − β)/l, ϵ√l: the square-root rule with κ = 1/l (Malladi et al., arXiv 2205.10287)."""
    forgets = {name: 1 - (1 - numbers[name]) / steps for name in ("alpha", "beta1", "beta2") if name in numbers}
    small = {"eps": numbers["eps"] * steps**0.5} if "eps" in numbers else {}
    return {"learning_rate": numbers["learning_rate"] / steps**0.5, **forgets, **small}


def _decoupled_by_square_root(numbers: Mapping[str, float], steps: int) -> dict[str, float]:
    """The same, and λ/√l, where it is ελ that shortens ω in a step: so it is by ελ in l of them."""
    return {**_by_square_root(numbers, steps), "weight_decay": numbers["weight_decay"] / steps**0.5}


def _kick(numbers: Mapping[str, float]) -> float:
    """ε, or (1 − d)ε with momentum."""
    return numbers["learning_rate"] * (1 - numbers["dampening"] if numbers["momentum"] else 1)


@rule(
    state=("momentum_buffer",), takes=("momentum", "dampening", "weight_decay"), divided=_shorter,
    sdes=("sde", "momentum_sde"), source="Polyak 1964; Smith & Le 2018; torch.optim.SGD",
    stable_below=lambda n: 2 * (1 + n["momentum"]) / _kick(n) - n["weight_decay"],
)  # fmt: skip
def sgd(update: Update) -> tuple[Any, Any]:
    """b ← m b + (1 − d)(ĝ + λω), ω ← ω − ε b; the first update is not dampened, and none is without momentum."""
    gradient = _decayed(update)
    if update.dampening and update.momentum:  # symbols, where there is some
        gradient = gradient * (1 - update.dampening * update.after_first())
    buffer = update.let(update.momentum * update.momentum_buffer + gradient)
    return update.w - update.learning_rate * buffer, buffer


@rule(
    state=("v",), takes=("momentum", "weight_decay"), divided=_shorter,
    sdes=("sde", "momentum_sde"), source="Polyak 1964; Smith & Le 2018",
    stable_below=lambda n: 2 * (1 + n["momentum"]) / n["learning_rate"] - n["weight_decay"],
)  # fmt: skip
def heavy_ball(update: Update) -> tuple[Any, Any]:
    """v ← m v − ε (ĝ + λω), ω ← ω + v: `sgd` while ε is the same; here v keeps the ε that it was made with."""
    v = update.let(update.momentum * update.v - update.learning_rate * _decayed(update))
    return update.w + v, v


@rule(
    state=("momentum_buffer",), takes=("momentum", "weight_decay"), divided=_shorter,
    sdes=("sde", "momentum_sde"), source="Nesterov 1983; Sutskever et al. 2013, §2; torch.optim.SGD(nesterov=True)",
    stable_below=lambda n: 2 * (1 + n["momentum"]) / ((1 + 2 * n["momentum"]) * n["learning_rate"]) - n["weight_decay"],
)  # fmt: skip
def nesterov(update: Update) -> tuple[Any, Any]:
    """b ← m b + ĝ + λω, ω ← ω − ε (ĝ + λω + m b)."""
    gradient = update.let(_decayed(update))
    buffer = update.let(update.momentum * update.momentum_buffer + gradient)
    return update.w - update.learning_rate * (gradient + update.momentum * buffer), buffer


@rule(
    state=("square_avg", "momentum_buffer"), takes=("momentum", "weight_decay"), scaling="square_root",
    hyperparameters={"alpha": Hyperparameter(0.99, 0.0, 1.0), "eps": _SMALL}, divided=_by_square_root,
    sdes=("rmsprop_sde",), source="Tieleman & Hinton 2012; torch.optim.RMSprop",
)  # fmt: skip
def rmsprop(update: Update) -> tuple[Any, Any, Any]:
    """v ← α v + (1 − α) ĝ², b ← m b + ĝ/(√v + ϵ), ω ← ω − ε b, with ĝ + λω in the place of ĝ."""
    gradient = update.let(_decayed(update))
    average = update.let(update.alpha * update.square_avg + (1 - update.alpha) * gradient * gradient)
    buffer = update.let(update.momentum * update.momentum_buffer + gradient / (update.sqrt(average) + update.eps))
    return update.w - update.learning_rate * buffer, average, buffer


_ADAM: Mapping[str, Hyperparameter] = {"beta1": _FORGETS, "beta2": Hyperparameter(0.999, 0.0, 1.0), "eps": _SMALL}


def _adam(update: Update, w: Any, gradient: Any) -> tuple[Any, Any, Any]:
    first = update.let(update.beta1 * update.exp_avg + (1 - update.beta1) * gradient)
    second = update.let(update.beta2 * update.exp_avg_sq + (1 - update.beta2) * gradient * gradient)
    rate = update.learning_rate / update.bias_correction("beta1")
    scale = update.sqrt(second / update.bias_correction("beta2")) + update.eps
    return w - rate * first / scale, first, second


@rule(
    state=("exp_avg", "exp_avg_sq"), takes=("weight_decay",), hyperparameters=_ADAM, scaling="square_root",
    divided=_by_square_root, sdes=("adam_sde",), source="Kingma & Ba, arXiv 1412.6980; torch.optim.Adam",
)  # fmt: skip
def adam(update: Update) -> tuple[Any, Any, Any]:
    """m ← β₁m + (1 − β₁)ĝ, v ← β₂v + (1 − β₂)ĝ², ω ← ω − ε m̂/(√v̂ + ϵ), m̂ = m/(1 − β₁ᵏ), v̂ = v/(1 − β₂ᵏ)."""
    return _adam(update, update.w, update.let(_decayed(update)))


@rule(
    state=("exp_avg", "exp_avg_sq"), takes=("weight_decay",), hyperparameters=_ADAM, scaling="square_root",
    divided=_decoupled_by_square_root, source="Loshchilov & Hutter, arXiv 1711.05101; torch.optim.AdamW",
)  # fmt: skip
def adamw(update: Update) -> tuple[Any, Any, Any]:
    """Adam's step from (1 − ελ)ω, with ĝ of ω."""
    return _adam(update, update.w * (1 - update.learning_rate * update.weight_decay), update.gradient)


@rule(
    state=("momentum_buffer",), takes=("momentum", "weight_decay"), scaling="square_root",
    source="Bernstein et al., arXiv 1802.04434, algorithms 1 and 2",
)  # fmt: skip
def signsgd(update: Update) -> tuple[Any, Any]:
    """b ← m b + (1 − m)(ĝ + λω), ω ← ω − ε sign b."""
    buffer = update.let(update.momentum * update.momentum_buffer + (1 - update.momentum) * _decayed(update))
    return update.w - update.learning_rate * update.sign(buffer), buffer


@rule(
    state=("exp_avg",), takes=("weight_decay",), scaling="square_root",
    hyperparameters={"beta1": _FORGETS, "beta2": Hyperparameter(0.99, 0.0, 1.0)},
    source="Chen et al., arXiv 2302.06675, algorithm 2",
)  # fmt: skip
def lion(update: Update) -> tuple[Any, Any]:
    """ω ← ω − ε (sign(β₁m + (1 − β₁)ĝ) + λω), m ← β₂m + (1 − β₂)ĝ."""
    mixed = update.beta1 * update.exp_avg + (1 - update.beta1) * update.gradient
    average = update.beta2 * update.exp_avg + (1 - update.beta2) * update.gradient
    return update.w - update.learning_rate * (update.sign(mixed) + update.weight_decay * update.w), average
