"""What a user asks of an own landscape, network and data: where it learns best, and from which ε on it diverges.

Names load when they are used: what needs no torch is there without the extra `networks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sgdsde.extras import lazily

if TYPE_CHECKING:
    from sgdsde.studies.batch_size import BatchSizeStudy, batch_size_study
    from sgdsde.studies.growth_limits import growth_limit
    from sgdsde.studies.network_second_moment import network_second_moment_growth
    from sgdsde.studies.second_moment import second_moment_growth

#: Module → what it has for users.
_MODULES = {
    "sgdsde.studies.batch_size": ("BatchSizeStudy", "batch_size_study"),
    "sgdsde.studies.growth_limits": ("growth_limit",),
    "sgdsde.studies.network_second_moment": ("network_second_moment_growth",),
    "sgdsde.studies.second_moment": ("second_moment_growth",),
}

__getattr__ = lazily(__name__, globals(), {name: module for module, names in _MODULES.items() for name in names})

__all__ = [
    "BatchSizeStudy",
    "batch_size_study",
    "growth_limit",
    "network_second_moment_growth",
    "second_moment_growth",
]


def __dir__() -> list[str]:
    return sorted(__all__)
