"""Studies of the evidence on several data sets, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.typing import ArrayLike

from sgdsde.data import Dataset
from sgdsde.evidence.study import EvidenceStudy, evidence_study
from sgdsde.evidence.threads import in_threads


def evidence_studies(
    tasks: Sequence[Callable[[], Dataset]],
    regularization: ArrayLike | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> tuple[EvidenceStudy, ...]:
    """:func:`evidence_study` of several data sets at the same penalties, with their test examples.

    Parameters
    ----------
    tasks : sequence of callables
        Each makes a :class:`~sgdsde.data.Dataset` when its turn comes: of many large ones only as many are held as
        there are threads.
    regularization : array_like, (L,), optional
        λ > 0; those of :func:`evidence_study` by default.
    progress : callable, optional
        Called with the fraction of the data sets that are done.

    Returns
    -------
    tuple of EvidenceStudy, in the order of the tasks

    Raises
    ------
    ValueError
        As :func:`evidence_study`.

    Examples
    --------
    >>> from functools import partial
    >>> from sgdsde.data import gaussian_task
    >>> tasks = [partial(gaussian_task, seed=k, n_train=40, n_test=100, features=10) for k in range(3)]
    >>> [study.best for study in evidence_studies(tasks, [0.01, 1.0, 100.0])]
    [1.0, 0.01, 0.01]
    """

    def study(task: Callable[[], Dataset]) -> EvidenceStudy:
        made = task()
        return evidence_study(made.x_train, made.y_train, regularization, (made.x_test, made.y_test))

    return tuple(in_threads(study, tasks, progress))
