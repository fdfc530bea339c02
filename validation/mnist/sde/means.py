"""Means over seeds of means over replicas, and their differences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Mean(NamedTuple):
    """A mean over seeds of means over replicas, of the networks of these seeds, with the degrees of freedom."""

    value: float
    standard_error: float
    dof: float

    def __sub__(self, other: Mean) -> Mean:
        """By Welch's test, as both are independent."""
        left, right = self.standard_error**2, other.standard_error**2
        dof = (left + right) ** 2 / (left**2 / self.dof + right**2 / other.dof)
        return Mean(self.value - other.value, float(np.sqrt(left + right)), float(dof))


def mean(values: Array) -> Mean:
    """The mean of (seed, replica) values, two replicas or more; Satterthwaite's dof, ∞ without scatter.

    >>> mean(np.array([[1.0, 2.0, 3.0]]))
    Mean(value=2.0, standard_error=0.577..., dof=2.0)
    """
    parts = values.var(axis=1, ddof=1) / values.shape[1] / len(values) ** 2
    dof = parts.sum() ** 2 / (parts**2).sum() * (values.shape[1] - 1) if parts.any() else np.inf
    return Mean(float(values.mean()), float(np.sqrt(parts.sum())), float(dof))
