"""How a group of replicas moves: by the heavy ball's fast step where that is what runs, else by the rule's own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from sgdsde.dynamics.course import Course
from sgdsde.models.descent import (
    EXAMPLES_PER_SPARSE_CALL,
    HIDDEN_LAYER,
    LEAST_SPARSE,
    descend_on_all,
    descend_sparse,
    descent_of,
    kick_of,
    kick_with_all,
    updates_per_call,
)
from sgdsde.models.dynamics import NetworkDynamics
from sgdsde.models.inputs import SparseInputs
from sgdsde.models.losses import LOSSES, Loss
from sgdsde.models.networks import Weights
from sgdsde.models.replicas import Part
from sgdsde.models.rule_step import RuleStep
from sgdsde.models.spread_noise import spread_noise


class HeavyBall:
    """v ← r v − Σ a_i ∇C_i, ω ← ω + v."""

    def __init__(
        self, model: nn.Module, dynamics: NetworkDynamics, course: Course, weights: Weights, loss: Loss
    ) -> None:
        self.state = {"velocity": {name: torch.zeros_like(w) for name, w in weights.items()}}
        self.carried: dict[str, float] = {}
        self._descend, self._kick = descent_of(model, loss), kick_of(model, loss)
        self._dynamics, self._course = dynamics, course

    def numbers(self) -> Iterator[float]:
        """r of every step."""
        return (momentum for momentum, _ in self._dynamics.kicks(self._course))

    def sparse(self, size: int) -> bool:
        """Whether steps with `size` examples are fastest with inputs that leave zeros out, where there are such."""
        return size >= LEAST_SPARSE and len(self.state["velocity"]) == HIDDEN_LAYER

    def together(self, size: int, momentum: float, sparse: bool) -> int:
        """Steps with `size` examples each that are best taken in one call."""
        return max(1, EXAMPLES_PER_SPARSE_CALL // size) if sparse else updates_per_call(size, momentum)

    def some(self, weights: Weights, x: Tensor | SparseInputs, y: Tensor, a: Tensor, momentum: float) -> None:
        """Steps with some examples: x (R, k, n, …), or the k n inputs of one replica."""
        if isinstance(x, SparseInputs):
            descend_sparse(weights, self.state["velocity"], x, y, a, momentum)
        else:
            self._descend(weights, self.state["velocity"], x, y, a, momentum)

    def all(self, weights: Weights, examples: Part, a: Tensor, momentum: float) -> None:
        """A step with all examples."""
        descend_on_all(self._kick, weights, self.state["velocity"], examples, a, momentum)


class ByRule:
    """ĝ = Σ a_i ∇C_i, to which noise may be added, then the rule's map of ω and its state."""

    def __init__(
        self, model: nn.Module, dynamics: NetworkDynamics, course: Course, weights: Weights, loss: Loss
    ) -> None:
        self._dynamics, self._course = dynamics, course
        self._step = RuleStep(dynamics.dynamics.rule, next(dynamics.numbers(course)), weights)
        self._kick = kick_of(model, loss)
        self._descent = {name: torch.zeros_like(w) for name, w in weights.items()}
        spread = dynamics.dynamics.noise.spread
        self._spread = None if spread is None else spread_noise(model, spread, loss)

    @property
    def state(self) -> dict[str, Weights]:
        """The rule's state."""
        return self._step.state

    @property
    def carried(self) -> dict[str, float]:
        """Numbers that go from step to step."""
        return self._step.carried

    @carried.setter
    def carried(self, values: dict[str, float]) -> None:
        self._step.carried = values

    def numbers(self) -> Iterator[Mapping[str, float]]:
        """Numbers of the rule in every step; with c where noise is added."""
        of_rule = self._dynamics.numbers(self._course)
        if self._spread is None:
            return of_rule
        return ({**of, "c": c} for of, c in zip(of_rule, self._course.batch_noises(), strict=False))

    def sparse(self, size: int) -> bool:
        """Never: the rule takes most of the time."""
        return False

    def together(self, size: int, numbers: Mapping[str, float], sparse: bool) -> int:
        """One step in a call."""
        return 1

    def some(
        self, weights: Weights, x: Tensor | SparseInputs, y: Tensor, a: Tensor, numbers: Mapping[str, float]
    ) -> None:
        """A step with some examples, x (R, 1, n, …)."""
        assert isinstance(x, Tensor)
        self._kick(weights, self._descent, Part(x[:, 0], y[:, 0], own=True), a[:, 0], 0.0)
        self._step(weights, self._descent, numbers)

    def all(self, weights: Weights, examples: Part, a: Tensor, numbers: Mapping[str, float]) -> None:
        """A step with all examples; where noise is added, `a` is its standard normals (R, P)."""
        if self._spread is None:
            kick_with_all(self._kick, weights, self._descent, examples, a)
        else:
            n = len(examples)
            kick_with_all(self._kick, weights, self._descent, examples, a.new_full((len(a), n), 1 / n))
            self._spread(weights, self._descent, examples, a, numbers["c"])
        self._step(weights, self._descent, numbers)


def motion_of(
    model: nn.Module,
    dynamics: NetworkDynamics,
    course: Course,
    weights: Weights,
    loss: Loss = LOSSES["cross_entropy"],
) -> HeavyBall | ByRule:
    """What moves replicas that have a course in common, but for the coefficients of a fast step."""
    make: Callable[..., HeavyBall | ByRule] = HeavyBall if dynamics.fast else ByRule
    return make(model, dynamics, course, weights, loss)
