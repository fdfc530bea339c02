"""Drift-implicit schemes, for stiff losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde import expression
from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.schemes.step import Step, Vector

_MOST_DIMENSIONS = 8
_NEWTON_STEPS = 6
_RESIDUAL, _ROUNDINGS = 1e-8, 64  # of the equation solved, relative to its terms: that, or so many roundings of them


@scheme(
    interpretation="ito",
    noise="any",
    strong={"any": 0.5, "additive": 1.0},
    weak=1.0,
    stable=True,
    source="Kloeden & Platen 1992, chapter 12",
)
def implicit_euler(step: Step) -> Vector:
    """ω′ = ω − ∇L(ω′) Δ + b(ω) ΔW, solved by Newton's method; NaN where that has not converged.

    It has where the equation holds to 1e-8 of its terms, or to 64 roundings of them in float32. Six steps from ω, each
    by elimination without pivots on I + Δ∇∇L, which is positive definite where Δ resolves the loss's negative
    curvatures. For up to 8 dimensions.
    """
    import sympy as sp

    d, drift = len(step.w), sp.Matrix(list(step.drift(step.w)))
    if d > _MOST_DIMENSIONS:
        raise ValueError(
            f"scheme 'implicit_euler' solves its equations on the tape and takes up to {_MOST_DIMENSIONS} dimensions; "
            f"this landscape has {d}"
        )
    target = step.let(step.w + step.diffusion(step.w) * step.dW)
    slopes = sp.Matrix([[expression.derivative(entry, x) for x in step.w] for entry in drift])

    def at(value: sp.Matrix, w: Vector) -> sp.Matrix:
        return value.xreplace(dict(zip(step.w, w, strict=True)))

    guess = step.w
    for _ in range(_NEWTON_STEPS):
        residual = step.let(guess - at(drift, guess) * step.dt - target)
        matrix = step.let(sp.eye(d) - at(slopes, guess) * step.dt).reshape(d, d)
        guess = step.let(guess - _solve(step, matrix, residual))
    left = guess - at(drift, guess) * step.dt - target
    size = sum(left[i] ** 2 for i in range(d))
    bent = matrix * guess  # by as much as this is the residual changed when ω′ is rounded
    scale = sum(1 + guess[i] ** 2 + target[i] ** 2 + bent[i] ** 2 for i in range(d))
    (wrong,) = step.let([size - (_RESIDUAL + _ROUNDINGS * step.rounding) ** 2 * scale])
    return guess.applyfunc(lambda entry: sp.Piecewise((entry, wrong <= 0), (sp.nan, True)))


def _solve(step: Step, matrix: sp.Matrix, right: Vector) -> Vector:
    """Gauss's elimination, an intermediate stage for every row operation."""
    import sympy as sp

    d, rows = len(right), [[*matrix.row(i), right[i]] for i in range(len(right))]
    for i in range(d):
        for below in range(i + 1, d):
            (ratio,) = step.let([rows[below][i] / rows[i][i]])
            changed = step.let([rows[below][j] - ratio * rows[i][j] for j in range(i + 1, d + 1)])
            rows[below] = [*rows[below][: i + 1], *changed]
    found: list[sp.Expr] = [sp.S.Zero] * d
    for i in reversed(range(d)):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, d))
        (found[i],) = step.let([(rows[i][d] - known) / rows[i][i]])
    return sp.Matrix(found)
