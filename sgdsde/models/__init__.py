"""Finite sums over real examples: networks, linear and logistic regression; SGD in many replicas, gradients.

Names load when they are used: what needs no torch is there without the extra `networks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.extras import lazily

if TYPE_CHECKING:
    from sgdsde.dynamics.sampling import batch_indices, batches
    from sgdsde.logistic import LogisticRegression
    from sgdsde.models.batch_noise_scales import NoiseScales, covariance_curvature, noise_scales
    from sgdsde.models.covariance import NoiseCovariance, noise_covariance
    from sgdsde.models.covariance_alignment import Alignment, alignment
    from sgdsde.models.curvature import MeanHessian, TopEigenpairs, mean_hessian, top_eigenpairs
    from sgdsde.models.curvature_evidence import NetworkEvidence, hessian_operator, network_evidence
    from sgdsde.models.errors_of_batches import batch_errors
    from sgdsde.models.gradients import (
        ProjectedGradients,
        per_example_gradients,
        per_example_projections,
        random_directions,
    )
    from sgdsde.models.mlp_curvature import mlp_hessian_trace, mlp_largest_curvature
    from sgdsde.models.networks import draw_weights, mlp
    from sgdsde.models.output_jacobians import output_jacobians
    from sgdsde.models.posterior_rates import PosteriorRate, posterior_divergences, posterior_rate
    from sgdsde.models.regression import LinearRegression
    from sgdsde.models.regression_descent import sgd_on_regression
    from sgdsde.models.step_gradients import GradientNoise
    from sgdsde.models.trace_estimation import Moments, trace_and_norm
    from sgdsde.models.training import train
    from sgdsde.models.training_noise import gradient_noise
    from sgdsde.models.two_batches import TwoBatchEstimates, two_batch_estimates

#: Module → what it has for users.
_MODULES = {
    "sgdsde.dynamics.sampling": ("batch_indices", "batches"),
    "sgdsde.logistic": ("LogisticRegression",),
    "sgdsde.models.batch_noise_scales": ("NoiseScales", "covariance_curvature", "noise_scales"),
    "sgdsde.models.covariance": ("NoiseCovariance", "noise_covariance"),
    "sgdsde.models.covariance_alignment": ("Alignment", "alignment"),
    "sgdsde.models.curvature": ("MeanHessian", "TopEigenpairs", "mean_hessian", "top_eigenpairs"),
    "sgdsde.models.curvature_evidence": ("NetworkEvidence", "hessian_operator", "network_evidence"),
    "sgdsde.models.errors_of_batches": ("batch_errors",),
    "sgdsde.models.gradients": (
        "ProjectedGradients",
        "per_example_gradients",
        "per_example_projections",
        "random_directions",
    ),
    "sgdsde.models.mlp_curvature": ("mlp_hessian_trace", "mlp_largest_curvature"),
    "sgdsde.models.networks": ("draw_weights", "mlp"),
    "sgdsde.models.output_jacobians": ("output_jacobians",),
    "sgdsde.models.posterior_rates": ("PosteriorRate", "posterior_divergences", "posterior_rate"),
    "sgdsde.models.regression": ("LinearRegression",),
    "sgdsde.models.regression_descent": ("sgd_on_regression",),
    "sgdsde.models.step_gradients": ("GradientNoise",),
    "sgdsde.models.trace_estimation": ("Moments", "trace_and_norm"),
    "sgdsde.models.training": ("train",),
    "sgdsde.models.training_noise": ("gradient_noise",),
    "sgdsde.models.two_batches": ("TwoBatchEstimates", "two_batch_estimates"),
}

__getattr__ = lazily(__name__, globals(), {name: module for module, names in _MODULES.items() for name in names})

__all__ = [
    "Alignment",
    "GradientNoise",
    "LinearRegression",
    "LogisticRegression",
    "MeanHessian",
    "Moments",
    "NetworkEvidence",
    "NoiseCovariance",
    "NoiseScales",
    "PosteriorRate",
    "ProjectedGradients",
    "TopEigenpairs",
    "TwoBatchEstimates",
    "alignment",
    "batch_errors",
    "batch_indices",
    "batches",
    "covariance_curvature",
    "draw_weights",
    "gradient_noise",
    "hessian_operator",
    "mean_hessian",
    "mlp",
    "mlp_hessian_trace",
    "mlp_largest_curvature",
    "network_evidence",
    "noise_covariance",
    "noise_scales",
    "output_jacobians",
    "per_example_gradients",
    "per_example_projections",
    "posterior_divergences",
    "posterior_rate",
    "random_directions",
    "sgd_on_regression",
    "top_eigenpairs",
    "trace_and_norm",
    "train",
    "two_batch_estimates",
]


def __dir__() -> list[str]:
    return sorted(__all__)
