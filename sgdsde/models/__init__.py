"""Finite sums over real examples: networks, linear and logistic regression; SGD in many replicas, gradients."""

from sgdsde.logistic import LogisticRegression
from sgdsde.models.curvature_evidence import NetworkEvidence, hessian_operator, network_evidence
from sgdsde.models.dynamics import DYNAMICS
from sgdsde.models.gradients import (
    ProjectedGradients,
    per_example_gradients,
    per_example_projections,
    random_directions,
)
from sgdsde.models.networks import draw_weights, mlp
from sgdsde.models.regression import LinearRegression
from sgdsde.models.regression_descent import sgd_on_regression
from sgdsde.models.sampling import batch_indices, batches
from sgdsde.models.training import train

__all__ = [
    "DYNAMICS",
    "LinearRegression",
    "LogisticRegression",
    "NetworkEvidence",
    "ProjectedGradients",
    "batch_indices",
    "batches",
    "draw_weights",
    "hessian_operator",
    "mlp",
    "network_evidence",
    "per_example_gradients",
    "per_example_projections",
    "random_directions",
    "sgd_on_regression",
    "train",
]
