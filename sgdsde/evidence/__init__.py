"""The Bayesian evidence of a regression against its penalty: a study in one call."""

from sgdsde.evidence.study import EvidenceStudy, evidence_study

__all__ = ["EvidenceStudy", "evidence_study"]
