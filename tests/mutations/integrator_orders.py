"""Mutations of integrator_orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sgdsde.convergence import matrix, orders
from sgdsde.convergence.problem import Problem
from sgdsde.statistics import Order
from tests.mutations import mutation


@mutation("integrator_orders", "½ higher")
def higher(patch: pytest.MonkeyPatch) -> None:
    """errors of every path times √Δ"""
    original = orders._fit

    def changed(problem: Problem, steps: Sequence[int], samples: NDArray[np.float64], power: float | None) -> Order:
        return original(problem, steps, samples / np.sqrt(np.array(steps) / steps[0]), power)

    patch.setattr(orders, "_fit", changed)


@mutation("integrator_orders", "euler_maruyama's error")
def euler(patch: pytest.MonkeyPatch) -> None:
    """Euler and Maruyama's steps in the place of exact ones"""
    original = matrix.weak_order

    def changed(problem: Problem, scheme: str, *arguments: Any, **options: Any) -> Order:
        return original(problem, "euler_maruyama" if scheme.startswith("exact") else scheme, *arguments, **options)

    patch.setattr(matrix, "weak_order", changed)
