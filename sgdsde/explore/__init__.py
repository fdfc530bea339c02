"""One page that runs SDE and SGD side by side on a landscape: a file that opens from disk and asks no server."""

from sgdsde.explore.page import explore

__all__ = ["explore"]


def __dir__() -> list[str]:
    return sorted(__all__)
