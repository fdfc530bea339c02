"""Estimates with standard errors, and their comparison with predictions."""

from sgdsde.statistics.autocorrelation import autocorrelation, integrated_time
from sgdsde.statistics.comparison import check, compare, sigmas_for
from sgdsde.statistics.estimates import Estimate, covariance, mean, variance
from sgdsde.statistics.levels import Level
from sgdsde.statistics.multilevel import MultilevelEstimate, multilevel
from sgdsde.statistics.orders import Order, fit_order
from sgdsde.statistics.pooling import Moments, pooled_moments
from sgdsde.statistics.table import Comparison, Row

__all__ = [
    "Comparison",
    "Estimate",
    "Level",
    "Moments",
    "MultilevelEstimate",
    "Order",
    "Row",
    "autocorrelation",
    "check",
    "compare",
    "covariance",
    "fit_order",
    "integrated_time",
    "mean",
    "multilevel",
    "pooled_moments",
    "sigmas_for",
    "variance",
]
