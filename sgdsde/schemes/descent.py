"""SGD and its relatives: maps driven by batches of real examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


@scheme(interpretation="update", noise="any", auxiliary=("v",), source="Polyak 1964; Smith & Le 2018, §5")
def sgd(step: Step) -> tuple[Vector, Vector]:
    """Heavy ball: v ← m v − ε ĝ, ω ← ω + v, with ĝ = ∇L + A z̄ the mean gradient of the batch."""
    batch_gradient = step.gradient(step.w) + step.factor(step.w) * step.batch_mean
    v = step.let(step.momentum * step.v - step.learning_rate * batch_gradient)
    return step.w + v, v
