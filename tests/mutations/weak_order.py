"""Mutations of weak_order: other equations are measured than those whose orders are predicted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sgdsde.convergence.approximation import MODIFIED, SDE
from tests.mutations import mutation
from validation.claims.weak_order import EQUATIONS


@mutation("weak_order", "order 1")
def first(patch: pytest.MonkeyPatch) -> None:
    """the modified equation is simulated without its correction"""
    patch.setitem(EQUATIONS, "modified equation", SDE)


@mutation("weak_order", "order 2")
def second(patch: pytest.MonkeyPatch) -> None:
    """the SDE is simulated with the correction"""
    patch.setitem(EQUATIONS, "SDE", MODIFIED)


@mutation("weak_order", "c 10 % too small")
def small_noise(patch: pytest.MonkeyPatch) -> None:
    """equations with 0.9 times the noise"""
    for name, equation in EQUATIONS.items():
        patch.setitem(EQUATIONS, name, replace(equation, noise=0.9))
