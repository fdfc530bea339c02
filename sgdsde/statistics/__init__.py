"""Estimates with standard errors, and their comparison with predictions."""

from sgdsde.statistics.autocorrelation import autocorrelation, ensemble_autocorrelation, integrated_time
from sgdsde.statistics.comparison import check, compare, sigmas_for
from sgdsde.statistics.distances import (
    Distance,
    Distances,
    covariance_distance,
    distances,
    energy_distance,
    mean_difference,
    mean_distance,
    wasserstein1,
)
from sgdsde.statistics.estimates import Estimate, covariance, mean, variance
from sgdsde.statistics.levels import Level
from sgdsde.statistics.multilevel import MultilevelEstimate, multilevel
from sgdsde.statistics.orders import Order, fit_order
from sgdsde.statistics.pooling import Moments, pooled_moments
from sgdsde.statistics.table import Comparison, Row

__all__ = [
    "Comparison",
    "Distance",
    "Distances",
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
    "covariance_distance",
    "distances",
    "energy_distance",
    "ensemble_autocorrelation",
    "fit_order",
    "integrated_time",
    "mean",
    "mean_difference",
    "mean_distance",
    "multilevel",
    "pooled_moments",
    "sigmas_for",
    "variance",
    "wasserstein1",
]
