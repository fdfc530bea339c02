"""The mean of a batch has the covariance that theory gives it, in every sampling."""

import numpy as np
import pytest
from tables import every

from sgdsde import SGDConfig
from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, ReferenceNoise
from sgdsde.whitened import whitened_examples

N = 12
TABLE = whitened_examples("gaussian", N, 2, seed=6)
PATHS = 60_000


def drawn(sampling: str, b: int, steps: int, seed: int = 0) -> np.ndarray:
    """(steps, 2, paths)."""
    source = ReferenceNoise(ExampleBatches(TABLE, b, sampling), seed, PATHS)
    return np.stack([source(step) for step in range(steps)])


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "reshuffle"])
@pytest.mark.parametrize("b", [1, 2, 3, 4, 6])
def test_covariance_of_a_batch_and_between_batches(sampling: str, b: int) -> None:
    """Var(z̄) = c I with c of the sampling; −I/N between batches of one epoch when reshuffled, otherwise 0; at 4.5σ."""
    z = drawn(sampling, b, 3)
    c = SGDConfig(0.1, b, N, sampling=sampling).batch_noise
    for step in range(3):
        assert (np.abs(z[step].mean(axis=1)) < 4.5 * np.sqrt(c / PATHS)).all()
        products = z[step][:, None] * z[step][None]
        error = products.std(axis=-1) / np.sqrt(PATHS)
        assert (np.abs(products.mean(axis=-1) - c * np.eye(2)) < 4.5 * error).all()
        assert error[0, 0] < 0.02 * c  # so that a missing (1 − B/N) or N − 1 would be seen
    if sampling == "reshuffle" and b == 6:
        return_to_zero = z[0] + z[1]
        assert np.abs(return_to_zero).max() < 1e-13  # two halves of one epoch
        assert np.abs(z[2] + z[1]).max() > 0.1  # the third batch begins another
        return
    between = z[0][:, None] * z[1][None]
    expected = -np.eye(2) / N if sampling == "reshuffle" else np.zeros((2, 2))
    error = between.std(axis=-1) / np.sqrt(PATHS)
    assert (np.abs(between.mean(axis=-1) - expected) < 4.5 * error).all()


def test_batches_of_different_epochs_are_uncorrelated() -> None:
    z = drawn("reshuffle", 4, 6)
    products = z[2][:, None] * z[3][None]
    assert (np.abs(products.mean(axis=-1)) < 4.5 * products.std(axis=-1) / np.sqrt(PATHS)).all()


@pytest.mark.parametrize("b", [7, 9, 11])
def test_taking_the_mean_from_those_left_out_is_the_same(b: int) -> None:
    noise = ExampleBatches(TABLE, b, "without_replacement")
    assert noise.picks(b) == N - b
    left_out = ExampleBatches(TABLE, N - b, "without_replacement")
    one, other = (ReferenceNoise(source, 1, 50)(3) for source in (noise, left_out))
    np.testing.assert_allclose(b * one, -(N - b) * other, atol=1e-13)


def test_picks_and_weights() -> None:
    for sampling, b, picks, weight in [
        ("with_replacement", 9, 9, 1 / 9),
        ("without_replacement", 6, 6, 1 / 6),
        ("without_replacement", 7, 5, -1 / 7),
        ("without_replacement", 12, 0, -1 / 12),
        ("reshuffle", 12, 12, 1 / 12),
    ]:
        noise = ExampleBatches(TABLE, b, sampling)
        assert (noise.picks(b), noise.most_picks, noise.weight(b), noise.numbers) == (picks, picks, weight, 2)


@every("numbers", [1, 2, 3, 4, 5, 9])
def test_gaussian_increments_use_no_word_twice(numbers: int) -> None:
    source = ReferenceNoise(GaussianIncrements(numbers), 0, 500)
    z = np.stack([source(step) for step in range(9)])
    assert z.shape == (9, numbers, 500)
    assert np.unique(z).size == z.size


def test_normals_and_batches_come_from_different_streams() -> None:
    """Else SGD's batches would be correlated with the SDE's increments of the same seed."""
    z = ReferenceNoise(GaussianIncrements(1), 0, PATHS)(0)[0]
    ramp = np.arange(float(N))[:, None]  # the first word is z's radius and the first pick's place: both ramps
    pick = ReferenceNoise(ExampleBatches(ramp, 1, "with_replacement"), 0, PATHS)(0)[0]
    assert abs(np.corrcoef(z**2, pick)[0, 1]) < 4.5 / np.sqrt(PATHS)
