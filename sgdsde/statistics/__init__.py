"""Estimates with standard errors, and their comparison with predictions."""

from sgdsde.statistics.autocorrelation import autocorrelation, integrated_time
from sgdsde.statistics.comparison import check, compare, sigmas_for
from sgdsde.statistics.estimates import Estimate, covariance, mean, variance
from sgdsde.statistics.pooling import Moments, pooled_moments
from sgdsde.statistics.table import Comparison, Row

__all__ = [
    "Comparison",
    "Estimate",
    "Moments",
    "Row",
    "autocorrelation",
    "check",
    "compare",
    "covariance",
    "integrated_time",
    "mean",
    "pooled_moments",
    "sigmas_for",
    "variance",
]
