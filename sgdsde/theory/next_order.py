"""The next order of Laplace's method for logistic regression: how far its evidence is off."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from sgdsde.logistic import LogisticRegression

#: Rows of the N × N matrix x S xᵀ that are held at once.
ROWS = 1024


def laplace_correction(model: LogisticRegression, weights: ArrayLike, regularization: float) -> float:
    """What is to be added to Laplace's ln evidence of a binary regression at its minimum, to the next order.

    Parameters
    ----------
    model : LogisticRegression
        Binary, with one weight vector.
    weights : array_like, (P,)
        ω0, the minimum at this λ.
    regularization : float
        λ > 0.

    Returns
    -------
    float, in nats. Laplace's method is to be trusted where it is small against 1: what is left after it has been added
    is then of the order of its square.

    Raises
    ------
    ValueError
        When the model is a softmax, the weights have another shape, or λ is not positive.

    Notes
    -----
    For ∫ e^{−C}, with S = (∇∇C)⁻¹ and derivatives of C at the minimum (Tierney & Kadane, J. Am. Stat. Assoc. 81 (1986)
    82; Shun & McCullagh, J. R. Stat. Soc. B 57 (1995) 749):

        −⅛ C_ijkl S_ij S_kl + ⅛ C_ijk C_lmn S_ij S_kl S_mn + 1/12 C_ijk C_lmn S_il S_jm S_kn.

    A logistic regression has C_ijk = Σ κ₃ x_i x_j x_k over examples, κ₃ = p(1 − p)(1 − 2p), and C_ijkl with
    κ₄ = p(1 − p)(1 − 6p(1 − p)), so that the sums are over pairs of examples. It takes O(N²P) operations.

    Examples
    --------
    >>> model = LogisticRegression([[1.0], [-2.0], [0.5]], [1, 0, 0])
    >>> round(laplace_correction(model, model.fit(1.0).weights, 1.0), 4)
    0.0294
    """
    if model.softmax:
        raise ValueError("model must be binary, with one weight vector, got a softmax")
    x = model.inputs
    # S = L⁻ᵀ L⁻¹, and z = L⁻¹ xᵀ has the scalar products x S xᵀ.
    z = solve_triangular(np.linalg.cholesky(model.hessian(weights, regularization)), x.T, lower=True)
    p = np.exp(model.log_probabilities(weights))
    variance = p[:, 0] * p[:, 1]
    third, fourth = variance * (p[:, 0] - p[:, 1]), variance * (1 - 6 * variance)
    spread: NDArray[np.float64] = np.square(z).sum(axis=0)
    pull = z @ (third * spread)
    paired = 0.0
    for first in range(0, len(x), ROWS):
        rows = slice(first, first + ROWS)
        products = z[:, rows].T @ z
        paired += float(third[rows] @ (products * products * products) @ third)
    return float(-(fourth @ spread**2) / 8 + pull @ pull / 8 + paired / 12)
