"""Mutations of evidence_figure_1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutations import mutation
from tests.mutations.evidence_tasks import other_labels, studies_changed
from validation.evidence import tasks


@mutation("evidence_figure_1", "the other labelling")
def labels(patch: pytest.MonkeyPatch) -> None:
    """tossed labels where they are said to inform, and informative ones where they are said to be tossed"""
    other_labels(patch, tasks, "gaussian_task")


@mutation("evidence_figure_1", "a coin")
def coin(patch: pytest.MonkeyPatch) -> None:
    """a fit that knows half of the training labels"""
    studies_changed(patch, lambda study: replace(study, train=0 * study.train + 0.5))
