"""Schemes for expectations: increments of two or three values, which have the moments of the Gaussian ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sgdsde.schemes.registry import scheme
from sgdsde.schemes.runge_kutta import Row, mix, named, row, rows

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


class _Tableau(NamedTuple):
    """Coefficients of Rößler's weak Runge–Kutta schemes, in his letters; A² = 0."""

    A0: tuple[Row, ...]
    B0: tuple[Row, ...]
    A1: tuple[Row, ...]
    B1: tuple[Row, ...]
    B2: tuple[Row, ...]
    alpha: Row
    beta1: Row
    beta2: Row
    beta3: Row
    beta4: Row


# Rößler 2009, SIAM J. Numer. Anal. 47, 1713: scheme RI5.
_RI5 = _Tableau(
    A0=rows("1; 25/144 35/144"),
    B0=rows("1/3; -5/6 0"),
    A1=rows("1/4; 1/4 0"),
    B1=rows("1/2; -1/2 0"),
    B2=rows("1; -1 0"),
    alpha=row("1/10 3/14 24/35"),
    beta1=row("1 -1 -1"),
    beta2=row("0 1 -1"),
    beta3=row("1/2 -1/4 -1/4"),
    beta4=row("0 1/2 -1/2"),
)


@scheme(interpretation="ito", noise="any", weak=1.0, source="Kloeden & Platen 1992, chapter 14")
def weak_euler(step: Step) -> Vector:
    """ω + a Δ + b ΔŴ with ΔŴ = ±√Δ."""
    return step.w + step.drift(step.w) * step.dt + step.diffusion(step.w) * step.two_point


@scheme(interpretation="ito", noise="any", weak=2.0, source="Kloeden & Platen 1992, chapter 14")
def weak_taylor_2(step: Step) -> Vector:
    """ω + a Δ + b ΔŴ + ½L⁰a Δ² + ½Σ_j (L⁰b_j + L^j a) ΔŴ_j Δ + ½Σ_jl L^j b_l (ΔŴ_j ΔŴ_l + V_jl)."""
    a, b, dt, noise = step.drift(step.w), step.diffusion(step.w), step.dt, step.three_point
    pairs = (noise * noise.T + step.mixed) / 2
    change = a * dt + b * noise + step.generator(a) * dt**2 / 2 + step.generator(b) * noise * dt / 2
    for j in range(b.cols):
        inner = b[:, j]
        change += step.along(a, inner) * noise[j] * dt / 2 + step.along(b, inner) * pairs[j, :].T
    return step.w + change


@scheme(interpretation="ito", noise="any", weak=2.0, source="Rößler 2009, scheme RI5")
def ri5(step: Step) -> Vector:
    """ω + Σ α_i a(H⁰_i)Δ + Σ_ij [b_j(H^j_i)(β¹_i ΔŴ_j + β²_i Î_jj/√Δ) + b_j(Ĥ^j_i)(β³_i ΔŴ_j + β⁴_i √Δ)], 3 stages."""
    import sympy as sp

    dt, root, noise = step.dt, sp.sqrt(step.dt), step.three_point
    pairs = (noise * noise.T + step.mixed) / 2
    b = named(step, step.diffusion(step.w))
    columns = range(b.cols)

    def column(j: int, change: Vector) -> Vector:
        return step.let(step.diffusion(step.let(step.w + change))[:, j]) if any(change) else b[:, j]

    a = [step.let(step.drift(step.w))]
    own, crossed = [[b[:, j]] for j in columns], [[b[:, j]] for j in columns]
    for A0, B0, A1, B1, B2 in zip(_RI5.A0, _RI5.B0, _RI5.A1, _RI5.B1, _RI5.B2, strict=True):
        outer = mix(A0, a) * dt
        for j in columns:
            outer += mix(B0, own[j]) * noise[j]
        inner = [mix(A1, a) * dt + mix(B1, own[j]) * root for j in columns]
        across = [step.w * 0 for _ in columns]
        for j in columns:
            for other in columns:
                if other != j:
                    across[j] += mix(B2, own[other]) * pairs[other, j] / root
        a.append(step.let(step.drift(step.let(step.w + outer))))
        for j in columns:
            own[j].append(column(j, inner[j]))
            crossed[j].append(column(j, across[j]))
    change = mix(_RI5.alpha, a) * dt
    for j in columns:
        change += mix(_RI5.beta1, own[j]) * noise[j] + mix(_RI5.beta2, own[j]) * pairs[j, j] / root
        change += mix(_RI5.beta3, crossed[j]) * noise[j] + mix(_RI5.beta4, crossed[j]) * root
    return step.w + change
