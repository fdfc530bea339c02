"""The SDEs that rules tend to: their equations, and what integrates them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sgdsde import schemes
from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.dynamics.registry import all_rules
from sgdsde.schemes import Declaration
from sgdsde.schemes.registry import ADAPTIVE_EQUATIONS, EQUATIONS


@dataclass(frozen=True)
class Limit:
    """The SDE of a rule.

    Attributes
    ----------
    equation : str
        Of `sgdsde.schemes.registry.EQUATIONS`.
    scheme : str
        What integrates it unless something else is asked for.
    rule : str
        The rule whose SDE it is, in whose config it is understood.
    steps : callable or None
        (numbers of SGD, l) → numbers of heavy ball whose step with normal noise of l times the covariance of a batch's
        is one of l steps of Euler and Maruyama for an update: what runs it on a network. None where there is none.
    average : str or None
        An average of squares in its state that is not corrected for starting at 0: it starts at their mean.
    """

    equation: str
    scheme: str
    rule: str
    steps: Callable[[Mapping[str, float], int], Mapping[str, float]] | None = None
    average: str | None = None

    def numbers(self, config: SGDConfig) -> dict[str, float]:
        """Numbers of its rule in a config.

        Raises
        ------
        ValueError
            As :meth:`sgdsde.dynamics.Rule.numbers`; and for momentum in a rule whose SDE has none.
        """
        found = all_rules()[self.rule].numbers(config)
        if self.steps is None and config.momentum:
            raise ValueError(f"momentum must be 0 for the SDE of {self.rule!r}, got {config.momentum!r}")
        return found


def _overdamped(numbers: Mapping[str, float], substeps: int) -> Mapping[str, float]:
    """dω = −∇L ds + √(T F) dW, T = εc/(1 − m): steps Δs = ε/((1 − m) l), T/Δs = c l."""
    return {"learning_rate": _kick(numbers) / (1 - numbers["momentum"]) / substeps, "momentum": 0.0, "dampening": 0.0}


def _with_momentum(numbers: Mapping[str, float], substeps: int) -> Mapping[str, float]:
    """dω = v dk, dv = −((1 − m)v + ε∇L) dk + ε√c A dW_k, k in updates, by the symplectic Euler–Maruyama method.

    Steps of 1/l: u ← (1 − (1 − m)/l) u − (ε∇L/l² + ε√c A z/l^{3/2}), ω ← ω + u, where u = v/l is what a step moves. One
    step for an update is noisy gradient descent. It is dω = p dτ, dp = −(γp + ∇L)dτ + √(γT) A dW with v = √ε p,
    γ = (1 − m)/√ε and √ε for an update.
    """
    momentum = numbers["momentum"]
    kept = momentum if substeps == 1 else 1 - (1 - momentum) / substeps  # to the bit at l = 1
    return {"learning_rate": _kick(numbers) / substeps**2, "momentum": kept, "dampening": 0.0}


def _kick(numbers: Mapping[str, float]) -> float:
    return numbers["learning_rate"] * (1 - numbers["dampening"] if numbers["momentum"] else 1)


#: The most that an average of an adaptive rule forgets in a step that is chosen for it.
FORGOTTEN = 0.02

#: A new limit is a line here, with a scheme for its equation.
LIMITS: dict[str, Limit] = {
    "sde": Limit("overdamped", "euler_maruyama", "sgd", _overdamped),
    "momentum_sde": Limit("momentum", "baoab", "sgd", _with_momentum),
    "rmsprop_sde": Limit("rmsprop", "euler_maruyama_rmsprop", "rmsprop", average="square_avg"),
    "adam_sde": Limit("adam", "euler_maruyama_adam", "adam"),
}


def adaptive_substeps(numbers: Mapping[str, float]) -> int:
    """Steps for an update in which the shortest average of an adaptive rule forgets by `FORGOTTEN` at most."""
    rates = [1 - numbers[name] for name in ("alpha", "beta1", "beta2") if name in numbers]
    return max(1, math.ceil(max(rates) / FORGOTTEN))


def find(dynamics: object = None, scheme: object = None) -> tuple[str, Declaration]:
    """The name of an SDE and the scheme that integrates it; either may be left out, both for the overdamped one.

    Raises
    ------
    ValueError
        When there is none of that name, or the scheme is for another equation.
    """
    if dynamics is None and scheme is None:
        dynamics = "sde"
    if dynamics is None:
        declaration = schemes.find(scheme, (*EQUATIONS, *ADAPTIVE_EQUATIONS))  # type: ignore[arg-type]
        return next(name for name, limit in LIMITS.items() if limit.equation == declaration.equation), declaration
    name = choice("dynamics", dynamics, LIMITS)
    limit = LIMITS[name]
    return name, schemes.find(limit.scheme if scheme is None else scheme, (limit.equation,))  # type: ignore[arg-type]
