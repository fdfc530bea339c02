"""The tasks of Smith & Le's figures 1 and 2 on many data sets, studied in two threads, and what claims ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from threadpoolctl import threadpool_limits

from sgdsde.data import Dataset, gaussian_task
from sgdsde.evidence import EvidenceStudy, evidence_study
from validation.context import derived_seed
from validation.measure import mean_and_error
from validation.provenance import cpus

Array = NDArray[np.float64]
#: Labels → one study for each data set.
Studies = dict[str, tuple[EvidenceStudy, ...]]

TASKS = ("random", "informative")
#: Titles of the panels.
TITLES = {"random": "random labels", "informative": "informative labels"}
#: λ of the toy task, four to a decade.
PENALTIES = tuple(np.logspace(-3, 3, 25).tolist())

_KEPT: dict[tuple[int, int, tuple[float, ...]], Studies] = {}


def gaussian_studies(
    root_seed: int, data_sets: int, penalties: tuple[float, ...], progress: Callable[[float], None]
) -> Studies:
    """Both labellings of the toy task, on the same inputs; kept, as several claims look at them."""
    key = root_seed, data_sets, penalties
    if key not in _KEPT:
        seeds = [derived_seed(root_seed, "gaussian task", k) for k in range(data_sets)]
        _KEPT[key] = studied(lambda labels, k: gaussian_task(labels, seeds[k]), data_sets, penalties, progress)
    return _KEPT[key]


def studied(
    task: Callable[[str, int], Dataset],
    data_sets: int,
    penalties: Sequence[float],
    progress: Callable[[float], None],
) -> Studies:
    """Studies of ``task(labels, k)``, k = 0, 1, …; SciPy and NumPy release the lock of Python, so that threads help."""
    cells = [(labels, k) for k in range(data_sets) for labels in TASKS]
    done = []

    def study(cell: tuple[str, int]) -> EvidenceStudy:
        each = task(*cell)
        found = evidence_study(each.x_train, each.y_train, penalties, (each.x_test, each.y_test))
        done.append(cell)
        progress(len(done) / len(cells))
        return found

    # One thread of linear algebra for each study, or they would wait for each other.
    with threadpool_limits(1), ThreadPoolExecutor(cpus()) as pool:
        found = dict(zip(cells, pool.map(study, cells), strict=True))
    return {labels: tuple(found[labels, k] for k in range(data_sets)) for labels in TASKS}


def ratios(studies: Sequence[EvidenceStudy]) -> Array:
    """E in nats, (data sets, λ)."""
    return np.array([study.log_evidence_ratio for study in studies])


def scores(studies: Sequence[EvidenceStudy], part: str, column: int) -> Array:
    """Scores on ``"train"`` or ``"test"``: mean cross-entropy (column 0) or accuracy (1), (data sets, λ)."""
    return np.array([getattr(study, part)[:, column] for study in studies])


def rank_correlations(first: Array, second: Array) -> Array:
    """Spearman's rank correlation over λ, one for each data set."""
    return np.array([float(stats.spearmanr(a, b).statistic) for a, b in zip(first, second, strict=True)])


def with_interval(values: Array) -> str:
    """The mean over data sets with its 95 % interval by Student's t, in words.

    >>> with_interval(np.array([0.5, 0.7, 0.6]))
    '0.600 (95 %: 0.352 to 0.848)'
    """
    mean, error = mean_and_error(values)
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return f"{mean:.3f} (95 %: {mean - reach:.3f} to {mean + reach:.3f})"
