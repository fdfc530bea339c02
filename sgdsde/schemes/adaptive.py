"""Euler and Maruyama's method for the SDEs of adaptive rules, in the clock of their updates.

Malladi, Lyu, Panigrahi & Arora, arXiv 2205.10287, in the rules' own numbers: k counts
updates, and ε² is the time of one in the paper's clock. The mean of ĝ² is that of a batch, (∂L)² + c F_ii; the paper
keeps c F_ii, which is all of it where noise dominates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


@scheme(
    interpretation="ito", equation="rmsprop", noise="any", weak=1.0, auxiliary=("square_avg",), stable=True,
    numbers=("alpha", "eps"), source="Malladi et al. 2022, SDE of RMSprop",
)  # fmt: skip
def euler_maruyama_rmsprop(step: Step) -> tuple[Vector, Vector]:
    """dω = −ε (∇L dk + √c A dW)/(√v + ϵ), dv = (1 − α)((∂L)² + c F_ii − v) dk."""
    alpha, eps = step.numbers["alpha"], step.numbers["eps"]
    moved, squares = _moved(step), _mean_squares(step)
    average = _forgotten(step, step.square_avg, alpha, squares)
    scaled = _over(moved, [_root(v) + eps for v in average])
    return step.w - step.learning_rate * scaled, average


@scheme(
    interpretation="ito", equation="adam", noise="any", weak=1.0, auxiliary=("exp_avg", "exp_avg_sq"), stable=True,
    numbers=("beta1", "beta2", "eps"), source="Malladi et al. 2022, SDE of Adam",
)  # fmt: skip
def euler_maruyama_adam(step: Step) -> tuple[Vector, Vector, Vector]:
    """dm = (1 − β₁)((∇L − m) dk + √c A dW), dv = (1 − β₂)((∂L)² + c F_ii − v) dk, dω = −ε m̂/(√v̂ + ϵ) dk."""
    beta1, beta2, eps = (step.numbers[name] for name in ("beta1", "beta2", "eps"))
    kept = 1 - (1 - beta1) * step.dt
    first = step.let(kept * step.exp_avg + (1 - beta1) * _moved(step))
    second = _forgotten(step, step.exp_avg_sq, beta2, _mean_squares(step))
    bias1, bias2 = _bias(step, "beta1"), _bias(step, "beta2")
    scaled = _over(first, [_root(v / bias2) + eps for v in second])
    return step.w - step.learning_rate * step.dt / bias1 * scaled, first, second


def _moved(step: Step) -> Vector:
    """∇L Δ + √c A √Δ z."""
    return step.let(step.gradient(step.w) * step.dt + step.noise_factor(step.w) * (_root(step.batch_noise) * step.dW))


def _mean_squares(step: Step) -> list[Any]:
    """E ĝ_i² = (∂_iL)² + c F_ii."""
    gradient, factor = step.gradient(step.w), step.noise_factor(step.w)
    return [
        gradient[i] ** 2 + step.batch_noise * sum(entry**2 for entry in factor.row(i)) for i in range(len(gradient))
    ]


def _forgotten(step: Step, average: Vector, beta: Any, values: list[Any]) -> Vector:
    """An average that forgets at the rate 1 − β, after a step."""
    rate = (1 - beta) * step.dt
    return step.let([(1 - rate) * old + rate * value for old, value in zip(average, values, strict=True)])


def _bias(step: Step, name: str) -> Any:
    """1 − e^{−(1 − β)k}, in steps: what of an average is not its start, which was 0."""
    return step.carry(f"bias_of_{name}", lambda q: q + (1 - step.numbers[name]) * step.dt * (1 - q))


def _over(vector: Vector, scales: list[Any]) -> Vector:
    import sympy as sp

    return sp.Matrix([value / scale for value, scale in zip(vector, scales, strict=True)])


def _root(value: Any) -> Any:
    import sympy as sp

    return sp.sqrt(value)
