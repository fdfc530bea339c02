"""Runge–Kutta schemes of strong order 1 and 3/2: stages in place of derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.schemes.step import Step, Vector

Row = tuple[Fraction, ...]


def row(text: str) -> Row:
    """Coefficients from text, ``"1/3 2/3"``."""
    return tuple(map(Fraction, text.split()))


def rows(text: str) -> tuple[Row, ...]:
    """Rows of the stages after the first, ``"1; 1/4 1/4"``: the strictly lower triangle of a matrix."""
    return tuple(map(row, text.split(";")))


class _Additive(NamedTuple):
    """Coefficients for constant b; those of the drift's stages are all that is left."""

    A0: tuple[Row, ...]
    B0: tuple[Row, ...]
    alpha: Row


class _Diagonal(NamedTuple):
    """Coefficients of Rößler's class SRI, in its letters."""

    A0: tuple[Row, ...]
    B0: tuple[Row, ...]
    A1: tuple[Row, ...]
    B1: tuple[Row, ...]
    alpha: Row
    beta1: Row
    beta2: Row
    beta3: Row
    beta4: Row


# Rößler 2010, SIAM J. Numer. Anal. 48, 922: schemes SRA1, SRA3 and SRIW1.
_SRA1 = _Additive(A0=rows("3/4"), B0=rows("3/2"), alpha=row("1/3 2/3"))
_SRA3 = _Additive(A0=rows("1; 1/4 1/4"), B0=rows("0; 1 1/2"), alpha=row("1/6 1/6 2/3"))
_SRIW1 = _Diagonal(
    A0=rows("3/4; 0 0; 0 0 0"),
    B0=rows("3/2; 0 0; 0 0 0"),
    A1=rows("1/4; 1 0; 0 0 1/4"),
    B1=rows("1/2; -1 0; -5 3 1/2"),
    alpha=row("1/3 2/3 0 0"),
    beta1=row("-1 4/3 2/3 0"),
    beta2=row("-1 4/3 -1/3 0"),
    beta3=row("2 -4/3 -2/3 0"),
    beta4=row("-2 5/3 -2/3 1"),
)


@scheme(interpretation="ito", noise="any", strong=1.0, weak=1.0, source="Rößler 2010, scheme SRI2")
def sri2(step: Step) -> Vector:
    """ω + ½(a(ω) + a(ω̄))Δ + b ΔW + ½√Δ Σ_j (b_j(ω̄ + s_j) − b_j(ω̄ − s_j)), ω̄ = ω + a Δ, s_j = Σ_l b_l I_lj/√Δ."""
    return _with_iterated_integrals(step)


@scheme(interpretation="stratonovich", noise="any", strong=1.0, weak=1.0, source="Rößler 2010, scheme SRS2")
def srs2(step: Step) -> Vector:
    """`sri2` with the drift and the iterated integrals of Stratonovich."""
    return _with_iterated_integrals(step)


@scheme(
    interpretation="ito",
    noise="diagonal",
    strong=1.5,
    weak={"diagonal": 1.5, "additive": 2.0},
    source="Rößler 2010, scheme SRIW1",
)
def sriw1(step: Step) -> Vector:
    """ω + Σ_i α_i a(H⁰_i)Δ + Σ_i (β¹_i ΔW + β²_i I_11/√Δ + β³_i ΔZ/Δ + β⁴_i I_111/Δ) b(H_i), four stages.

    Its weak order is 2 where b″ = 0, and elsewhere the strong one: the stages leave terms b″ab ΔW Δ^{3/2}.
    """
    import sympy as sp

    def b_at(w: Vector) -> Vector:
        return step.let(step.diffusion(w).diagonal())

    dt, dW, dZ = step.dt, step.dW, step.dZ
    a, b = [step.let(step.drift(step.w))], [b_at(step.w)]
    for A0, B0, A1, B1 in zip(_SRIW1.A0, _SRIW1.B0, _SRIW1.A1, _SRIW1.B1, strict=True):
        outer = mix(A0, a) * dt + mix(B0, b).multiply_elementwise(dZ) / dt
        inner = mix(A1, a) * dt + mix(B1, b) * sp.sqrt(dt)
        a.append(step.let(step.drift(step.let(step.w + outer))) if any(outer) else a[0])
        b.append(b_at(step.let(step.w + inner)))
    change = mix(_SRIW1.alpha, a) * dt
    for beta, integral in (
        (_SRIW1.beta1, dW),
        (_SRIW1.beta2, dW.applyfunc(lambda x: (x**2 - dt) / 2) / sp.sqrt(dt)),
        (_SRIW1.beta3, dZ / dt),
        (_SRIW1.beta4, dW.applyfunc(lambda x: (x**2 - 3 * dt) * x / 6) / dt),
    ):
        change += mix(beta, b).multiply_elementwise(integral)
    return step.w + change


@scheme(interpretation="ito", noise="additive", strong=1.5, weak=2.0, source="Rößler 2010, scheme SRA1")
def sra1(step: Step) -> Vector:
    """ω + ⅓(a(ω) + 2a(H))Δ + b ΔW with H = ω + ¾a Δ + (3/2) b ΔZ/Δ."""
    return _for_constant_noise(step, _SRA1)


@scheme(interpretation="ito", noise="additive", strong=1.5, weak=2.0, source="Rößler 2010, scheme SRA3")
def sra3(step: Step) -> Vector:
    """ω + ⅙(a(ω) + a(ω̄) + 4a(H))Δ + b ΔW with ω̄ = ω + a Δ, H = ω + ¼(a + a(ω̄))Δ + (3/2) b ΔZ/Δ."""
    return _for_constant_noise(step, _SRA3)


def _with_iterated_integrals(step: Step) -> Vector:
    import sympy as sp

    root = sp.sqrt(step.dt)
    a, b = step.let(step.drift(step.w)), named(step, step.diffusion(step.w))
    spread = named(step, b * step.integrals / root)
    ahead = step.let(step.w + a * step.dt)
    change = (a + step.drift(ahead)) * step.dt / 2 + b * step.dW
    for j in range(b.cols):
        above, below = (step.let(ahead + sign * spread[:, j]) for sign in (1, -1))
        change += (step.diffusion(above)[:, j] - step.diffusion(below)[:, j]) * root / 2
    return step.w + change


def _for_constant_noise(step: Step, tableau: _Additive) -> Vector:
    b = step.diffusion(step.w)
    a = [step.let(step.drift(step.w))]
    for A0, B0 in zip(tableau.A0, tableau.B0, strict=True):
        stage = step.let(step.w + mix(A0, a) * step.dt + b * step.dZ * sum(B0) / step.dt)
        a.append(step.let(step.drift(stage)))
    return step.w + mix(tableau.alpha, a) * step.dt + b * step.dW


def mix(coefficients: Sequence[Fraction], vectors: Sequence[Vector]) -> Vector:
    """Σ_i coefficients_i vectors_i."""
    import sympy as sp

    total = sp.zeros(*vectors[0].shape)
    for coefficient, vector in zip(coefficients, vectors, strict=True):
        total += vector * sp.Rational(coefficient)
    return total


def named(step: Step, matrix: sp.Matrix) -> sp.Matrix:
    """The matrix with its entries named on the tape, those apart that are numbers, such as 0."""
    import sympy as sp

    names = iter(step.let(entry for entry in matrix if not entry.is_number))
    return sp.Matrix(*matrix.shape, [entry if entry.is_number else next(names) for entry in matrix])
