"""Mutations of gradient_normality: other batches than those of B independent examples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.mutations import mutation
from validation.mnist.cells.normality import batches

Array = NDArray[np.float64]


@mutation("gradient_normality", "normal at every B")
def normal_at_every_b(patch: pytest.MonkeyPatch) -> None:
    """normal vectors of the covariance of a batch"""

    def normal(gradients: Array, batch_size: int, count: int, seed: int) -> Array:
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(gradients, rowvar=False, ddof=0)) / batch_size)
        root = vectors * np.sqrt(np.maximum(values, 0.0))  # of one that may be singular
        return np.asarray(np.random.default_rng(seed).standard_normal((count, len(root))) @ root.T)

    patch.setattr(batches, "drawn", normal)


@mutation("gradient_normality", "as at B = 1")
def as_of_one(patch: pytest.MonkeyPatch) -> None:
    """one example in the place of a batch, scaled to its covariance"""
    original = batches.drawn

    def of_one(gradients: Array, batch_size: int, count: int, seed: int) -> Array:
        return np.asarray(original(gradients, 1, count, seed) / np.sqrt(batch_size))

    patch.setattr(batches, "drawn", of_one)
