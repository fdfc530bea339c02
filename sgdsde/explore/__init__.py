"""One page that runs SDE and SGD side by side on a landscape: a file that opens from disk and asks no server."""

from sgdsde.explore.page import explore_page

__all__ = ["explore_page"]


def __dir__() -> list[str]:
    return sorted(__all__)
