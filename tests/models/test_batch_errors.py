"""The errors of batches against what they are of, and against the law of their covariance."""

from importlib import import_module

import numpy as np
import pytest
from tables import every

import sgdsde as sg
from sgdsde.models import batch_errors, batch_indices
from sgdsde.statistics import mean

N, B = 12, 3
GRADIENTS = np.random.default_rng(0).normal(size=(N, 2)) + 5


def config(sampling, batch=B):
    return sg.SGDConfig(0.1, batch, N, sampling=sampling)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
def test_they_are_what_a_batch_adds_to_the_sum_of_all_gradients(sampling):
    found = batch_errors(GRADIENTS, config(sampling), 10, seed=3)
    together = N // B if sampling == "reshuffle" else 1
    whole = 10 // together * together  # epochs that are not whole are left out
    assert found.shape == (whole // together, together, 2)
    drawn = batch_indices(config(sampling), whole, seed=3)
    expected = N / B * GRADIENTS[drawn].sum(axis=1) - GRADIENTS.sum(axis=0)
    np.testing.assert_allclose(found.reshape(-1, 2), expected, atol=1e-12)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
def test_their_covariance_is_that_of_theory(sampling):
    found = batch_errors(GRADIENTS, config(sampling), 40_000, seed=1)
    covariance = np.cov(GRADIENTS, rowvar=False)
    law = sg.theory.summed_gradient_covariance(covariance, config(sampling))[0, 1]
    estimate = mean((found[..., 0] * found[..., 1]).mean(axis=1))
    assert abs(estimate.value - law) < 4 * estimate.standard_error
    if sampling == "reshuffle":
        between = N**2 * sg.theory.between_batches_covariance(covariance, config(sampling))[0, 1]
        estimate = mean(found[:, 0, 0] * found[:, 2, 1])
        assert abs(estimate.value - between) < 4 * estimate.standard_error


def test_a_batch_of_all_examples_has_none():
    assert abs(batch_errors(GRADIENTS, config("without_replacement", N), 5, seed=0)).max() < 1e-12


def test_many_batches_are_gathered_in_pieces(monkeypatch):
    expected = batch_errors(GRADIENTS, config("reshuffle"), 100, seed=2)
    monkeypatch.setattr(import_module("sgdsde.models.errors_of_batches"), "TOGETHER", 7)
    np.testing.assert_array_equal(batch_errors(GRADIENTS, config("reshuffle"), 100, seed=2), expected)


@every(
    ("gradients", "sampling", "batches", "match"),
    [
        (GRADIENTS[:-1], "reshuffle", 8, "gradients must be finite numbers of shape"),
        (GRADIENTS[:, 0], "reshuffle", 8, "gradients must be"),
        (GRADIENTS * np.nan, "reshuffle", 8, "gradients must be"),
        (GRADIENTS, "shuffle_once", 8, "shuffle_once"),
        (GRADIENTS, "reshuffle", 3, "batches must be an integer of at least 4"),
    ],
)
def test_what_cannot_be_is_refused(gradients, sampling, batches, match):
    with pytest.raises(ValueError, match=match):
        batch_errors(gradients, config(sampling), batches, seed=0)
