"""What a user asks of an own network and data: at which batch size it learns best."""

from sgdsde.studies.batch_size import BatchSizeStudy, batch_size_study

__all__ = ["BatchSizeStudy", "batch_size_study"]


def __dir__() -> list[str]:
    return sorted(__all__)
