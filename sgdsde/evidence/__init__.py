"""The Bayesian evidence of logistic regression against its penalty; and by sampling, to judge Laplace's method."""

from sgdsde.evidence.annealing import sampled_log_evidence
from sgdsde.evidence.estimate import EvidenceEstimate
from sgdsde.evidence.nested import nested_log_evidence
from sgdsde.evidence.orthant import weak_penalty_log_evidence
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.evidence.study import EvidenceStudy, evidence_study

__all__ = [
    "EvidenceEstimate",
    "EvidenceStudy",
    "evidence_study",
    "nested_log_evidence",
    "quadrature_log_evidence",
    "sampled_log_evidence",
    "weak_penalty_log_evidence",
]


def __dir__() -> list[str]:
    return sorted(__all__)
