"""Where SGD's second moment diverges: examples of different curvature, any batch size, momentum and dimension."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigs, eigsh

from sgdsde.arguments import choice
from sgdsde.config import SGDConfig
from sgdsde.theory.example_curvature import example_curvature

Array = NDArray[np.float64]
Operator = Callable[[Array], Array]

#: Operators on so many numbers are written out as matrices; on more, Lanczos and Arnoldi ask for their products.
WRITTEN_OUT = 150


#: m → what multiplies H⊗H and (H⊗1 − 1⊗H)² in D.
TERMS: dict[str, Callable[[float], tuple[float, float]]] = {
    "sgd": lambda m: (1 / (1 + m), -m / ((1 - m) ** 2 * (1 + m))),
    "sde": lambda m: (0.0, 0.0),
}


def mean_square_stability_limit(
    hessians: ArrayLike, config: SGDConfig, dynamics: str = "sgd", *, factored: bool = False
) -> float:
    """Learning rate at and beyond which E|ω − ω*|² of SGD near a minimum grows without bound.

    Parameters
    ----------
    hessians : array_like
        H_i of the losses of the N examples at the minimum: (N, P, P), or (N,) for P = 1. Their mean H is positive
        semidefinite, and where it is 0 so are they.
    config : SGDConfig
        Gives B, N, m and the sampling, of independent batches; its learning rate plays no part.
    dynamics : str
        ``"sgd"``, or ``"sde"`` for dω = −Hω ds + √T A(ω) dW, whose noise grows with ω as SGD's does.
    factored : bool
        `hessians` are J_i with H_i = J_iᵀJ_i: (N, k, P), or (N, P) for k = 1. Of square loss at a minimum that fits
        all examples, and of linear regression. No P × P matrix is formed then.

    Returns
    -------
    float, in units of the learning rate; infinite where nothing diverges, as of the SDE without noise.

    Raises
    ------
    ValueError
        When a shape is wrong, N is not the config's, batches are those of permutations, there is weight decay, H has a
        negative eigenvalue, or examples are curved where H is flat.

    Notes
    -----
    ε* = 2/λ_max(C†D), with C = ½ H⊕H and D = (1 − p) H⊗H + p ⟨H_i⊗H_i⟩, p = (N − B)/(B(N − 1)) without replacement
    and 1/B with: Mulayoff & Michaeli, arXiv 2306.07850, without momentum. With momentum, of the stationary law of the
    heavy ball (docs/theory.md, §3) where it feeds on itself: D = p/(1 − m) ⟨(H_i − H)⊗(H_i − H)⟩ + H⊗H/(1 + m)
    − m/((1 − m)²(1 + m)) (H⊗1 − 1⊗H)². The SDE has the first term alone, so that in one dimension
    1/ε* = 1/ε*(gradient descent) + 1/ε*(SDE).

    See Also
    --------
    stability_limit : 2(1 + m)/λ_max, of the mean of ω.
    linear_regression_limit : the same limit for fresh Gaussian examples.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=1, n_examples=2, momentum=0.9)
    >>> [round(mean_square_stability_limit([1 - 0.5**0.5, 1 + 0.5**0.5], config, name), 3) for name in ("sgd", "sde")]
    [0.362, 0.4]
    """
    terms = TERMS[choice("dynamics", dynamics, TERMS)]
    curved = example_curvature(hessians, config, factored=factored)
    h, r = curved.h, len(curved.h)
    if not r:
        return math.inf
    mean, commutator = terms(config.momentum)
    spread = curved.noise / (1 - config.momentum)
    apart = mean * np.multiply.outer(h, h) + commutator * np.subtract.outer(h, h) ** 2
    root = 1 / np.sqrt(np.add.outer(h, h) / 2)

    def product(vector: Array) -> Array:
        s = root * vector.reshape(r, r)
        return np.asarray(root * (spread * curved.spread(s) + apart * s)).ravel()

    largest = _largest(product, (1 / root * np.eye(r)).ravel(), hermitian=True)
    scale = config.kick / config.learning_rate
    return 2 / largest / scale if largest > 0 else math.inf


def mean_square_growth(hessians: ArrayLike, config: SGDConfig, *, factored: bool = False) -> float:
    """The factor by which E|ω − ω*|² of SGD grows per update, after many: 1 at `mean_square_stability_limit`.

    Parameters
    ----------
    hessians, config, factored
        As there; the config's learning rate counts.

    Returns
    -------
    float
        The spectral radius of the map of second moments X → M X Mᵀ + ε² p (⟨H_i S H_i⟩ − HSH) ⊗ 11ᵀ of (ω, v), where
        S is the part of ω. Where H is flat nothing moves, and that is left out.

    Raises
    ------
    ValueError
        As there, and when H is 0.

    Examples
    --------
    >>> config = SGDConfig(0.1, batch_size=1, n_examples=2)
    >>> round(mean_square_growth([0.5, 1.5], config), 6)                 # (0.95² + 0.85²)/2
    0.8125
    """
    curved = example_curvature(hessians, config, factored=factored)
    r, e, m = len(curved.h), config.kick, config.momentum
    if not r:
        raise ValueError("hessians must not be 0: nothing moves then")
    step = np.kron([[1.0, m], [0.0, m]], np.eye(r)) - e * np.kron([[1.0, 0.0], [1.0, 0.0]], np.diag(curved.h))

    def product(vector: Array) -> Array:
        x = vector.reshape(2 * r, 2 * r)
        kicked = e**2 * curved.noise * curved.spread(x[:r, :r])
        return np.asarray(step @ x @ step.T + np.tile(kicked, (2, 2))).ravel()

    return _largest(product, np.eye(2 * r).ravel(), hermitian=False)


def _largest(product: Operator, start: Array, *, hermitian: bool) -> float:
    """The largest real eigenvalue; that of a map of covariances to covariances is its spectral radius."""
    size = len(start)
    if size <= WRITTEN_OUT:
        matrix = np.stack([product(column) for column in np.eye(size)], axis=1)
        return float(np.linalg.eigvalsh(matrix)[-1] if hermitian else np.linalg.eigvals(matrix).real.max())
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    if hermitian:
        return float(eigsh(operator, 1, which="LA", v0=start, return_eigenvectors=False)[0])
    return float(eigs(operator, 1, which="LR", v0=start, return_eigenvectors=False)[0].real)
