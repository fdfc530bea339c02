"""What figure 2 of Smith & Le says, as checks of a set of studies; and the law that labels at random obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from sgdsde.evidence import EvidenceStudy, TossedLabels
from sgdsde.theory import Evidence
from validation.claim import Check
from validation.evidence.tasks import TITLES, Array, Studies, ratios, scores
from validation.measure import mean_and_error

NO_HALF = "the Occam factor without its half"


def without_half(evidence: Evidence) -> float:
    """The rival: Laplace's ln evidence with −Σ ln(λ_i/λ) for −½ Σ ln(λ_i/λ)."""
    return evidence.log_evidence + evidence.log_occam_factor


def over_sets(
    label: str, predicted: float, values: Array, rivals: Mapping[str, float] | None = None, step: float = 0.0
) -> Check:
    """A mean over data sets, with the error that follows from their scatter, of one `step` in one of them at least."""
    mean, error = mean_and_error(values)
    return Check(label, predicted, mean, max(error, step / len(values)), rivals or {}, dof=len(values) - 1)


def sign_checks(studies: Studies, up_to: float) -> list[Check]:
    """E > 0 at all λ up to some one for random labels, and E < 0 at some λ for informative ones.

    What lies on the other side of zero counts as none: were E of the other sign, the mean would be 0.
    """
    weak = studies["random"][0].regularization <= up_to
    against = ratios(studies["random"])[:, weak].min(axis=1)
    least = ratios(studies["informative"]).min(axis=1)
    words = f"nats by which Laplace's evidence is against the model at every λ ≤ {up_to:g}, random labels"
    return [
        over_sets(words, 0.0, np.maximum(against, 0.0)),
        over_sets(
            "nats by which Laplace's evidence is for the model at the best λ, informative labels",
            0.0, np.maximum(-least, 0.0),
        ),
    ]  # fmt: skip


def place_check(studies: Sequence[EvidenceStudy]) -> Check:
    """Whether evidence finds the λ that predicts best; training cross-entropy, which does not, is the rival."""
    penalties = studies[0].regularization
    best = penalties[scores(studies, "test", 0).argmin(axis=1)]

    def apart(guess: Array) -> Array:
        return np.asarray(np.log10(penalties[guess.argmin(axis=1)] / best), dtype=np.float64)

    label = "decades from the λ of least test cross-entropy to that of Laplace's least E, informative labels"
    rivals = {"training cross-entropy": float(apart(scores(studies, "train", 0)).mean())}
    return over_sets(label, 0.0, apart(ratios(studies)), rivals, float(np.ptp(np.log10(penalties[:2]))))


def choice_check(studies: Sequence[EvidenceStudy]) -> Check:
    """How much worse than the best λ the λ of most evidence predicts; rivals choose by other rules."""
    test = scores(studies, "test", 0)
    best = test.min(axis=1, keepdims=True)

    def cost(guess: Array) -> Array:
        return np.take_along_axis(test / best, guess.argmin(axis=1)[:, None], axis=1)[:, 0]

    rivals = {
        "training cross-entropy": cost(scores(studies, "train", 0)),
        "the strongest penalty": cost(-np.array([study.regularization for study in studies])),
    }
    label = "test cross-entropy at the λ of Laplace's least E, over the least, informative labels"
    means = {name: float(each.mean()) for name, each in rivals.items()}
    return over_sets(label, 1.0, cost(ratios(studies)), means, float(np.sort(test / best, axis=1)[:, 1].mean() - 1))


def rank_check(labels: str, studies: Sequence[EvidenceStudy]) -> Check:
    """Whether E follows the test cross-entropy over λ, by Spearman's ranks, and the training cross-entropy does not."""
    test = scores(studies, "test", 0)
    found, other = (
        np.array([float(spearmanr(a, b).statistic) for a, b in zip(each, test, strict=True)])
        for each in (ratios(studies), scores(studies, "train", 0))
    )
    label = f"rank correlation of Laplace's E with the test cross-entropy, {TITLES[labels]}"
    count = test.shape[1]
    swap = 12 / (count**3 - count)  # what two neighbours in the wrong order cost
    return over_sets(label, 1.0, found, {"training cross-entropy": float(other.mean())}, swap)


def law_check(tosses: TossedLabels) -> Check:
    """p(y|model) is a distribution over labels; Laplace's method without its next order is the rival."""
    label = f"mean of e^−E over tossed labels, λ = {tosses.regularization:g}"
    return Check.of(label, 1.0, tosses.total, {"Laplace without its next order": np.exp(-tosses.correction.mean())})


def chance_check(tosses: TossedLabels) -> Check:
    """E > 0 for all random labels, as the paper has it, is not what chance does at strong penalties."""
    count = len(tosses.log_evidence_ratio)
    share = float((tosses.log_evidence_ratio >= 0).mean())
    # Of none and of all the error is that of one, and not zero.
    kept = min(max(share, 1 / count), 1 - 1 / count)
    label = f"tossed labels never have E < 0: the share of others, λ = {tosses.regularization:g}"
    return Check(label, 1.0, share, float(np.sqrt(kept * (1 - kept) / count)))
