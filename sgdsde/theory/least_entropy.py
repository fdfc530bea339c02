"""β = u∘u − v∘v that fits examples exactly: the fit to which gradient flow leads from a given start."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import real_array

Array = NDArray[np.float64]
#: Newton's steps, and the share of the targets that may be left.
NEWTON, SOLVED = 200, 1e-11


def least_entropy_fit(inputs: ArrayLike, targets: ArrayLike, products: ArrayLike) -> Array:
    """β = u∘u − v∘v with Zβ = y and given u∘v to which gradient flow from u = v leads: of least hyperbolic entropy.

    Parameters
    ----------
    inputs : (n, d), n < d
        Z, of rank n.
    targets : (n,)
        y.
    products : (d,) or a number
        u_j v_j > 0, which gradient flow conserves. Large ones give β of least Σβ²/(u v), small ones of least Σ|β|.

    Returns
    -------
    ndarray, (d,)

    Raises
    ------
    ValueError
        When shapes do not fit, a product is not positive, or no fit is found.

    Notes
    -----
    β_j = 2 u_j v_j sinh(2 (Zᵀν)_j); ν by Newton's method. Woodworth et al., arXiv 2002.09277.

    Examples
    --------
    >>> [least_entropy_fit([[1.0, 2.0]], [1.0], p).round(3).tolist() for p in (10.0, 1e-6)]
    [[0.2, 0.4], [0.001, 0.5]]
    """
    z, y, s = checked(inputs, targets, products)
    return fit_from(z, y, s, np.zeros(len(y)))[1]


def checked(inputs: ArrayLike, targets: ArrayLike, products: ArrayLike) -> tuple[Array, Array, Array]:
    """The arguments of `least_entropy_fit` as arrays (n, d), (n,) and (d,), or a ValueError."""
    z, y, s = real_array("inputs", inputs), real_array("targets", targets), real_array("products", products)
    if z.ndim != 2 or y.shape != z.shape[:1] or np.linalg.matrix_rank(z) < len(z) or len(z) >= z.shape[1]:
        raise ValueError(f"inputs must be (n, d) of rank n < d, with n targets, got {z.shape} and {y.shape}")
    if s.shape not in ((), z.shape[1:]) or not (s > 0).all():
        raise ValueError(f"products must be positive, one or d = {z.shape[1]}, got {products!r}")
    return z, y, np.broadcast_to(s, z.shape[1:])


def fit_from(z: Array, y: Array, s: Array, nu: Array) -> tuple[Array, Array, Array]:
    """ν, β and u∘u + v∘v, from a ν nearby; steps are cut so that no exponent grows by more than 1."""
    for _ in range(NEWTON):
        angle = 2 * z.T @ nu
        weights, squares = 2 * s * np.sinh(angle), 2 * s * np.cosh(angle)
        missing = z @ weights - y
        if np.abs(missing).max() <= SOLVED * max(np.abs(y).max(), 1e-300):
            return nu, weights, squares
        step = np.linalg.solve(2 * (z * squares) @ z.T, missing)
        nu = nu - step / max(1.0, np.abs(2 * z.T @ step).max())
    raise ValueError(f"inputs and targets have no fit that Newton's method finds in {NEWTON} steps")
