"""SGD and its relatives: maps driven by batches of real examples, or by noise in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


@scheme(interpretation="update", noise="any", auxiliary=("v",), source="Polyak 1964; Smith & Le 2018, §5")
def sgd(step: Step) -> tuple[Vector, Vector]:
    """Heavy ball: v ← m v − ε ĝ, ω ← ω + v, with ĝ = ∇L + A z̄ the mean gradient of the batch."""
    v = step.let(step.momentum * step.v - step.learning_rate * _gradient(step, step.batch_mean))
    return step.w + v, v


@scheme(interpretation="update", noise="any", auxiliary=("v",), source="Nesterov 1983; Sutskever et al. 2013, §2")
def nesterov(step: Step) -> tuple[Vector, Vector]:
    """v ← m v − ε ĝ, ω ← ω + m v − ε ĝ: Nesterov's momentum, in the variables of torch.optim.SGD."""
    kick = step.let(step.learning_rate * _gradient(step, step.batch_mean))
    v = step.let(step.momentum * step.v - kick)
    return step.w + step.momentum * v - kick, v


@scheme(interpretation="update", noise="any", auxiliary=("v",), source="Wu et al. 2020; Smith & Le 2018, eq. 4")
def noisy_gd(step: Step) -> tuple[Vector, Vector]:
    """Heavy ball with ĝ = ∇L + √c A z, z normal: the covariance of SGD's noise and no other property of it."""
    import sympy as sp

    v = step.let(step.momentum * step.v - step.learning_rate * _gradient(step, sp.sqrt(step.batch_noise) * step.z))
    return step.w + v, v


@scheme(interpretation="update", noise="any", source="Li, Malladi & Arora 2021, §4")
def svag(step: Step) -> Vector:
    """ω ← ω − (ε/l)(½(1 + √(2l − 1)) ĝ₁ + ½(1 − √(2l − 1)) ĝ₂), ĝ₁ and ĝ₂ of two batches; l of these for an update."""
    first, second = step.batch_mean, step.other_batch_mean
    return step.w - step.learning_rate * _gradient(step, (first + second + step.spread * (first - second)) / 2)


def _gradient(step: Step, noise: Vector) -> Vector:
    """∇L + A z̄."""
    return step.gradient(step.w) + step.factor(step.w) * noise
