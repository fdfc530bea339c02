"""What the claim ``three_factors`` is made of: what is asked of networks, courses, crossings of a loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import xarray as xr

import sgdsde as sg
from sgdsde.models.networks import weights_of
from validation.claims.three_factors import _unchanged, three_factors
from validation.mnist.cells.curvature import (
    accuracy_on,
    largest_eigenvalue,
    largest_near,
    logits,
)
from validation.mnist.cells.descent import course, descent
from validation.mnist.cells.training import mislabelled, subsets, with_every_test, with_random_labels
from validation.mnist.descents import at_level, at_loss
from validation.mnist.three_factors import present

pytestmark = pytest.mark.networks


@pytest.fixture(scope="module")
def network():
    """A small network, its weights, inputs and labels, in double precision."""
    model = sg.models.mlp(6, 8, 3).double()
    x = torch.from_numpy(np.random.default_rng(0).random((30, 6)))
    return model, weights_of(model), x, (x[:, 0] > 0.5).long() + (x[:, 1] > 0.5).long()


def test_eigenvalues_are_read_near_the_level_only(network):
    model, weights, x, y = network
    loss = torch.nn.functional.cross_entropy(model(x), y).item()
    assert largest_near(loss * 1.9, 2.0)(weights, x, y) == pytest.approx(largest_eigenvalue(weights, x, y))
    assert math.isnan(largest_near(loss * 2.1, 2.0)(weights, x, y))


def test_accuracy_is_on_the_first_examples(network):
    _, weights, x, _ = network
    labels = logits(weights, x)[1].argmax(1)
    labels[:5] = (labels[:5] + 1) % 3
    assert float(accuracy_on(5)(weights, x, labels)) == 0.0
    assert float(accuracy_on(10)(weights, x, labels)) == 0.5


def test_a_cycle_of_learning_rates_is_the_librarys():
    rates, sizes = course((0.2, 5, 0.05, 5), 40, 3.9)
    np.testing.assert_allclose(rates, sg.schedules.cyclic(0.2, 0.05, 8, len(rates), "square"))
    assert set(sizes) == {5}
    assert rates.sum() == pytest.approx(4.0)


def test_cycles_have_the_same_ratio_and_distance_after_the_same_examples():
    one, other = (course(setting, 40, 8.0) for setting in ((0.2, 5, 0.05, 5), (0.2, 5, 0.2, 20)))
    ratios = [np.repeat(rates / sizes, sizes) for rates, sizes in (one, other)]
    np.testing.assert_allclose(*ratios)
    assert one[0].sum() == pytest.approx(other[0].sum())


def test_a_cycle_whose_halves_are_not_whole_is_refused():
    with pytest.raises(ValueError, match="divisible"):
        course((0.2, 5, 0.2, 30), 40, 8.0)


def test_an_accuracy_at_a_level_is_interpolated():
    distance = np.array([1.0, 2.0, 4.0, 8.0])
    rows = [distance / 10, distance / 20, distance / 100, distance]
    rows = dict.fromkeys(("memorised", "train_loss"), (("replica", "reading"), rows))
    runs = xr.Dataset({"distance": ("reading", distance)} | rows)
    np.testing.assert_allclose(at_level(runs, "memorised", "distance", 3.0), [0.3, 0.15, 0.03, 3.0])
    found = at_level(runs, "distance", "memorised", 0.3)
    np.testing.assert_allclose(found, [3.0, 6.0, np.nan, np.nan])  # never, and before the first reading


def test_a_fit_gives_a_power_law_at_a_loss_and_nothing_beyond_it():
    loss = np.array([[1.0, 0.3, 0.15, 0.08, 0.05], [2.0, 1.5, 1.0, 0.6, 0.3]])
    trace = 7 * loss**0.6
    trace[0, 0] = 1000.0  # far from the level
    runs = xr.Dataset({"train_loss": (("replica", "reading"), loss), "trace": (("replica", "reading"), trace)})
    found = at_loss(runs, "trace", 0.1)
    assert found[0] == pytest.approx(math.log(7 * 0.1**0.6))
    assert np.isnan(found[1])


def test_replicas_that_never_arrive_are_left_out_but_not_all():
    np.testing.assert_array_equal(present(np.array([1.0, np.nan, 2.0])), [1.0, 2.0])
    with pytest.raises(RuntimeError, match="only 1 of 3"):
        present(np.array([1.0, np.nan, np.nan]))


def test_random_labels_are_the_first_ones_and_uniform():
    data = subsets("digits", 1000, 1, 3)[0]
    made = with_random_labels(data, 500, 7)
    np.testing.assert_array_equal(made.y_train[500:], data.y_train[500:])
    assert np.mean(made.y_train[:500] == data.y_train[:500]) == pytest.approx(0.1, abs=0.06)
    assert np.bincount(made.y_train[:500], minlength=10).min() > 25
    one, two = mislabelled("digits", 200, 0.5, 2, 3)
    assert not np.array_equal(one.y_train[:100], two.y_train[:100])
    assert with_every_test(data, 3).n_test == -(-data.n_test // 3)


def test_replicas_do_not_depend_on_how_many_there_are():
    cell = {
        "source": "digits", "n_examples": 60, "hidden": 8, "setting": (0.2, 5, 0.2, 10), "period": 60, "distance": 7.0,
        "readings": 2, "n_test": 50, "random_share": 0.25, "level": 2.0, "largest": True, "seed": 5, "device": "cpu",
    }  # fmt: skip
    few, many = (descent(**cell, replicas=r) for r in (1, 2))
    for name in ("trace", "largest", "memorised", "test_accuracy"):
        np.testing.assert_array_equal(few[name].to_numpy(), many[name].to_numpy()[:1])
    assert few["epochs"].to_numpy()[-1] == 4.0


def test_what_too_few_replicas_have_is_unknown():
    found = _unchanged("slope", np.array([np.nan, 0.2, np.nan]))
    assert (found.measured, found.standard_error) == (0.0, 1.0)
    assert _unchanged("slope", np.array([0.1, 0.2, np.nan])).dof == 1


def test_sizes_compare_equal_ratios():
    for plan in three_factors.plans.values():
        for size in plan.size.values():
            assert [run.ratio for run in size.scaled.values()] == pytest.approx(
                [size.scaled[1].ratio] * len(size.scaled)
            )
            assert size.alone.setting == (2 * size.scaled[1].setting[0], size.scaled[1].setting[1])
            assert size.hottest.ratio == max(size.cycles[0].ratio, size.cycles[1].ratio)
            assert max(run.ratio for run in size.scan) >= 8 * min(run.ratio for run in size.scan)
            assert plan.tests == 8 + len(size.kept) - 1 + 4 * len(size.memories)
