"""What theory says: closed forms and exact laws for SGD and its stochastic differential equation (docs/theory.md)."""

from sgdsde.theory.adaptive import adam_moments, adaptive_variance
from sgdsde.theory.balance import BalancedDensity, BalanceLaw, balance_law
from sgdsde.theory.chances import sgd_chance_above
from sgdsde.theory.characteristic import batch_characteristic, stationary_tail
from sgdsde.theory.circulation import circulation
from sgdsde.theory.coordinate_evidence import log_evidence_in_coordinates
from sgdsde.theory.coordinates import ComponentwiseMap, Coordinates, LinearMap, cubic_map, sinh_map
from sgdsde.theory.correlation import autocorrelation, autocorrelation_time, autocovariance
from sgdsde.theory.cumulants import batch_cumulants, stationary_cumulants
from sgdsde.theory.density import StationaryDensity, stationary_density
from sgdsde.theory.edge import edge_sharpness
from sgdsde.theory.escape import exit_time_moments, mean_exit_time, splitting_probability
from sgdsde.theory.evidence import (
    Evidence,
    evidence_of_fit,
    laplace_evidence,
    log_evidence_ratio,
    null_log_evidence,
)
from sgdsde.theory.fokker_planck import FokkerPlanck, ReactiveTransition
from sgdsde.theory.kramers import eyring_kramers_time, hessian_noise_escape_time
from sgdsde.theory.label_noise import label_noise_decay
from sgdsde.theory.label_noise_course import LabelNoiseCourse, label_noise_course
from sgdsde.theory.least_entropy import least_entropy_fit
from sgdsde.theory.linear_regression import linear_regression_covariance, linear_regression_limit
from sgdsde.theory.log_integral import LogIntegral, log_integral
from sgdsde.theory.mean_square import mean_square_growth, mean_square_stability_limit
from sgdsde.theory.next_order import laplace_correction
from sgdsde.theory.noise import (
    batch_gradient_covariance,
    between_batches_covariance,
    noise_scale,
    summed_gradient_covariance,
    update_covariance,
)
from sgdsde.theory.occupancy import crossing_temperature, occupancy_ratio
from sgdsde.theory.optimal_learning_rate import optimal_learning_rate, optimal_preconditioner, posterior_divergence
from sgdsde.theory.quasi_potential import ActionPath, minimum_action_path, quasi_potential
from sgdsde.theory.relaxation import relaxation_time
from sgdsde.theory.relu_network import ReLUNetwork
from sgdsde.theory.reparametrisation import (
    CoordinateEvidence,
    laplace_in_coordinates,
    laplace_shift,
    transformed_hessian,
)
from sgdsde.theory.repeated_bridge import repeated_bridge_variance
from sgdsde.theory.scheduled import ScheduledLaw, scheduled_law
from sgdsde.theory.scheduled_moments import scheduled_moments
from sgdsde.theory.sign_descent import signsgd_drift, signsgd_variance
from sgdsde.theory.sign_lattice import LatticeLaw, signsgd_stationary
from sgdsde.theory.stationary import (
    stability_limit,
    stationary_covariance,
    stationary_variance,
    stationary_velocity_covariance,
)
from sgdsde.theory.updates import sgd_exit_time, sgd_occupancy
from sgdsde.theory.valley import valley_drift

__all__ = [
    "ActionPath",
    "BalanceLaw",
    "BalancedDensity",
    "ComponentwiseMap",
    "CoordinateEvidence",
    "Coordinates",
    "Evidence",
    "FokkerPlanck",
    "LabelNoiseCourse",
    "LatticeLaw",
    "LinearMap",
    "LogIntegral",
    "ReLUNetwork",
    "ReactiveTransition",
    "ScheduledLaw",
    "StationaryDensity",
    "adam_moments",
    "adaptive_variance",
    "autocorrelation",
    "autocorrelation_time",
    "autocovariance",
    "balance_law",
    "batch_characteristic",
    "batch_cumulants",
    "batch_gradient_covariance",
    "between_batches_covariance",
    "circulation",
    "crossing_temperature",
    "cubic_map",
    "edge_sharpness",
    "evidence_of_fit",
    "exit_time_moments",
    "eyring_kramers_time",
    "hessian_noise_escape_time",
    "label_noise_course",
    "label_noise_decay",
    "laplace_correction",
    "laplace_evidence",
    "laplace_in_coordinates",
    "laplace_shift",
    "least_entropy_fit",
    "linear_regression_covariance",
    "linear_regression_limit",
    "log_evidence_in_coordinates",
    "log_evidence_ratio",
    "log_integral",
    "mean_exit_time",
    "mean_square_growth",
    "mean_square_stability_limit",
    "minimum_action_path",
    "noise_scale",
    "null_log_evidence",
    "occupancy_ratio",
    "optimal_learning_rate",
    "optimal_preconditioner",
    "posterior_divergence",
    "quasi_potential",
    "relaxation_time",
    "repeated_bridge_variance",
    "scheduled_law",
    "scheduled_moments",
    "sgd_chance_above",
    "sgd_exit_time",
    "sgd_occupancy",
    "signsgd_drift",
    "signsgd_stationary",
    "signsgd_variance",
    "sinh_map",
    "splitting_probability",
    "stability_limit",
    "stationary_covariance",
    "stationary_cumulants",
    "stationary_density",
    "stationary_tail",
    "stationary_variance",
    "stationary_velocity_covariance",
    "summed_gradient_covariance",
    "transformed_hessian",
    "update_covariance",
    "valley_drift",
]


def __dir__() -> list[str]:
    return sorted(__all__)
