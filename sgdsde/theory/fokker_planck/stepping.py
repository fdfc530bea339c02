"""exp(t Qᵀ) applied to a density, by an L-stable method with steps of its own choice."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sgdsde.theory.fokker_planck.generator import factorise

Array = NDArray[np.float64]

POLE = 0.25
STAGES = 6
HALVINGS = 60
SHARE = 2**-0.25  # of the tolerance, for each half of a step; errors made early die away
KEPT = 6  # factorisations, one for each size of a step


def _coefficients(stages: int) -> Array:
    """b with Σ_j b_j (1 − γz)^{−j} = e^z + O(z^stages), j = 1 … stages."""
    powers = range(stages)
    table = [[math.comb(j + k - 1, k) * POLE**k for j in range(1, stages + 1)] for k in powers]
    return np.asarray(np.linalg.solve(table, [1 / math.factorial(k) for k in powers]))


FIFTH, FOURTH = _coefficients(STAGES), np.append(_coefficients(STAGES - 1), 0.0)


class Stepper:
    """Advances masses on cells by ∂p = Qᵀ p.

    Notes
    -----
    Nørsett's restricted Padé approximations of e^z with the only pole 1/γ, γ = 1/4: order 5 with 6 stages, and order 4
    with 5 for the error, L-stable both (Hairer & Wanner, Solving Ordinary Differential Equations II, §IV.6). Whether a
    step is taken or halved is judged by the sum of absolute errors, which exp(t Qᵀ) never enlarges. No method of order
    above 1 is positive for steps of every length (Bolley & Crouzeix, RAIRO 12 (1978) 237): negative masses, which are
    within the tolerance, are set to zero and the others scaled to keep the sum.
    """

    def __init__(self, generator: sparse.csr_array, *, conserved: bool) -> None:
        self.transposed = sparse.csc_array(generator.T)
        self.conserved = conserved
        self.factors = functools.lru_cache(KEPT)(self._factors)

    def _factors(self, step: float) -> Any:
        return factorise(sparse.eye_array(self.transposed.shape[0], format="csc") - POLE * step * self.transposed)

    def advance(self, mass: Array, time: float, tolerance: float, halvings: int = HALVINGS) -> Array:
        """Masses (m,) after `time`, to a sum of absolute errors of about `tolerance` times the sum of masses."""
        if time == 0:
            return mass
        solve = self.factors(time).solve
        stages = [solve(mass)]
        while len(stages) < STAGES:
            stages.append(solve(stages[-1]))
        after = FIFTH @ np.array(stages)
        error = float(np.abs((FIFTH - FOURTH) @ np.array(stages)).sum())
        if error > max(tolerance, 1e-15) * float(mass.sum()) and halvings:
            half = self.advance(mass, time / 2, tolerance * SHARE, halvings - 1)
            return self.advance(half, time / 2, tolerance * SHARE, halvings - 1)
        total = float(mass.sum() if self.conserved else after.sum())
        after = np.maximum(after, 0.0)
        return np.asarray(after * (total / after.sum() if after.any() else 0.0))
