"""What theory says: closed forms and exact laws for SGD and its stochastic differential equation (docs/theory.md)."""

from sgdsde.theory.correlation import autocorrelation_time, autocovariance
from sgdsde.theory.cumulants import batch_cumulants, stationary_cumulants
from sgdsde.theory.linear_regression import linear_regression_covariance
from sgdsde.theory.noise import (
    batch_gradient_covariance,
    between_batches_covariance,
    noise_scale,
    summed_gradient_covariance,
    update_covariance,
)
from sgdsde.theory.optimal_learning_rate import optimal_learning_rate, optimal_preconditioner, posterior_divergence
from sgdsde.theory.stationary import (
    stability_limit,
    stationary_covariance,
    stationary_variance,
    stationary_velocity_covariance,
)

__all__ = [
    "autocorrelation_time",
    "autocovariance",
    "batch_cumulants",
    "batch_gradient_covariance",
    "between_batches_covariance",
    "linear_regression_covariance",
    "noise_scale",
    "optimal_learning_rate",
    "optimal_preconditioner",
    "posterior_divergence",
    "stability_limit",
    "stationary_covariance",
    "stationary_cumulants",
    "stationary_variance",
    "stationary_velocity_covariance",
    "summed_gradient_covariance",
    "update_covariance",
]
