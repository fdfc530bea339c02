"""What is drawn of a landscape of the user's own."""

import numpy as np
import pytest

from sgdsde import Landscape
from sgdsde.explore.frames import RATE, frame_of
from sgdsde.explore.scenes import scene_of


@pytest.mark.parametrize("noise", [1.0, "1 + x**2/4"])
def test_both_wells_are_in_sight_and_are_left(noise) -> None:
    well = Landscape("x**4/4 - a*x**2/2", "x", {"a": 1.5}, noise_covariance=noise)
    found = frame_of(well)
    ((low, high),) = found.box
    assert low < -1.5
    assert high > 1.5
    assert found.w0 == pytest.approx((1.5**0.5,), rel=1e-5)
    f = float(well.noise_covariance(np.array(found.w0))[0, 0])
    assert 1 < 2 * 1.5**2 / 4 / (found.learning_rate * f) < 6  # what is to be climbed, over T F / 2
    assert found.learning_rate * 3.0 < 2  # stable, at the curvature 2a


def test_both_wells_of_a_plane_are_in_sight() -> None:
    text = "a*(x**2 - 1)**2/4 + y**2/2 + b*x*y"
    found = frame_of(Landscape(text, "x y", {"a": 1.5, "b": 0.3}))
    for minimum in ((1.03, -0.31), (-1.03, 0.31)):
        assert all(low < x < high for x, (low, high) in zip(minimum, found.box, strict=True))


def test_a_lone_minimum_is_as_wide_as_its_noise() -> None:
    found = frame_of(Landscape("50*x**2", "x"))
    deviation = (found.learning_rate / 200) ** 0.5
    ((low, high),) = found.box
    assert 6 * deviation < high - low < 20 * deviation
    assert low < 0 < found.w0[0] < high


def test_where_there_is_no_loss_nothing_is_drawn() -> None:
    ((low, high),) = frame_of(Landscape("x - log(x)", "x")).box
    assert 0 < low < 0.1
    assert high > 2


@pytest.mark.parametrize("text", ["exp(-x)", "x**4", "(x - 100)**4", "1e-6*x**2", "sqrt(x**2)", "sin(3*x)"])
@pytest.mark.parametrize("noise", [1.0, 0.0])
def test_any_loss_has_a_frame_and_a_rate_that_a_page_takes(text: str, noise: float) -> None:
    scene = scene_of(Landscape(text, "x", noise_covariance=noise))
    ((low, high),) = scene.box
    assert low < scene.w0[0] < high
    assert RATE[0] <= scene.settings["lr"] <= RATE[1]


def test_a_start_of_ones_own_is_kept() -> None:
    found = frame_of(Landscape("x**4/4 - x**2/2", "x"), [-0.7])
    assert found.w0 == (-0.7,)
    assert found.learning_rate == frame_of(Landscape("x**4/4 - x**2/2", "x")).learning_rate
