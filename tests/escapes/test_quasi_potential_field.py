"""The field of least actions against paths of least action, linear theory and the loss."""

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov

from sgdsde import Landscape, quasi_potential_field
from sgdsde.landscapes import find_minimum, find_saddle
from sgdsde.theory import minimum_action_path, quasi_potential

BOWL = Landscape(
    "x**2/2 + y**2 + x*y/2",
    "x y",
    noise_covariance=[["1 + x**2", "0.4 + x*y/4"], ["0.4 + x*y/4", "1/2 + y**2/2"]],
)
WELLS = Landscape(
    "x**4/4 - x**2/2 + y**2/2 + x*y/4",
    "x y",
    noise_covariance=[["1 + x**2/2", "0.3*y"], ["0.3*y", "1/2 + y**2/4 + x**2"]],
)


def test_ten_points_against_paths_of_least_action():
    """Where the noise depends on the place and is oblique; F of the minimum alone would be 10 % off and more."""
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    points = np.column_stack([0.75 * np.cos(angle), 0.6 * np.sin(angle)])
    field = quasi_potential_field(BOWL, [0.0, 0.0], ((-1.8, 1.8), (-1.5, 1.5)), 160)
    exact = quasi_potential(BOWL, [0.0, 0.0], points, segments=64)
    assert exact.max() < field.complete
    np.testing.assert_allclose(field.interpolate(points), exact, rtol=0.01)
    inverse = np.linalg.inv(solve_continuous_lyapunov(BOWL.hessian([0.0, 0.0]), BOWL.noise_covariance([0.0, 0.0])))
    assert np.abs(np.einsum("ni,ij,nj->n", points, inverse, points) / 2 / exact - 1).max() > 0.1


def test_errors_fall_with_the_cell():
    """Oblique F twice as long as wide, and the quadratic of Lyapunov's equation."""
    f = np.array([[1.0, 0.45], [0.45, 0.5]])
    bowl = Landscape("x**2/2 + y**2 + x*y/2", "x y", noise_covariance=[["1", "0.45"], ["0.45", "0.5"]])
    inverse = np.linalg.inv(solve_continuous_lyapunov(bowl.hessian([0.0, 0.0]), f))
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points = np.column_stack([0.6 * np.cos(angle), 0.5 * np.sin(angle)])
    exact = np.einsum("ni,ij,nj->n", points, inverse, points) / 2
    errors = []
    for cells in (50, 100, 200):
        field = quasi_potential_field(bowl, [0.0, 0.0], ((-1.5, 1.5), (-1.4, 1.4)), cells)
        assert exact.max() < field.complete
        errors.append(np.abs(field.interpolate(points) / exact - 1).mean())
    assert errors[2] < 0.75 * errors[1] < 0.75**2 * errors[0]
    assert errors[2] < 2e-3


def test_units_do_not_matter():
    """ω → uω with L → u²L and F → u²F is the same process."""
    plain = quasi_potential_field(BOWL, [0.0, 0.0], ((-1.0, 1.2), (-1.0, 0.9)), 20)
    u = 1e-5
    scaled = Landscape(
        "x**2/2 + y**2 + x*y/2",
        "x y",
        {"u": u},
        noise_covariance=[["u**2 + x**2", "0.4*u**2 + x*y/4"], ["0.4*u**2 + x*y/4", "u**2/2 + y**2/2"]],
    )
    small = quasi_potential_field(scaled, [0.0, 0.0], ((-u, 1.2 * u), (-u, 0.9 * u)), 20)
    np.testing.assert_allclose(small.values, plain.values, rtol=1e-6)
    assert small.complete == pytest.approx(plain.complete)


def test_past_the_saddle_nothing_is_climbed():
    low, other = find_minimum(WELLS, (-1.0, 0.2)), find_minimum(WELLS, (1.0, -0.2))
    saddle = find_saddle(WELLS, between=(low, other))
    field = quasi_potential_field(WELLS, low, ((-2.0, 2.0), (-1.5, 1.5)), (140, 100))
    exact = minimum_action_path(WELLS, low, saddle).action
    assert field.interpolate(saddle) == pytest.approx(exact, rel=0.01)
    assert field.interpolate(other) == pytest.approx(exact, rel=0.01)
    assert field.interpolate([1.0, 0.8]) > 1.2 * exact
    assert field.complete > exact


def test_the_least_of_several_paths():
    """A path that begins as a straight line finds a way round that is not the least; the field has the least."""
    low, end = find_minimum(WELLS, (-1.0, 0.2)), [-0.05, -0.2]
    straight, bent = (minimum_action_path(WELLS, low, end, initial=initial).action for initial in (None, [[-0.4, 0.3]]))
    assert bent < 0.995 * straight
    field = quasi_potential_field(WELLS, low, ((-2.0, 0.8), (-1.4, 1.4)), 200)
    assert field.interpolate(end) == pytest.approx(bent, rel=2.5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"landscape": Landscape("x**2", "x")}, "landscape must have two variables, got 1: x"),
        ({"minimum": [0.3, 0.0]}, "minimum must be a point without slope"),
        ({"box": ((0.5, 2.0), (-1.0, 1.0))}, "minimum must be in the box, 4 cells from its border"),
        ({"box": (0.0, 1.0)}, "box must be"),
        ({"cells": 12}, "cells must be at least 16 along each axis, got 12"),
        ({"reach": 1}, "reach must be an integer from 2 to 20, got 1"),
        (
            {"landscape": Landscape("x**2 + y**2", "x y", noise_covariance=[["1", "1"], ["1", "1"]])},
            "positive definite covariance F in the box; at",
        ),
        (
            {"landscape": Landscape("x**2 + y**2", "x y", noise_covariance=[["1", "0"], ["0", "x + 1/2"]])},
            "positive definite covariance F in the box; at",
        ),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    call = {"landscape": BOWL, "minimum": [0.0, 0.0], "box": ((-1.0, 1.0), (-1.0, 1.0)), "cells": 20} | change
    with pytest.raises(ValueError, match=message):
        quasi_potential_field(**call)


def test_points_outside_are_refused():
    field = quasi_potential_field(BOWL, [0.0, 0.0], ((-1.0, 1.0), (-1.0, 1.0)), 20)
    with pytest.raises(ValueError, match="points must have shape"):
        field.interpolate([1.5, 0.0])
