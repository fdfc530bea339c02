"""Estimates with standard errors, and their comparison with predictions."""

from sgdsde.statistics.autocorrelation import autocorrelation, ensemble_autocorrelation, integrated_time
from sgdsde.statistics.circulating import circulation
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
from sgdsde.statistics.exit_times import ExitTime, mean_exit_time
from sgdsde.statistics.exponentiality import Exponentiality, exponentiality
from sgdsde.statistics.grouped import GroupedMean, grouped_mean
from sgdsde.statistics.jackknife import jackknife
from sgdsde.statistics.levels import Level
from sgdsde.statistics.log_determinant import LogDeterminant, log_determinant
from sgdsde.statistics.multilevel import MultilevelEstimate, multilevel
from sgdsde.statistics.optimum import Optimum, optimum
from sgdsde.statistics.optimum_law import OptimumLaw, optimum_law
from sgdsde.statistics.orders import Order, fit_order
from sgdsde.statistics.pooling import (
    HigherMoments,
    Moments,
    mean_over_paths,
    pooled_higher_moments,
    pooled_moments,
)
from sgdsde.statistics.readings import fitted_at_zero, mean_between, slopes, where_reached
from sgdsde.statistics.splitting import SplittingProbabilities, splitting_probabilities
from sgdsde.statistics.survival import SurvivalCurve, survival_curve
from sgdsde.statistics.table import Comparison, Row

__all__ = [
    "Comparison",
    "Distance",
    "Distances",
    "Estimate",
    "ExitTime",
    "Exponentiality",
    "GroupedMean",
    "HigherMoments",
    "Level",
    "LogDeterminant",
    "Moments",
    "MultilevelEstimate",
    "Optimum",
    "OptimumLaw",
    "Order",
    "Row",
    "SplittingProbabilities",
    "SurvivalCurve",
    "autocorrelation",
    "check",
    "circulation",
    "compare",
    "covariance",
    "covariance_distance",
    "distances",
    "energy_distance",
    "ensemble_autocorrelation",
    "exponentiality",
    "fit_order",
    "fitted_at_zero",
    "grouped_mean",
    "integrated_time",
    "jackknife",
    "log_determinant",
    "mean",
    "mean_between",
    "mean_difference",
    "mean_distance",
    "mean_exit_time",
    "mean_over_paths",
    "multilevel",
    "optimum",
    "optimum_law",
    "pooled_higher_moments",
    "pooled_moments",
    "sigmas_for",
    "slopes",
    "splitting_probabilities",
    "survival_curve",
    "variance",
    "wasserstein1",
    "where_reached",
]


def __dir__() -> list[str]:
    return sorted(__all__)
