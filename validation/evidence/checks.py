"""What figure 2 of Smith & Le says, as checks of a set of studies; and the law that their labels at random obey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sgdsde.data import Dataset
from sgdsde.evidence import EvidenceStudy
from sgdsde.logistic import LogisticRegression
from sgdsde.theory import evidence_of_fit, laplace_correction, null_log_evidence
from validation.claim import Check
from validation.evidence.tasks import (
    TASKS,
    TITLES,
    Array,
    Studies,
    rank_correlations,
    ratios,
    scores,
    with_interval,
)
from validation.measure import mean_and_error
from validation.provenance import cpus

#: The λ of most evidence is to be within this factor of that of least test cross-entropy.
NEAR = 10.0


def sign_checks(studies: Studies, up_to: float) -> list[Check]:
    """E > 0 at all λ up to some one for random labels, and min E < 0 for informative ones, on every data set."""
    penalties = studies["random"][0].regularization
    weak = penalties <= up_to
    never = {labels: float((ratios(studies[labels])[:, weak] > 0).all(axis=1).mean()) for labels in TASKS}
    once = {labels: float((ratios(studies[labels])[:, weak].min(axis=1) < 0).mean()) for labels in TASKS}
    somewhere = float((ratios(studies["informative"]).min(axis=1) < 0).mean())
    return [
        share_check(
            f"share of data sets with E > 0 at every λ ≤ {up_to:g}, random labels", never["random"],
            len(studies["random"]), {"the other labelling": never["informative"]},
        ),
        share_check(
            "share of data sets with E < 0 at some λ, informative labels", somewhere,
            len(studies["informative"]), {"the other labelling": once["random"]},
        ),
    ]  # fmt: skip


def share_check(label: str, share: float, count: int, rivals: Mapping[str, float]) -> Check:
    """That a share of ``count`` is 1; of none and of all the error is that of one, and not zero."""
    kept = min(max(share, 1 / count), 1 - 1 / count)
    return Check(label, 1.0, share, float(np.sqrt(kept * (1 - kept) / count)), rivals)


def place_check(studies: Sequence[EvidenceStudy]) -> Check:
    """Whether evidence finds the λ that predicts best; training cross-entropy, which does not, is the rival."""
    penalties = studies[0].regularization
    best = penalties[scores(studies, "test", 0).argmin(axis=1)]

    def share(guess: Array) -> float:
        apart = np.abs(np.log(penalties[guess.argmin(axis=1)] / best))
        return float((apart <= np.log(NEAR) * (1 + 1e-9)).mean())

    label = f"share of data sets whose λ of least E is within {NEAR:g}× the λ of least test cross-entropy"
    rivals = {"training cross-entropy": share(scores(studies, "train", 0))}
    return share_check(label, share(ratios(studies)), len(studies), rivals)


def rank_check(labels: str, studies: Sequence[EvidenceStudy]) -> Check:
    """E follows the test cross-entropy over λ, and not as the training cross-entropy does."""
    test = scores(studies, "test", 0)
    found, other = (rank_correlations(each, test) for each in (ratios(studies), scores(studies, "train", 0)))
    _, error = mean_and_error(found - other)
    label = f"rank correlation with test cross-entropy: E's is training cross-entropy's, {TITLES[labels]}"
    predicted = float(other.mean())
    return Check(label, predicted, float(found.mean()), error, dof=len(studies) - 1)


def rank_note(labels: str, studies: Sequence[EvidenceStudy]) -> str:
    test = scores(studies, "test", 0)
    found, other = (rank_correlations(each, test) for each in (ratios(studies), scores(studies, "train", 0)))
    return (
        f"Spearman's rank correlation over λ with the test cross-entropy, {TITLES[labels]}: E {with_interval(found)}, "
        f"training cross-entropy {with_interval(other)}."
    )


class Tosses(NamedTuple):
    """Coin-tossed labels on fixed inputs: Smith & Le's E, and the mean of e^−E to Laplace's next order.

    With the standard error of that mean, and the mean of what that order adds to ln evidence.
    """

    penalty: float
    ratios: Array
    mean: float
    error: float
    correction: float


def tossed_labels(task: Dataset, penalty: float, draws: int, seed: int, progress: Callable[[float], None]) -> Tosses:
    """Evidence of labels that were tossed: p(y|model) sums to 1 over all labels, so that the mean of e^−E is 1.

    To first order in 1/λ, −E is c = (sᵀKs − Tr K)/8λ, with s = ±1 and K = XXᵀ: its mean over tosses is 0 exactly, and
    that of c² is Σ_{i≠j} K_ij²/32λ², so that both are taken out by regression, and most of the scatter with them.
    """
    x = np.asarray(task.x_train, dtype=np.float64)
    null = null_log_evidence(len(x))
    tosses = np.random.default_rng(seed).integers(0, 2, (draws, len(x)))
    done = []

    def ratio(labels: NDArray[np.int64]) -> tuple[float, float]:
        model = LogisticRegression(x, labels)
        fit = model.fit(penalty)
        done.append(1)
        progress(len(done) / draws)
        laplace = null - evidence_of_fit(model, fit).log_evidence
        return laplace, laplace_correction(model, fit.weights, penalty)

    with threadpool_limits(1), ThreadPoolExecutor(cpus()) as pool:
        laplace, correction = np.array(list(pool.map(ratio, tosses))).T
    found = np.exp(correction - laplace)
    gram, signs = x @ x.T, 2.0 * tosses - 1
    first = (np.einsum("ti,ij,tj->t", signs, gram, signs, optimize=True) - gram.trace()) / (8 * penalty)
    off = gram - np.diag(np.diagonal(gram))
    variates = np.stack([first, first**2 - (off**2).sum() / (32 * penalty**2)], axis=1)
    design = np.column_stack([np.ones(draws), variates])
    coefficients, *_ = np.linalg.lstsq(design, found, rcond=None)
    left = found - variates @ coefficients[1:]
    error = float(left.std(ddof=3) / np.sqrt(draws))
    return Tosses(penalty, laplace, float(left.mean()), error, float(correction.mean()))


def law_check(tosses: Tosses) -> Check:
    """p(y|model) is a distribution over labels; Laplace's method without its next order is the rival."""
    label = f"mean of e^−E over tossed labels, λ = {tosses.penalty:g}"
    rivals = {"Laplace without its next order": float(np.exp(tosses.correction))}
    return Check(label, 1.0, tosses.mean, tosses.error, rivals)


def chance_check(tosses: Tosses) -> Check:
    """E > 0 for all random labels, as the paper has it, is not what chance does at strong penalties."""
    draws = len(tosses.ratios)
    share = float((tosses.ratios < 0).mean())
    label = f"tossed labels never have E < 0: the share of others, λ = {tosses.penalty:g}"
    return share_check(label, 1 - share, draws, {})
