"""H, the Hessian of a network's mean loss: its products with vectors, and its largest eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sgdsde.arguments import integer, real
from sgdsde.layout import one_line
from sgdsde.models.checks import checked_dtype
from sgdsde.models.curvature_evidence import operator_of
from sgdsde.models.example_losses import COLUMNS
from sgdsde.models.examples import Data
from sgdsde.models.forward_mode import forward_mode
from sgdsde.models.losses import LossLike
from sgdsde.models.network_checks import differentiated
from sgdsde.models.summed_loss import summed_loss
from sgdsde.statistics.lanczos import as_product, check_symmetry

Array = NDArray[np.float64]
#: When an eigenpair is taken as converged: |Av − θv| below this share of |θ|.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}


@dataclass(frozen=True, eq=False)
class MeanHessian:
    """H = ∇∇L, L the mean loss of N examples; made by :func:`mean_hessian`.

    Attributes
    ----------
    operator : curvlinops.HessianLinearOperator
        N H: the Hessian of the summed loss.
    n_examples : int
        N.
    loss : str
        Name of the loss.
    tolerance : float
        What products are precise to, generously: a relative error for eigenvalues to converge to.
    """

    operator: Any
    n_examples: int
    loss: str
    tolerance: float

    __repr__ = one_line

    @property
    def n_parameters(self) -> int:
        """P."""
        return int(self.operator.shape[0])

    def product(self, vectors: ArrayLike) -> Array:
        """H v for one vector, (P,), or several as columns, (P, k): some four passes over the examples for each."""
        v = torch.as_tensor(np.array(vectors), dtype=self.operator.dtype, device=self.operator.device)
        if v.ndim not in (1, 2) or len(v) != self.n_parameters or not v.numel():
            raise ValueError(f"vectors must be (P,) or (P, k) with P = {self.n_parameters}, got {tuple(v.shape)}")
        columns = torch.split(v.reshape(self.n_parameters, -1), COLUMNS, dim=1)
        with forward_mode(), differentiated("twice, the second time forward"):
            found = torch.cat([self.operator @ block for block in columns], dim=1).reshape(v.shape)
        return np.asarray(found.detach().double().cpu().numpy() / self.n_examples)

    def check_same(self, n_parameters: int, loss: str, name: str) -> None:
        """ValueError when this is of another network or of another loss than `name`."""
        if self.n_parameters != n_parameters:
            raise ValueError(f"hessian must be of {name}, with P = {n_parameters}, got {self.n_parameters}")
        if self.loss != loss:
            raise ValueError(f"hessian must be of the loss {loss}, got {self.loss}")

    def to_scipy(self) -> Any:
        """H as a scipy.sparse.linalg.LinearOperator, (P, P)."""
        from scipy.sparse.linalg import LinearOperator

        products = dict.fromkeys(("matvec", "rmatvec", "matmat", "rmatmat"), self.product)
        return LinearOperator((self.n_parameters, self.n_parameters), dtype=np.float64, **products)


@dataclass(frozen=True, eq=False)
class TopEigenpairs:
    """The k largest eigenvalues θ of a symmetric matrix A, with bounds of their errors.

    Attributes
    ----------
    values : (k,)
        Descending.
    vectors : (P, k)
        Unit eigenvectors as columns, up to their signs.
    residuals : (k,)
        |A v − θ v|: A, as its products give it, has an eigenvalue no farther than this from θ (Parlett 1998, *The
        symmetric eigenvalue problem*, §4.5). It is no proof that no larger one was missed.
    """

    values: Array
    vectors: Array
    residuals: Array

    __repr__ = one_line


def mean_hessian(
    model: nn.Module, data: Data, *, dtype: str | torch.dtype = "float64", loss: LossLike = "cross_entropy"
) -> MeanHessian:
    """H = ∇∇L of a network at its weights, by products with vectors.

    Parameters
    ----------
    model, data, dtype, loss
        As in :func:`sgdsde.models.covariance.noise_covariance`.

    Returns
    -------
    MeanHessian

    Raises
    ------
    ValueError
        When an argument is not as there.
    MissingExtraError
        When curvlinops is not installed.

    Examples
    --------
    >>> from sgdsde.models import mlp
    >>> H = mean_hessian(mlp(3, 2), (np.eye(4, 3), [0, 1, 1, 0]))
    >>> H.product(np.ones(8)).shape                     # logits move alike: no curvature that way
    (8,)
    """
    summed = summed_loss(model, data, loss, dtype)
    return MeanHessian(operator_of(summed), summed.n_examples, summed.loss.name, TOLERANCES[checked_dtype(dtype)])


def top_eigenpairs(operator: Any, k: int = 1, *, tolerance: float | None = None, seed: int = 0) -> TopEigenpairs:
    """The k largest eigenvalues of H, F or another symmetric operator, by Lanczos' method with restarts.

    Parameters
    ----------
    operator : MeanHessian, NoiseCovariance, matrix, or operator of SciPy or curvlinops
        Symmetric, (P, P).
    k : int
        Below P.
    tolerance : float, optional
        Residuals relative to |θ|; None: what the products of a MeanHessian allow, and 1e-10 for others.
    seed : int
        Of the start vector.

    Returns
    -------
    TopEigenpairs

    Raises
    ------
    ValueError
        When an argument is not as above, the operator is not symmetric or is 0, or eigenvalues do not
        converge.

    Notes
    -----
    ARPACK, by ``scipy.sparse.linalg.eigsh``; the residuals are computed anew from the vectors.

    Examples
    --------
    >>> top_eigenpairs(np.diag([1.0, 5.0, 3.0, -9.0]), k=2).values.round(12)
    array([5., 3.])
    """
    from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

    product, size = as_product(operator)
    k = integer("k", k, 1, size - 1, also=", fewer than there are parameters")
    tolerance = getattr(operator, "tolerance", TOLERANCES[torch.float64]) if tolerance is None else tolerance
    tolerance = real("tolerance", tolerance, above=0, below=1)
    generator = np.random.default_rng(integer("seed", seed, 0))
    check_symmetry(product, generator.standard_normal((size, 2)))
    one = LinearOperator((size, size), matvec=lambda v: product(v.reshape(-1, 1))[:, 0], dtype=np.float64)
    try:
        values, vectors = eigsh(one, k, which="LA", tol=tolerance, v0=generator.standard_normal(size))
    except ArpackNoConvergence as error:
        raise ValueError(f"tolerance must be larger for these eigenvalues to converge, got {tolerance:g}") from error
    except ArpackError as error:
        raise ValueError(f"operator must not be 0, nor next to it: {error}") from error
    values, vectors = values[::-1], vectors[:, ::-1].copy()
    residuals = np.linalg.norm(product(vectors) - vectors * values, axis=0)
    return TopEigenpairs(values, vectors, residuals)
