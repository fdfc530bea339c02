from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tables import every

from sgdsde.data import digits, gaussian_task, zeros_and_ones


def test_gaussian_task_is_the_papers():
    task = gaussian_task("informative", seed=3)
    assert task.x_train.shape == (200, 200)
    assert task.x_test.shape == (10_000, 200)
    assert task.x_train.dtype == np.float64
    for x, y in ((task.x_train, task.y_train), (task.x_test, task.y_test)):
        assert_allclose(x.mean(axis=0), 0, atol=1e-12)
        assert_allclose(x.var(axis=0), 1, rtol=1e-12)
        assert_array_equal(y, x.sum(axis=1) > 0)


def test_random_labels_are_tosses_on_the_same_inputs():
    random, informative = gaussian_task("random", seed=3), gaussian_task("informative", seed=3)
    assert_array_equal(random.x_train, informative.x_train)
    assert_array_equal(random.x_test, informative.x_test)
    heads = random.y_test.mean()
    agree = (random.y_test == informative.y_test).mean()
    assert abs(heads - 0.5) < 5 * 0.005
    assert abs(agree - 0.5) < 5 * 0.005


def test_seeds_are_data_sets():
    first, same, other = (gaussian_task("random", seed, n_test=5) for seed in (0, 0, 1))
    assert_array_equal(first.x_train, same.x_train)
    assert_array_equal(first.y_train, same.y_train)
    assert not np.allclose(first.x_train, other.x_train)


def test_zeros_and_ones_are_balanced_and_have_a_bias():
    images = digits()
    task = zeros_and_ones(images, seed=1, n_train=200)
    assert task.x_train.shape == (200, 65)
    assert_array_equal(task.x_train[:, -1], 1)
    assert np.bincount(task.y_train).tolist() == [100, 100]
    zeros, ones = np.bincount(task.y_test)
    assert zeros == ones == min(np.sum(images.y_test == 0), np.sum(images.y_test == 1))
    pixels = {row.tobytes(): label for row, label in zip(images.x_train, images.y_train, strict=True)}
    assert [pixels[row.astype(np.float32).tobytes()] for row in task.x_train[:, :-1]] == task.y_train.tolist()


def test_images_that_training_has_left_are_tested_on_too():
    images = digits()
    task, more = (zeros_and_ones(images, seed=1, n_train=200, leftover=each) for each in (False, True))
    assert_array_equal(more.x_train, task.x_train)
    zeros, ones = (int((images.y_train == label).sum() + (images.y_test == label).sum()) - 100 for label in (0, 1))
    assert np.bincount(more.y_test).tolist() == 2 * [min(zeros, ones)]
    trained = {row.tobytes() for row in task.x_train}
    assert len({row.tobytes() for row in more.x_test} - trained) > task.n_test


def test_tossed_images_are_the_same_images():
    tossed, true = (zeros_and_ones(digits(), labels, seed=1, n_train=100) for labels in ("random", "informative"))
    assert_array_equal(tossed.x_train, true.x_train)
    assert 0.2 < (tossed.y_train == true.y_train).mean() < 0.8


@every(
    ("call", "message"),
    [
        (lambda: gaussian_task("wrong"), "labels must be one of informative, random, got 'wrong'"),
        (lambda: gaussian_task(n_train=1), "n_train must be an integer of at least 2, got 1"),
        (lambda: gaussian_task(features=0), "features must be an integer of at least 1, got 0"),
        (lambda: gaussian_task(seed=-1), "seed must be an integer of at least 0, got -1"),
        (
            lambda: zeros_and_ones(digits(), n_train=3),
            "n_train must be an integer of at least 2 and a multiple of 2, got 3",
        ),
        (lambda: zeros_and_ones(digits(), n_train=800), "n_train must be at most .* with digits, got 800"),
        (lambda: zeros_and_ones(gaussian_task(), "wrong"), "labels must be one of"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_images_of_any_shape_are_flattened():
    flat = digits()
    shaped = replace(flat, x_train=flat.x_train.reshape(-1, 1, 8, 8), x_test=flat.x_test.reshape(-1, 1, 8, 8))
    found, wanted = (zeros_and_ones(images, n_train=100) for images in (shaped, flat))
    assert_array_equal(found.x_train, wanted.x_train)
    assert_array_equal(found.x_test, wanted.x_test)
