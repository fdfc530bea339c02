"""Schemes whose limit is Stratonovich's; the tape corrects their drift by −½ Σ_j (∂b_j) b_j, so the SDE is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


@scheme(
    interpretation="stratonovich",
    noise="any",
    strong={"any": 0.5, "commutative": 1.0},
    weak=1.0,
    source="Kloeden & Platen 1992",
)
def euler_heun(step: Step) -> Vector:
    """ω + a Δ + ½(b(ω) + b(ω + b ΔW)) ΔW."""
    b = step.diffusion(step.w)
    ahead = step.let(step.w + b * step.dW)
    return step.w + step.drift(step.w) * step.dt + (b + step.diffusion(ahead)) * step.dW / 2


@scheme(
    interpretation="stratonovich",
    noise="any",
    strong={"any": 0.5, "commutative": 1.0},
    weak={"any": 1.0, "additive": 2.0},
    source="Rümelin 1982; Kloeden & Platen 1992",
)
def heun(step: Step) -> Vector:
    """ω + ½(a(ω) + a(ω̄)) Δ + ½(b(ω) + b(ω̄)) ΔW with ω̄ = ω + a Δ + b ΔW."""
    a, b = step.drift(step.w), step.diffusion(step.w)
    ahead = step.let(step.w + a * step.dt + b * step.dW)
    return step.w + (a + step.drift(ahead)) * step.dt / 2 + (b + step.diffusion(ahead)) * step.dW / 2


@scheme(
    interpretation="stratonovich",
    noise="any",
    strong={"any": 0.5, "commutative": 1.0},
    weak=1.0,
    source="Rümelin 1982",
)
def midpoint(step: Step) -> Vector:
    """ω + a(ω̄) Δ + b(ω̄) ΔW with ω̄ = ω + ½(a Δ + b ΔW)."""
    half = (step.drift(step.w) * step.dt + step.diffusion(step.w) * step.dW) / 2
    middle = step.let(step.w + half)
    return step.w + step.drift(middle) * step.dt + step.diffusion(middle) * step.dW
