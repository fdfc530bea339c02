"""Schemes that integrate the SDE in the sense of Itô."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.schemes.registry import scheme

if TYPE_CHECKING:
    from sgdsde.schemes.step import Step, Vector


@scheme(interpretation="ito", noise="any", strong=0.5, weak=1.0, source="Maruyama 1955")
def euler_maruyama(step: Step) -> Vector:
    """ω + drift Δ + diffusion ΔW."""
    return step.w + step.drift(step.w) * step.dt + step.diffusion(step.w) * step.dW
