"""The tasks of Smith & Le's figures 1 and 2 on many data sets, and what claims ask of their studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sgdsde.data import Dataset, gaussian_task
from sgdsde.evidence import EvidenceStudy, evidence_studies
from validation.context import Context
from validation.measure import Array

#: Labels → one study for each data set.
Studies = dict[str, tuple[EvidenceStudy, ...]]

TASKS = ("random", "informative")
#: Titles of the panels.
TITLES = {"random": "random labels", "informative": "informative labels"}
#: λ of the toy task, four to a decade.
PENALTIES = tuple(np.logspace(-3, 3, 25).tolist())

_KEPT: dict[tuple[int, int], Studies] = {}


def gaussian_studies(context: Context, data_sets: int) -> Studies:
    """Both labellings of the toy task, on the same inputs; kept, as several claims look at them."""
    key = context.seeds[0], data_sets
    if key not in _KEPT:
        seeds = [context.common_seed("gaussian task", k) for k in range(data_sets)]
        _KEPT[key] = studied(context, gaussian_task, seeds, PENALTIES)
    return _KEPT[key]


def studied(
    context: Context, task: Callable[[str, int], Dataset], seeds: Sequence[int], penalties: Sequence[float]
) -> Studies:
    """Studies of ``task(labels, seed)``, for both labels of each seed."""
    tasks = [partial(task, labels, seed) for seed in seeds for labels in TASKS]
    found = evidence_studies(tasks, penalties, progress=context.progress)
    return {labels: found[k :: len(TASKS)] for k, labels in enumerate(TASKS)}


def ratios(studies: Sequence[EvidenceStudy]) -> Array:
    """Laplace's E in nats, (data sets, λ)."""
    return np.array([study.log_evidence_ratio for study in studies])


def scores(studies: Sequence[EvidenceStudy], part: str, column: int) -> Array:
    """Scores on ``"train"`` or ``"test"``: mean cross-entropy (column 0) or accuracy (1), (data sets, λ)."""
    return np.array([getattr(study, part)[:, column] for study in studies])
