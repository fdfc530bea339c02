"""Bayesian evidence by Laplace's method, against the null model: Smith & Le's E, eigenvalue by eigenvalue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer, real_array
from sgdsde.layout import one_line
from sgdsde.logistic import Fit, LogisticRegression
from sgdsde.logistic.checks import checked_penalty
from sgdsde.logistic.regression import as_model

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Laplace's approximation of ln p(data | model).

    Attributes
    ----------
    cost : float
        C(ω0), in nats: the summed cross-entropy and (λ/2)|ω0|².
    eigenvalues : ndarray, (D,)
        λ_i of ∇∇C at ω0, the penalty included, ascending; in nats per squared unit of weight.
    regularization : float
        λ: the precision of the prior.
    counted : ndarray of bool, (D,)
        Which eigenvalues are summed: all, or those that the cut-off keeps.
    """

    cost: float
    eigenvalues: Array
    regularization: float
    counted: NDArray[np.bool_]

    __repr__ = one_line

    @property
    def log_occam_factors(self) -> Array:
        """−½ ln(λ_i/λ), (D,), in nats: by what the posterior is narrower than the prior; 0 where not counted."""
        factors = np.zeros(len(self.eigenvalues))
        factors[self.counted] = -np.log(self.eigenvalues[self.counted] / self.regularization) / 2
        return factors

    @property
    def log_occam_factor(self) -> float:
        """Their sum, in nats: what the evidence takes off for the share of the prior that fits the data."""
        return float(self.log_occam_factors.sum())

    @property
    def log_evidence(self) -> float:
        """ln p(data | model) ≈ −C(ω0) − ½ Σ ln(λ_i/λ), in nats (Smith & Le, eq. 1 and 2)."""
        return self.log_occam_factor - self.cost


def laplace_evidence(cost: float, eigenvalues: ArrayLike, regularization: float, *, cutoff: bool = False) -> Evidence:
    """Laplace's approximation of the evidence from the cost and the curvature at a minimum.

    Parameters
    ----------
    cost : float
        C(ω0), in nats, penalty included.
    eigenvalues : array_like, (D,)
        Of ∇∇C at ω0, penalty included.
    regularization : float
        λ > 0: the prior is N(0, I/λ).
    cutoff : bool
        Only λ_i ≥ λ are summed, as away from a minimum, where others can be negative; at a minimum of a convex
        cross-entropy this changes nothing.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        When a number is not finite, λ is not positive, or an eigenvalue that counts is not positive.

    Notes
    -----
    Smith & Le, arXiv 1710.06451, eq. 1–2: ∫ (λ/2π)^{D/2} e^{−C(ω)} dω ≈ e^{−C(ω0)} Π (λ_i/λ)^{−1/2}.

    Examples
    --------
    >>> evidence = laplace_evidence(1.5, [2.0, 8.0], regularization=2.0)
    >>> evidence.log_occam_factors.round(4), round(evidence.log_evidence, 4)
    (array([-0.    , -0.6931]), -2.1931)
    """
    penalty = checked_penalty("regularization", regularization)
    if not np.isfinite(cost):
        raise ValueError(f"cost must be finite, got {cost!r}")
    values = np.sort(real_array("eigenvalues", eigenvalues))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"eigenvalues must be finite numbers in one dimension, got {eigenvalues!r}")
    # Directions without data have λ_i = λ but for rounding, which must not decide.
    counted = values >= penalty * (1 - 1e-9) if cutoff else np.ones(len(values), dtype=bool)
    if not (values[counted] > 0).all():
        raise ValueError(
            f"eigenvalues must be positive at a minimum, got {values[0]:.6g}; cutoff=True leaves those below λ out"
        )
    return Evidence(float(cost), values, penalty, counted)


def evidence_of_fit(model: LogisticRegression, fit: Fit, *, cutoff: bool = False) -> Evidence:
    """:func:`laplace_evidence` of a logistic regression at its minimum, with the exact Hessian.

    >>> model = LogisticRegression([[1.0], [-2.0], [0.5]], [1, 0, 0])
    >>> round(evidence_of_fit(model, model.fit(1.0)).log_evidence, 3)
    -2.088
    """
    eigenvalues = np.linalg.eigvalsh(model.hessian(fit.weights, fit.regularization))
    return laplace_evidence(fit.cost, eigenvalues, fit.regularization, cutoff=cutoff)


def null_log_evidence(n_examples: int, n_classes: int = 2) -> float:
    """ln evidence of the model that knows nothing: −N ln n, in nats; all classes have probability 1/n.

    >>> round(null_log_evidence(200), 3)
    -138.629
    """
    return -float(integer("n_examples", n_examples, 1) * np.log(integer("n_classes", n_classes, 2)))


def log_evidence_ratio(
    inputs: ArrayLike, labels: ArrayLike, regularization: ArrayLike, *, cutoff: bool = False
) -> float | Array:
    """Smith & Le's E for logistic regression: how much the null model is better, in nats; E < 0 supports the model.

    Parameters
    ----------
    inputs : array_like, (N, P)
        X; there is no intercept unless it has a column of ones.
    labels : array_like, (N,)
        y, class numbers from 0. Two classes: one weight vector; more: softmax.
    regularization : float or array_like, (L,)
        λ > 0; the fits of several are warm-started from the strongest to the weakest.
    cutoff : bool
        See :func:`laplace_evidence`.

    Returns
    -------
    float, or ndarray (L,) for several λ

    Raises
    ------
    ValueError
        When shapes disagree, an input is not finite, a label is not a class, all labels are the same, λ is not
        positive, or λ is so weak that rounding hides the minimum.

    Notes
    -----
    E = C(ω0) + ½ Σ ln(λ_i/λ) − N ln n (Smith & Le, arXiv 1710.06451, §2), with the exact Hessian.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((40, 5))
    >>> y = (x.sum(axis=1) > 0).astype(int)
    >>> log_evidence_ratio(x, y, [0.1, 1.0, 10.0]).round(2)
    array([-17.19, -13.78,  -6.7 ])
    """
    model = as_model(inputs, labels)
    several = np.asarray(regularization).ndim > 0
    fits = model.path(regularization) if several else (model.fit(regularization),)  # type: ignore[arg-type]
    null = null_log_evidence(model.n_examples, model.n_classes)
    ratios = [null - evidence_of_fit(model, fit, cutoff=cutoff).log_evidence for fit in fits]
    return np.array(ratios) if several else ratios[0]
