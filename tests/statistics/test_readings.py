"""Readings of runs where they are equally far."""

from __future__ import annotations

import numpy as np
import pytest

from sgdsde.statistics import fitted_at_zero, mean_between, slopes, where_reached


def test_a_value_is_read_where_a_level_is_first_reached():
    x = np.array([[1.0, 2.0, 4.0, 3.0, 8.0], [1.0, 2.0, 2.5, 2.9, np.nan], [3.0, 4.0, 5.0, 6.0, 7.0]])
    found = where_reached(x, [[10.0, 20.0, 40.0, 30.0, 80.0]] * 3, 3.0)
    np.testing.assert_allclose(found, [30.0, np.nan, np.nan])  # never, and at the first reading already


def test_a_line_through_near_readings_is_a_power_law_and_noise_far_away_does_nothing():
    loss = np.array([[1.0, 0.3, 0.15, 0.08, 0.05], [2.0, 1.5, 1.0, 0.6, 0.3], [1.0, 0.15, 0.08, 0.05, 0.04]])
    trace = 7 * loss**0.6
    trace[0, 0], trace[2, 2:] = 1000.0, np.nan
    found = fitted_at_zero(np.log(loss / 0.1), np.log(trace), np.log(2.1))
    np.testing.assert_allclose(found, [np.log(7 * 0.1**0.6), np.nan, np.nan])  # not reached; too few readings
    with pytest.raises(ValueError, match="reach must be"):
        fitted_at_zero(loss, trace, 0.0)


def test_means_are_along_the_order_of_what_they_are_between():
    x = np.array([[0.1, 0.5, 0.3, 0.9], [0.3, 0.4, 0.5, 0.6]])
    np.testing.assert_allclose(mean_between(x, 1 - x, 0.2, 0.8), [0.5, np.nan])
    np.testing.assert_allclose(mean_between(x, 2 * x, 0.3, 0.5), [0.8, 0.8])
    np.testing.assert_allclose(mean_between([[0.0, np.nan, 1.0]], [[1.0, 9.0, 1.0]], 0.0, 1.0), [1.0])


def test_slopes_are_those_of_straight_lines():
    x = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(slopes(x, np.outer(x, [2.0, -1.0]) + 5), [2.0, -1.0])


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="one shape"):
        where_reached([[1.0, 2.0]], [[1.0, 2.0, 3.0]], 1.5)
    with pytest.raises(ValueError, match="a row for each x"):
        slopes([0.0, 1.0], [[1.0, 2.0]])
