"""What a user asks of an own landscape, network and data: where it learns best, and from which ε on it diverges."""

from sgdsde.studies.batch_size import BatchSizeStudy, batch_size_study
from sgdsde.studies.growth_limit import growth_limit
from sgdsde.studies.network_second_moment import network_second_moment_growth
from sgdsde.studies.second_moment import second_moment_growth

__all__ = [
    "BatchSizeStudy",
    "batch_size_study",
    "growth_limit",
    "network_second_moment_growth",
    "second_moment_growth",
]


def __dir__() -> list[str]:
    return sorted(__all__)
