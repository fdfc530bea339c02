from itertools import islice

import numpy as np
import pytest
import torch
from tables import every
from torch.utils.data import DataLoader

from sgdsde.config import SAMPLINGS, SGDConfig
from sgdsde.dynamics.sampling import SAMPLERS
from sgdsde.models import batch_indices, batches

pytestmark = pytest.mark.networks


def config(sampling, b=4, n=20):
    return SGDConfig(learning_rate=0.1, batch_size=b, n_examples=n, sampling=sampling)


def test_every_sampling_of_the_config_has_a_sampler():
    assert SAMPLERS.keys() == SAMPLINGS.keys()


def test_reshuffle_shows_each_example_exactly_once_an_epoch():
    epochs = batch_indices(config("reshuffle"), updates=50, seed=0).reshape(10, 20)
    assert (np.sort(epochs, axis=1) == np.arange(20)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 10


def test_without_replacement_never_repeats_inside_a_batch_but_does_inside_an_epoch():
    drawn = batch_indices(config("without_replacement", b=15), updates=200, seed=0)
    assert all(len(set(batch)) == 15 for batch in drawn)
    assert not (np.sort(drawn[:2].ravel()) == np.arange(30) % 20).all()
    whole = batch_indices(config("without_replacement", b=20), updates=3, seed=0)
    assert (np.sort(whole, axis=1) == np.arange(20)).all()


def test_with_replacement_repeats_and_may_exceed_n():
    drawn = batch_indices(config("with_replacement", b=50), updates=3, seed=0)
    assert drawn.shape == (3, 50)
    assert (drawn >= 0).all()
    assert (drawn < 20).all()


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
@pytest.mark.parametrize("b", [1, 4, 10])
def test_covariance_of_the_batch_mean_is_c_times_f(sampling, b):
    """The variance of 40 000 batch means against c F, within 4.5 standard errors (≈ 0.7 % each, kurtosis below 3)."""
    values = np.random.default_rng(1).exponential(size=20)
    setting = config(sampling, b)
    means = values[batch_indices(setting, updates=40_000, seed=2)].mean(axis=1)
    squares = (means - values.mean()) ** 2
    if sampling == "shuffle_once":  # one epoch each of 2000 permutations
        drawn = np.stack([batch_indices(setting, updates=20 // b, seed=seed) for seed in range(2000)])
        squares = ((values[drawn].mean(axis=2) - values.mean()) ** 2).ravel()
    if setting.permuted:  # the batches of one epoch are dependent, permutations are not
        squares = squares.reshape(-1, 20 // b).mean(axis=1)
    error = squares.std(ddof=1) / np.sqrt(len(squares))
    assert error < (0.1 if sampling == "shuffle_once" else 0.02) * squares.mean()
    assert abs(squares.mean() - setting.batch_noise * values.var(ddof=1)) < 4.5 * error


@every("sampling", ["reshuffle", "shuffle_once"])
@every("drop_last", [False, True])
@every(("n", "b"), [(20, 6), (20, 5), (7, 7), (7, 4)])
def test_epochs_are_those_of_a_data_loader(sampling, drop_last, n, b):
    """Sizes of torch's own, batch by batch; each example once at most, and all of them where none is dropped."""
    loader = DataLoader(torch.arange(n), batch_size=b, shuffle=True, drop_last=drop_last)
    setting = SGDConfig(0.1, b, n, sampling=sampling, drop_last=drop_last)
    stream, orders = batches(setting, np.random.default_rng(0)), []
    for _ in range(4):
        epoch = [next(stream) for _ in range(len(loader))]
        assert [len(batch) for batch in epoch] == [len(batch) for batch in loader]
        assert setting.updates_per_epoch == len(loader)
        seen = np.concatenate(epoch)
        assert len(set(seen.tolist())) == len(seen) == (n - n % b if drop_last else n)
        orders.append(tuple(seen.tolist()))
    assert len(set(orders)) == (1 if sampling == "shuffle_once" else 4)


def test_batches_of_unequal_sizes_are_no_rows_of_an_array():
    with pytest.raises(ValueError, match="batch_size must divide n_examples = 20 here, or drop_last be True"):
        batch_indices(config("reshuffle", b=6), updates=4, seed=0)


def test_two_batches_of_an_epoch_are_anticorrelated_by_f_over_n():
    values = np.random.default_rng(1).exponential(size=20)
    pairs = values[batch_indices(config("reshuffle", b=10), updates=40_000, seed=3)].mean(axis=1).reshape(-1, 2)
    assert np.cov(pairs.T)[0, 1] == pytest.approx(-values.var(ddof=1) / 20, rel=0.05)


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_the_seed_sets_the_stream(sampling):
    setting = config(sampling)
    first = batch_indices(setting, updates=10, seed=5)
    assert np.array_equal(first, np.stack(list(islice(batches(setting, np.random.default_rng(5)), 10))))
    assert np.array_equal(first[:7], batch_indices(setting, updates=7, seed=5))
    assert not np.array_equal(first, batch_indices(setting, updates=10, seed=6))


@pytest.mark.parametrize("updates", [0, 2.5, True])
def test_no_batches_are_refused(updates):
    with pytest.raises(ValueError, match="updates must be an integer of at least 1"):
        batch_indices(SGDConfig(0.1, 2, 6), updates, seed=0)
