"""From checks to the points of a picture, and from measured orders to checks."""

import numpy as np

from sgdsde.statistics import fit_order
from validation.check import Check
from validation.measure import half_width, order_check, series


def test_points_are_in_the_unit() -> None:
    checks = [Check("one", 2.0, 2.2, 0.2), Check("two", 4.0, 3.6, 0.4)]
    shown = series("both", [1, 2], checks, unit=[2.0, 4.0])
    np.testing.assert_allclose(shown.measured, [1.1, 0.9])
    np.testing.assert_allclose(shown.error, [0.1, 0.1])
    np.testing.assert_allclose(shown.predicted, [1.0, 1.0])


def test_the_standard_error_of_an_order_is_that_of_its_interval() -> None:
    order = fit_order([0.5, 0.25, 0.125, 0.0625], [0.5, 0.24, 0.13, 0.06], 0.001)
    check = order_check("order", 1.0, order, {"order 2": 2.0})
    low, high = order.interval
    assert half_width(order) == (high - low) / 2
    np.testing.assert_allclose(check.standard_error * 1.96, half_width(order))
    assert check.measured == order.slope
