"""Survival curves against the product that defines them, and their bands against how often they hold."""

import numpy as np
import pytest

from sgdsde.statistics import survival_curve


def test_the_curve_is_the_product_of_those_who_survive():
    rng = np.random.default_rng(4)
    times, over = np.ceil(rng.exponential(size=60) * 8) / 8, rng.random(60) < 0.7
    curve, survival = survival_curve(times, over), 1.0
    np.testing.assert_array_equal(curve.times, np.unique(times[over]))
    for k, t in enumerate(curve.times):
        assert curve.at_risk[k] == (times >= t).sum()
        survival *= 1 - (over & (times == t)).sum() / curve.at_risk[k]
        assert curve.survival[k] == pytest.approx(survival)
    grid = survival_curve(times, over, at=[0.0, 0.3, 0.375, 0.4])
    assert grid.survival[0] == grid.high[0] == 1
    assert grid.low[0] == pytest.approx(0.025 ** (1 / 60))
    assert grid.survival[3] == grid.survival[2] == curve.survival[list(curve.times).index(0.375)]
    assert grid.survival[1] == curve.survival[list(curve.times).index(0.25)]
    given_up = survival_curve([1.0, 2.0], [True, False], at=[1.5, 2.0, 3.0])
    np.testing.assert_array_equal(given_up.survival, [0.5, 0.5, np.nan])
    np.testing.assert_array_equal(np.isnan([given_up.low, given_up.high]), [[False, False, True]] * 2)
    assert survival_curve([1.0, 2.0], [True, True], at=[1.5, 3.0]).survival[1] == 0


def test_the_band_holds_the_truth_at_each_time(repeated):
    levels = np.array([0.05, 0.3, 1.0, 1.6])
    curves = [survival_curve(*data, at=levels) for data in repeated(5, 60, 1.8)]
    held = np.array([(curve.low <= np.exp(-levels)) & (np.exp(-levels) <= curve.high) for curve in curves])
    assert (held.mean(axis=0) > 0.93).all(), held.mean(axis=0)
    wrong = np.array([(curve.low <= np.exp(-1.3 * levels)) & (np.exp(-1.3 * levels) <= curve.high) for curve in curves])
    assert (wrong.mean(axis=0)[2:] < 0.8).all()


def test_the_ends_of_the_curve_have_a_band():
    """All paths end: nothing survives; and one that nobody leaves."""
    everyone = survival_curve([1.0, 2.0, 3.0], [True] * 3)
    assert everyone.survival[-1] == everyone.low[-1] == 0
    assert 0 < everyone.high[-1] == everyone.high[-2] < 1
    nobody = survival_curve([5.0] * 10, [False] * 10, at=3)
    np.testing.assert_array_equal(nobody.times, [0.0, 2.5, 5.0])
    np.testing.assert_array_equal(nobody.survival, 1.0)
    np.testing.assert_allclose(nobody.low, 0.025**0.1)
    assert survival_curve([1.0, 1.0], [True, True]).high == [1.0]


def test_a_million_paths_on_a_grid():
    times = np.random.default_rng(6).exponential(size=10**6)
    curve = survival_curve(np.minimum(times, 2.0), times < 2, at=50, confidence=1 - 1e-6)
    law = np.exp(-curve.times[:-1])
    assert ((curve.low[:-1] <= law) & (law <= curve.high[:-1])).all()
    assert not ((curve.low[1:-1] <= law[1:] ** 1.05) & (law[1:] ** 1.05 <= curve.high[1:-1])).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: survival_curve([1.0], [True], at=[2.0, 1.0]), "at must be a number of times, or finite times"),
        (lambda: survival_curve([1.0], [True], at=1), "at must be an integer of at least 2, or times, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
