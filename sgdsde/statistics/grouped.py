"""Means over groups of replicas, such as the networks of one training set each, and differences of such means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sgdsde.arguments import real_array


class GroupedMean(NamedTuple):
    """A mean over groups of means over replicas, for these very groups: its error is that of the replicas.

    ``standard_error`` is in the unit of the value, of Student's t with ``dof`` degrees of freedom, ∞ without scatter.
    """

    value: float
    standard_error: float
    dof: float

    def __sub__(self, other: GroupedMean) -> GroupedMean:
        """The difference of two that are independent, with Welch's degrees of freedom.

        Examples
        --------
        >>> grouped_mean([[1.0, 2.0, 3.0]]) - grouped_mean([[0.0, 1.0, 2.0]])
        GroupedMean(value=1.0, standard_error=0.816..., dof=4.0...)
        """
        left, right = self.standard_error**2, other.standard_error**2
        dof = (left + right) ** 2 / (left**2 / self.dof + right**2 / other.dof)
        return GroupedMean(self.value - other.value, float(np.sqrt(left + right)), float(dof))


def grouped_mean(values: ArrayLike) -> GroupedMean:
    """The mean over groups of means over replicas, of which the groups have as many.

    Parameters
    ----------
    values : array_like, (groups, replicas)
        Two replicas or more in each.

    Returns
    -------
    GroupedMean
        With Satterthwaite's degrees of freedom.

    Raises
    ------
    ValueError
        When there are fewer than two replicas, or the shape is another.

    Notes
    -----
    The scatter between groups is no error of a comparison in which both sides have the same groups. Welch, Biometrika
    34 (1947) 28; Satterthwaite, Biometrics Bull. 2 (1946) 110.

    Examples
    --------
    >>> grouped_mean([[1.0, 2.0, 3.0]])
    GroupedMean(value=2.0, standard_error=0.577..., dof=2.0)
    """
    every = real_array("values", values)
    if every.ndim != 2 or not len(every) or every.shape[1] < 2:
        raise ValueError(f"values must have the shape (groups, replicas ≥ 2), got {every.shape}")
    parts = every.var(axis=1, ddof=1) / every.shape[1] / len(every) ** 2
    dof = parts.sum() ** 2 / (parts**2).sum() * (every.shape[1] - 1) if parts.any() else np.inf
    return GroupedMean(float(every.mean()), float(np.sqrt(parts.sum())), float(dof))
