"""The evidence by quadrature, for one weight or two: the reference of the other methods."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from sgdsde.evidence.estimate import checked_model
from sgdsde.evidence.likelihood import Likelihood
from sgdsde.logistic import LogisticRegression
from sgdsde.logistic.checks import checked_penalty

#: The prior beyond this many standard deviations is left out: 1e-19 of it.
REACH = 9.0
#: Grid points at most, and at one time.
MOST_POINTS, TOGETHER = 10_000_000, 100_000


def quadrature_log_evidence(model: LogisticRegression, regularization: float) -> float:
    """ln ∫ prior × likelihood of logistic regression by the trapezoidal rule, exact but for rounding.

    Parameters
    ----------
    model : LogisticRegression
        Whose data see one or two directions of the weights: P ≤ 2, or inputs of rank 2 at most.
    regularization : float
        λ > 0.

    Returns
    -------
    float, in nats

    Raises
    ------
    ValueError
        When there are more directions, λ is not positive, or it is so weak that the grid would be too large.

    Notes
    -----
    The integrand is analytic in a strip of width π/(s max|x|), s = 1/√λ, so that the rule errs by exp(−2π²) or less
    at a spacing of 1/(s max|x|) (Trefethen & Weideman, SIAM Review 56, 2014).

    Examples
    --------
    >>> model = LogisticRegression([[1.0], [-1.0]], [1, 0])
    >>> round(quadrature_log_evidence(model, 1e-4), 3)  # of a wide prior half fits both examples
    -0.701
    """
    likelihood = Likelihood.of(checked_model(model))
    scale = checked_penalty("regularization", regularization) ** -0.5
    d = likelihood.dimension
    if d > 2:
        raise ValueError(f"model must see at most 2 directions of the weights for quadrature, got {d}")
    widest = float(np.linalg.norm(likelihood.inputs, axis=1).max())
    half = int(np.ceil(REACH / min(0.25, 1 / (scale * widest))))
    if (2 * half + 1) ** d > MOST_POINTS:
        raise ValueError(
            f"regularization must be stronger for quadrature: at {regularization:g} it takes {2 * half + 1} points in "
            f"each of {d} directions, and {MOST_POINTS:,} at most are evaluated"
        )
    line = np.linspace(-REACH, REACH, 2 * half + 1)
    grid = np.stack(np.meshgrid(*[line] * d, indexing="ij"), axis=-1).reshape(-1, d)
    parts = []
    for begin in range(0, len(grid), TOGETHER):
        points = grid[begin : begin + TOGETHER]
        entropy = likelihood.cross_entropy(likelihood.logits(points), scale)
        parts.append(logsumexp(-entropy - np.square(points).sum(axis=1) / 2))
    cell = np.log(line[1] - line[0]) - np.log(2 * np.pi) / 2
    return float(logsumexp(parts) + d * cell)
