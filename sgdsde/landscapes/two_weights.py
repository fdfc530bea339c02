"""A network of two weights in series, ŷ = u w x, on given data: SGD's very gradients, by a factor of two columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.landscapes.landscape import Landscape
from sgdsde.whitened import squares_and_products

Array = NDArray[np.float64]


def two_weights(x: ArrayLike, y: ArrayLike) -> tuple[Landscape, Array]:
    """The landscape of ℓ_i = (u w x_i − y_i)², and the table of examples with which SGD on it is SGD on these data.

    Parameters
    ----------
    x, y : array_like, (N,)
        Inputs and labels.

    Returns
    -------
    Landscape
        L(u, w) = mean ℓ_i, and the noise factor A = 2(w, u)ᵀ(v c1 − c2, −c3), v = u w, of the covariance of x² and x y.
    ndarray, (N, 2)
        x² and x y, for ``simulate_sgd(landscape, config, w0, …, examples=table)``: whitened, they make the gradient of
        each example ∇L + A z_i exactly, since ∇ℓ_i = 2(w, u)(v x_i² − x_i y_i).

    Raises
    ------
    ValueError
        When `x` and `y` are not as many finite numbers, or x² is constant, or x y a linear function of it: the noise
        has then one column only.

    Notes
    -----
    The simplest loss with a symmetry of scale, u → κu, w → w/κ: Ziyin, Li & Ueda, arXiv 2308.06671.
    :func:`sgdsde.theory.balance_law` says where SGD goes on it.

    Examples
    --------
    >>> x, y = np.array([0.5, 0.5, 1.0, 1.0, 1.5, 1.5]), np.array([1.0, 0.0, 2.0, 0.5, 1.0, 2.0])
    >>> network, table = two_weights(x, y)
    >>> network.loss([2.0, 0.5]).round(6) == np.mean((x - y) ** 2).round(6), table.shape
    (np.True_, (6, 2))
    """
    table, labels = squares_and_products(x, y)
    b1, b2 = table.mean(axis=0)
    covariance = np.cov(table.T)
    root = np.linalg.cholesky(covariance)
    numbers = {"b1": b1, "b2": b2, "b3": np.mean(labels**2), "c1": root[0, 0], "c2": root[1, 0], "c3": root[1, 1]}
    factor = [[f"2*{one}*(c1*u*w - c2)", f"-2*{one}*c3"] for one in ("w", "u")]
    parameters = {name: float(value) for name, value in numbers.items()}
    loss = "b1*(u*w)**2 - 2*b2*u*w + b3"
    return Landscape(loss, "u w", parameters, noise_factor=factor, name="two weights in series"), table
