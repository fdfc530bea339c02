"""Schemes from Taylor's expansion of Itô's integral, and the tamed one for steep losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    import sympy as sp

    from sgdsde.schemes.step import Step, Vector


@scheme(interpretation="ito", noise="any", strong={"any": 0.5, "additive": 1.0}, weak=1.0, source="Maruyama 1955")
def euler_maruyama(step: Step) -> Vector:
    """ω + a Δ + b ΔW."""
    return step.w + step.drift(step.w) * step.dt + step.diffusion(step.w) * step.dW


@scheme(
    interpretation="ito",
    noise="any",
    strong={"any": 0.5, "additive": 1.0},
    weak=1.0,
    stable=True,
    source="Hutzenthaler, Jentzen & Kloeden 2012, eq. 4",
)
def tamed_euler(step: Step) -> Vector:
    """ω + a Δ/(1 + Δ|a|) + b ΔW: no step down a loss is longer than 1, however steep it is."""
    drift = step.let(step.drift(step.w))
    (length,) = step.let([_norm(drift)])
    return step.w + drift * (step.dt / (1 + step.dt * length)) + step.diffusion(step.w) * step.dW


@scheme(
    interpretation="ito",
    noise="commutative",
    strong=1.0,
    weak=1.0,
    source="Milstein 1974; Kloeden & Platen 1992, §10.3",
)
def milstein(step: Step) -> Vector:
    """ω + a Δ + b ΔW + Σ_jl L^j b_l ½(ΔW_j ΔW_l − δ_jl Δ): exact for noise that commutes."""
    return euler_maruyama(step) + _second_order(step, step.symmetric_integrals)


@scheme(interpretation="ito", noise="any", strong=1.0, weak=1.0, source="Kloeden & Platen 1992, §10.3")
def milstein_levy(step: Step) -> Vector:
    """ω + a Δ + b ΔW + Σ_jl L^j b_l I_jl, with the iterated integrals of general noise."""
    return euler_maruyama(step) + _second_order(step, step.integrals)


@scheme(
    interpretation="ito",
    noise="diagonal",
    strong=1.5,
    weak=2.0,
    source="Kloeden & Platen 1992, eqs 10.4.1, 10.4.4",
)
def taylor_15(step: Step) -> Vector:
    """Milstein + L⁰a Δ²/2 + L^j a ΔZ + L⁰b (ΔW Δ − ΔZ) + L^j L^j b ½(ΔW²/3 − Δ)ΔW."""
    import sympy as sp

    drift, b = step.drift(step.w), step.diffusion(step.w)
    dt, dW, dZ = step.dt, step.dW, step.dZ
    change = drift * dt + step.generator(drift) * dt**2 / 2
    for j in range(b.cols):
        column = b[:, j]
        slope = step.along(column, column)
        bend = step.along(slope, column)
        change += column * dW[j] + slope * (dW[j] ** 2 - dt) / 2
        change += step.along(drift, column) * dZ[j] + step.generator(column) * (dW[j] * dt - dZ[j])
        change += bend * (dW[j] ** 2 / 3 - dt) * dW[j] / 2
    return step.w + sp.Matrix(change)


def _second_order(step: Step, integrals: sp.Matrix) -> Vector:
    """Σ_jl L^j b_l I_jl."""
    import sympy as sp

    b = step.diffusion(step.w)
    total = sp.zeros(b.rows, 1)
    for j in range(b.cols):
        for other in range(b.cols):
            total += step.along(b[:, other], b[:, j]) * integrals[j, other]
    return total


def _norm(vector: Vector) -> sp.Expr:
    import sympy as sp

    return sp.Abs(vector[0]) if len(vector) == 1 else sp.sqrt(sum(entry**2 for entry in vector))
