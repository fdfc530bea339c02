"""Mutations of stationary_variance."""

from __future__ import annotations

import pytest

from tests.mutations import mutation, noise_scaled


@mutation("stationary_variance", "g off by 10 %")
def noise(patch: pytest.MonkeyPatch) -> None:
    """noise of 1.1 times the covariance"""
    noise_scaled(patch, 1.1)
