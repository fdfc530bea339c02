"""The Bayesian evidence of logistic regression against its penalty; and by sampling, to judge Laplace's method."""

from sgdsde.evidence.annealing import sampled_log_evidence
from sgdsde.evidence.estimate import EvidenceEstimate
from sgdsde.evidence.nested import nested_log_evidence
from sgdsde.evidence.orthant import weak_penalty_log_evidence
from sgdsde.evidence.orthogonal import orthogonal_log_evidence, orthogonal_task
from sgdsde.evidence.quadrature import quadrature_log_evidence
from sgdsde.evidence.studies import evidence_studies
from sgdsde.evidence.study import EvidenceStudy, evidence_study
from sgdsde.evidence.tosses import TossedLabels, tossed_labels

__all__ = [
    "EvidenceEstimate",
    "EvidenceStudy",
    "TossedLabels",
    "evidence_studies",
    "evidence_study",
    "nested_log_evidence",
    "orthogonal_log_evidence",
    "orthogonal_task",
    "quadrature_log_evidence",
    "sampled_log_evidence",
    "tossed_labels",
    "weak_penalty_log_evidence",
]


def __dir__() -> list[str]:
    return sorted(__all__)
