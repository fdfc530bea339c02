"""Data sets: downloaded once, verified by hash, cached."""

from sgdsde.data.dataset import Dataset, DataUnavailable
from sgdsde.data.digits import digits
from sgdsde.data.mnist import mnist

__all__ = ["DataUnavailable", "Dataset", "digits", "mnist"]
