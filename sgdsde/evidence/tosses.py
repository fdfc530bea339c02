"""The evidence of labels that were tossed, which obeys a law: p(y|model) sums to 1 over all labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgdsde.arguments import integer
from sgdsde.evidence.threads import in_threads
from sgdsde.layout import one_line
from sgdsde.logistic import LogisticRegression
from sgdsde.logistic.checks import Array, checked_inputs, checked_penalty
from sgdsde.statistics import Estimate
from sgdsde.theory import evidence_of_fit, laplace_correction, null_log_evidence


@dataclass(frozen=True, eq=False)
class TossedLabels:
    """What :func:`tossed_labels` returns.

    Attributes
    ----------
    regularization : float
        λ.
    log_evidence_ratio : ndarray, (draws,)
        Smith & Le's E of each toss, in nats, by Laplace's method.
    correction : ndarray, (draws,)
        What the next order of Laplace's method adds to ln evidence, in nats.
    total : Estimate
        Mean of e^−E to that order, which is 1 for an evidence that is right.
    """

    regularization: float
    log_evidence_ratio: Array
    correction: Array
    total: Estimate

    __repr__ = one_line


def tossed_labels(
    inputs: ArrayLike,
    regularization: float,
    draws: int = 400,
    *,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> TossedLabels:
    """Toss the labels of these inputs many times, and take the evidence of each.

    Parameters
    ----------
    inputs : array_like, (N, P)
        X.
    regularization : float
        λ > 0.
    draws : int
        Tosses of all N labels, at least 8.
    seed : int
        Of the tosses.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    TossedLabels

    Raises
    ------
    ValueError
        When an argument is outside its range, or all labels of a toss are the same.

    Notes
    -----
    Of 2^N labels that are all as likely, e^−E = 2^N p(y|λ) averages to 1, so that E ≤ −t has at most the probability
    e^−t. To first order in 1/λ, −E is c = (sᵀKs − Tr K)/8λ, with s = ±1 and K = XXᵀ: its mean over tosses is 0 exactly,
    and that of c² is Σ_{i≠j} K_ij²/32λ². Both are taken out of the mean by regression, and most of the scatter with
    them.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((30, 10))
    >>> found = tossed_labels(x, 100.0, draws=200)
    >>> abs(found.total.value - 1) < 4 * found.total.standard_error < 0.01
    True
    """
    x, penalty = checked_inputs("inputs", inputs), checked_penalty("regularization", regularization)
    null = null_log_evidence(len(x))
    generator = np.random.default_rng(integer("seed", seed, 0))
    tosses = generator.integers(0, 2, (integer("draws", draws, 8), len(x)))

    def ratio(labels: NDArray[np.int64]) -> tuple[float, float]:
        model = LogisticRegression(x, labels)
        fit = model.fit(penalty)
        return null - evidence_of_fit(model, fit).log_evidence, laplace_correction(model, fit.weights, penalty)

    laplace, correction = np.array(in_threads(ratio, list(tosses), progress)).T
    found = np.exp(correction - laplace)
    gram, signs = x @ x.T, 2.0 * tosses - 1
    first = (np.einsum("ti,ij,tj->t", signs, gram, signs, optimize=True) - gram.trace()) / (8 * penalty)
    off = gram - np.diag(np.diagonal(gram))
    variates = np.stack([first, first**2 - (off**2).sum() / (32 * penalty**2)], axis=1)
    coefficients, *_ = np.linalg.lstsq(np.column_stack([np.ones(draws), variates]), found, rcond=None)
    left = found - variates @ coefficients[1:]
    total = Estimate(float(left.mean()), float(left.std(ddof=3) / np.sqrt(draws)))
    return TossedLabels(penalty, laplace, correction, total)
