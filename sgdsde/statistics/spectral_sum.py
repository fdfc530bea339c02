"""The terms ln(1 + x/λ) that a log-determinant is a sum of: bounds of their quadrature, and eigenpairs set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sgdsde.statistics.lanczos import Array, Function, Run, lanczos

#: Nats that the deflated eigenpairs may be wrong by, as they are approximate.
DEFLATION_LOSS = 1e-6
#: The node of Gauss and Radau is below the bound by this share of its distance to −λ: rounding must not put it above a
#: Ritz value.
CLEARANCE = 1e-3


@dataclass(frozen=True)
class LogTerms:
    """f(x) = ln(1 + x/λ) of an eigenvalue x of A, or with the cut-off ln(1 + max(x, 0)/λ).

    Parameters
    ----------
    regularization : float
        λ.
    lower : float or None
        A lower bound of A's eigenvalues; None where none is known. The cut-off needs none.
    cutoff : bool
    """

    regularization: float
    lower: float | None
    cutoff: bool

    def __call__(self, x: Array) -> Array:
        """f, in nats."""
        return np.asarray(np.log1p((np.maximum(x, 0) if self.cutoff else x) / self.regularization))

    def node(self, smallest: float, residual: float = 0.0) -> float:
        """A node for Gauss and Radau, from the smallest Ritz value and its residual; a ValueError where f is undefined.

        >>> LogTerms(1.0, 0.0, False).node(0.2)
        -0.001
        """
        penalty, below = self.regularization, smallest - residual
        if self.cutoff:
            return 0.0
        if smallest <= -penalty:
            raise ValueError(
                f"operator must make A + λI positive definite, got an eigenvalue of A of at most {smallest:.6g} with "
                f"λ = {penalty:g}: this is no minimum; cutoff=True leaves such directions out"
            )
        if self.lower is None and below <= -penalty:
            raise ValueError(
                f"lower must be given: the first run puts A's smallest eigenvalue between {below:.6g} and "
                f"{smallest:.6g} only, with λ = {penalty:g}; or take more steps of deflation, or cutoff=True"
            )
        bound = below if self.lower is None else self.lower
        clear = bound - CLEARANCE * (bound + penalty)
        if self.lower is not None and smallest < clear:
            raise ValueError(
                f"lower must be a lower bound of A's eigenvalues, got {self.lower:g} but found one of at most "
                f"{smallest:.6g}"
            )
        return float(clear)

    def bracket(self, runs: Sequence[Run], node: float) -> tuple[Array, Array]:
        """Two numbers for each run, between which xᵀ f(A) x is; with the cut-off that is no proof."""
        smallest = min(run.ritz[0][0] for run in runs)
        node = min(node, self.node(smallest)) if self.lower is None else self.node(smallest)
        high = np.array([run.gauss(self) for run in runs])
        if self.cutoff:
            half = np.array([run.first((len(run.diagonal) + 1) // 2).gauss(self) for run in runs])
            spread = np.where([run.offdiagonal[-1] == 0 for run in runs], 0, abs(high - half))
            return high - spread, high + spread
        return np.array([run.gauss_radau(self, node) for run in runs]), high


@dataclass(frozen=True, eq=False)
class Deflation:
    """Eigenpairs of A, set apart from what probes have to estimate.

    Attributes
    ----------
    vectors : ndarray, (k, P)
        Orthonormal rows.
    total : float
        Σ f(θ_i), in nats.
    loss : float
        By how much Σ f(λ_i) over all of A can be less than with these pairs taken as exact.
    node : float
        For Gauss and Radau.
    """

    vectors: Array
    total: float
    loss: float
    node: float


def deflate(terms: LogTerms, product: Function, start: Array, steps: int) -> Deflation:
    """The converged eigenpairs of a Lanczos run from one start, (1, P)."""
    if not steps:
        return Deflation(np.empty((0, start.shape[1])), 0.0, 0.0, terms.node(np.inf))
    for runs, basis in lanczos(product, start, steps):
        run, rows = runs[0], basis[0]
    values, vectors = run.ritz
    node = terms.node(values[0], abs(run.residuals[0]))
    # The residuals are parallel to one unit vector v, so that with B the rest of A, det(A + λI) is det(B + λI) times
    # Π (θ_i + λ) (1 − vᵀ(B + λI)⁻¹v Σ r_i²/(θ_i + λ)).
    shares = run.residuals**2 / (1 if terms.cutoff else (values + terms.regularization))
    order = np.argsort(shares)
    sums = np.cumsum(shares[order])
    if terms.cutoff:
        losses = 2 * np.sqrt(sums) / terms.regularization
    else:
        losses = -np.log1p(-np.minimum(sums / (terms.regularization + node), 1 - 1e-9))
    kept = order[losses <= DEFLATION_LOSS]
    loss = float(losses[len(kept) - 1]) if len(kept) else 0.0
    return Deflation(vectors[:, kept].T @ rows[: len(values)], float(terms(values[kept]).sum()), loss, node)
