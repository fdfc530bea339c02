"""SGD as a sampler of a posterior that is known exactly: the target, SGD's and the SDE's own laws, runs, distances."""

from sgdsde.posterior.langevin import sample_langevin
from sgdsde.posterior.laws import Law, normal_law, sde_law, sgd_law
from sgdsde.posterior.measures import Divergence, sampled_covariance, sampled_divergence, sampled_third_moments
from sgdsde.posterior.samplers import sample_sde, sample_sgd
from sgdsde.posterior.target import LogisticPosterior, Moments

__all__ = [
    "Divergence",
    "Law",
    "LogisticPosterior",
    "Moments",
    "normal_law",
    "sample_langevin",
    "sample_sde",
    "sample_sgd",
    "sampled_covariance",
    "sampled_divergence",
    "sampled_third_moments",
    "sde_law",
    "sgd_law",
]


def __dir__() -> list[str]:
    return sorted(__all__)
