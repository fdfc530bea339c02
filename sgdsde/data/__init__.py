"""Data sets: downloaded once, verified by hash, cached; of torch's; and tasks made of them or of random numbers."""

from sgdsde.data.dataset import Dataset, DataUnavailable
from sgdsde.data.digits import digits
from sgdsde.data.mnist import mnist
from sgdsde.data.tasks import gaussian_accuracy, gaussian_task, zeros_and_ones
from sgdsde.data.torch_examples import from_torch

__all__ = [
    "DataUnavailable",
    "Dataset",
    "digits",
    "from_torch",
    "gaussian_accuracy",
    "gaussian_task",
    "mnist",
    "zeros_and_ones",
]


def __dir__() -> list[str]:
    return sorted(__all__)
