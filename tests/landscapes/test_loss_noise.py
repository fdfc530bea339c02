"""Noise that follows the loss: F = 2L ∇∇L by its word."""

from __future__ import annotations

import numpy as np
import pytest

import sgdsde as sg


def test_the_word_is_twice_the_loss_times_the_hessian_and_is_kept():
    landscape = sg.Landscape("1 + x**2 + y**2 + x*y", "x y", noise_covariance="loss")
    points = np.random.default_rng(0).normal(size=(20, 2))
    expected = 2 * landscape.loss(points)[:, None, None] * landscape.hessian(points)
    np.testing.assert_allclose(landscape.noise_covariance(points), expected, rtol=1e-12)
    again = sg.Landscape(landscape.text, landscape.variables, **landscape.noise.arguments())
    assert again == landscape
    assert landscape.described()["noise"] == "loss"
    plain = sg.landscapes.double_well(noise_covariance="loss")
    assert plain.noise_covariance([0.0]) == 0.0  # cut, where the loss is not convex


def test_a_landscape_made_of_it_keeps_its_noise():
    decayed = sg.landscapes.weight_decayed(sg.Landscape("1 + x**2", "x", noise_covariance="loss"), 0.5)
    np.testing.assert_allclose(decayed.noise_covariance([2.0]), 2 * 5 * 2.0)


def test_loss_names_nothing_else():
    with pytest.raises(ValueError, match="'loss' stands for the noise F = 2L ∇∇L and cannot name"):
        sg.Landscape("loss*x**2", "x", {"loss": 1.0})
