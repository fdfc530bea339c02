"""The minimum of a penalised logistic regression: SciPy's trust region, then pure Newton steps to rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from sgdsde.layout import one_line
from sgdsde.logistic.checks import Array

#: |∇C| at the end, in nats per unit of weight; and the last Newton step against the weights, as a weak penalty makes
#: gradients small far from the minimum too.
GRADIENT, STEP = 1e-10, 1e-8
#: The trust region hands over at this gradient: from there on the differences of C drown in rounding.
HANDOVER = 1e-3
MOST_TRUSTED, MOST_STEPS = 500, 200


class Problem(Protocol):
    """What the search needs of a regression: functions of weights and λ."""

    def cost(self, weights: Array, regularization: float) -> Array:
        """C."""
        ...

    def gradient(self, weights: Array, regularization: float) -> Array:
        """∇C, (D,)."""
        ...

    def hessian(self, weights: Array, regularization: float) -> Array:
        """∇∇C, (D, D)."""
        ...


@dataclass(frozen=True, eq=False)
class Fit:
    """Where C is least.

    Attributes
    ----------
    regularization : float
        λ.
    weights : ndarray, (D,)
        ω0.
    cost : float
        C(ω0), in nats.
    gradient_norm : float
        |∇C(ω0)|, at most 1e-10.
    """

    regularization: float
    weights: Array
    cost: float
    gradient_norm: float

    __repr__ = one_line


def minimum(problem: Problem, penalty: float, start: Array) -> Fit:
    """Minimum of C for one λ from a start; ValueError where rounding hides it."""
    weights = start
    if np.linalg.norm(problem.gradient(start, penalty)) > HANDOVER:
        weights = minimize(
            problem.cost, start, (penalty,), "trust-exact", problem.gradient, problem.hessian,
            options={"gtol": HANDOVER, "maxiter": MOST_TRUSTED, "max_trust_radius": 1e6},
        ).x  # fmt: skip
    for _ in range(MOST_STEPS):
        gradient = problem.gradient(weights, penalty)
        try:
            step = cho_solve(cho_factor(problem.hessian(weights, penalty)), gradient)
        except LinAlgError:
            break
        weights = weights - step
        norm = float(np.linalg.norm(problem.gradient(weights, penalty)))
        if norm <= GRADIENT and np.linalg.norm(step) <= STEP * (1 + np.linalg.norm(weights)):
            return Fit(penalty, weights, float(problem.cost(weights, penalty)), norm)
        if not np.isfinite(norm):
            break
    raise ValueError(
        f"regularization must be stronger for these data: at {penalty:g} Newton's method found no minimum to a "
        f"gradient of {GRADIENT:g} (data that a hyperplane separates have none as λ → 0)"
    )
