"""What the claim about reparametrisation averages over data sets, and its large instance."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from sgdsde.theory import LinearMap, laplace_in_coordinates, laplace_shift, sinh_map
from validation.coordinates import (
    LAMBDA,
    TRUTH,
    measured_shifts,
    plane_examples,
    random_map,
    random_network,
    reading,
    toy_examples,
)


def test_the_first_order_term_takes_third_derivatives_of_the_loss():
    """Without the third derivatives the remainder would be of the order of the term itself."""
    model = plane_examples(4000, 5)
    here, there = (laplace_in_coordinates(model, LAMBDA, each, TRUTH) for each in (LinearMap(np.eye(2)), sinh_map()))
    shift = there.log_evidence - here.log_evidence
    first = laplace_shift(here.hessian, lambda d: model.hessian_slope(here.theta, d), sinh_map(), here.theta)
    assert_allclose(shift, first, rtol=0.01)


def test_shifts_are_means_over_data_sets_with_errors():
    shifts = measured_shifts(sinh_map(), (50, 400), range(12))
    assert shifts.shift.value.shape == shifts.rest.standard_error.shape == (2,)
    assert_allclose(shifts.shift.value - shifts.rest.value, shifts.first, rtol=1e-12)
    again = measured_shifts(sinh_map(), (400,), range(12))
    assert again.shift.value[0] == shifts.shift.value[1]


def test_a_random_map_has_the_condition_asked_for():
    matrix = random_map(30, 0.1, 1000.0, 1).matrix
    assert_allclose(np.linalg.cond(matrix), 1e4, rtol=1e-9)
    assert toy_examples(30, 1).inputs.shape == (30, 30)


def test_away_from_the_minimum_the_reading_of_the_hessian_is_lower():
    network = random_network(100, 2)
    minimum = network.minimum()
    for alpha in (0.01, 3.0):
        assert reading(network, network.rescaled(minimum, alpha)) < reading(network, minimum)
